package dev.virtualip.vip;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.virtualip.vip.tell.Web;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people see of an export. */
@EnableKubernetesMockClient(crud = true, https = false)
class ExportCommandTest {
  @TempDir Path folder;

  KubernetesClient client;

  @BeforeEach
  void create() {
    StandIn.create(client);
    client
        .resource(
            Web.vip(
                """
                {metadata: {name: sealed, labels: {team: shop}}, spec: {vrid: 78,
                  authentication: {passwordSecretRef: {name: vip-auth, key: web}}}}
                """))
        .create();
    client
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName("vip-auth")
                .withNamespace("virtualip-system")
                .endMetadata()
                .addToData("web", Base64.getEncoder().encodeToString("s3cret".getBytes(UTF_8)))
                .build())
        .create();
  }

  private Run run(String... args) {
    var kubeconfig = StandIn.kubeconfig(client.getMasterUrl().toString(), folder);
    return Run.of(
        Stream.concat(
                Stream.of("export"),
                Stream.concat(
                    Arrays.stream(args), Stream.of("--kubeconfig", kubeconfig.toString())))
            .toArray(String[]::new));
  }

  @Test
  void aManifestIsWithoutStatusAndRecords() {
    var run = run("sealed");
    assertEquals(0, run.code(), run.err());
    assertTrue(
        run.out()
            .startsWith(
                """
                apiVersion: virtualip.dev/v1alpha1
                kind: VirtualIP
                metadata:
                  name: sealed
                  labels:
                    team: shop
                spec:
                """),
        run.out());
    assertFalse(
        run.out().matches("(?s).*\n *(status|uid|resourceVersion|generation):.*"), run.out());
    assertTrue(run.out().contains("edge: \"true\""), run.out());
  }

  @Test
  void severalAreDocumentsOrAList() throws IOException {
    assertEquals(1, run("web", "sealed").out().split("\n---\n").length - 1);
    var list = new ObjectMapper().readTree(run("web", "sealed", "-o", "json").out());
    assertEquals("sealed", list.at("/items/1/metadata/name").asText());
    var one = new ObjectMapper().readTree(run("web", "-o", "json").out());
    assertEquals("web", one.at("/metadata/name").asText());
  }

  @Test
  void thePasswordIsInAFileThatNobodyElseMayRead() throws IOException {
    var shown = run("sealed", "--as", "keepalived", "--node", "node-a");
    assertTrue(shown.out().contains("        auth_pass PASSWORD\n"), shown.out());
    assertTrue(shown.out().contains("    priority 100\n"), shown.out());
    assertEquals(
        "sealed: spec.authentication: the password is written with -f alone: replace PASSWORD\n",
        shown.err());
    var file = folder.resolve("keepalived.conf");
    var run = run("sealed", "--as", "keepalived", "--node", "node-a", "-f", file.toString());
    assertEquals(new Run(0, "wrote " + file + "\n", ""), run);
    assertTrue(Files.readString(file).contains("        auth_pass s3cret\n"));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertEquals(1, run("web", "-f", file.toString()).code());
  }

  @Test
  void wrongUsageExitsWithTwoAndWhatIsNotThereWithOne() {
    assertEquals(2, run("web", "--node", "node-a").code());
    assertEquals(2, run("web", "--as", "keepalived", "-o", "json").code());
    assertEquals(2, Run.of("export").code());
    assertEquals(
        new Run(1, "", "kubectl-vip: there is no VirtualIP wob; there are sealed, web\n"),
        run("wob"));
  }
}
