package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is shipped is what an API server stores: who applies it again changes nothing, and who else
 * applies it is in nobody's way. GitOps tools go by that.
 */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ApplyIT {
  private static final String CRD = "virtualips.virtualip.dev";
  private static final String RULES = "x-kubernetes-validations";
  private static final YAMLMapper YAML = new YAMLMapper();

  private Lab lab;
  private ApiServer api;
  private JsonNode shipped;

  /** The CRD, without CEL rules where the server knows none and would leave them out. */
  private Path crd;

  @BeforeAll
  void installCrd() throws IOException {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    lab = Lab.open();
    api = ApiServer.real(lab, "127.0.0.1");
    crd = Lab.root().resolve("crds/" + CRD + ".yaml");
    shipped = YAML.readTree(crd.toFile());
    apply(crd);
    api.awaitEstablished(CRD);
    if (stored("crd", CRD).findValue(RULES) == null) {
      shipped.findParents(RULES).forEach(schema -> ((ObjectNode) schema).remove(RULES));
      crd = lab.work().resolve("crd.yaml");
      YAML.writeValue(crd.toFile(), shipped);
      apply(crd);
    }
  }

  @AfterAll
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  /** What kubectl says of each object, as in {@code virtualip.virtualip.dev/web unchanged}. */
  private List<String> apply(Path file, String... options) {
    var command = new ArrayList<>(List.of("apply", "--validate=false", "-f", file.toString()));
    command.addAll(List.of(options));
    return api.kubectl(command.toArray(String[]::new)).lines().toList();
  }

  private JsonNode stored(String... what) throws IOException {
    var command = new ArrayList<>(List.of("get", "-o", "json"));
    command.addAll(List.of(what));
    return YAML.readTree(api.kubectl(command.toArray(String[]::new)));
  }

  static Stream<Path> samples() throws IOException {
    try (var files = Files.list(Lab.root().resolve("samples"))) {
      // 21 is no VirtualIP, but a CronJob of batch/v1, which API servers before 1.21 do not have.
      return files
          .filter(file -> file.toString().endsWith(".yaml"))
          .filter(file -> !file.endsWith("21-drill-cronjob.yaml"))
          .sorted()
          .toList()
          .stream();
    }
  }

  @Test
  void theCrdIsStoredAsItIsShipped() throws IOException {
    var differences = new ArrayList<String>();
    compare("spec", shipped.path("spec"), stored("crd", CRD).path("spec"), differences);
    assertEquals(List.of(), differences);
  }

  @Test
  void theCrdIsUnchangedByASecondApplyAndNobodysAlone() {
    assertUnchanged(crd);
    assertShared(crd);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void aSampleIsUnchangedByASecondApplyAndNobodysAlone(Path sample) {
    apply(sample);
    assertUnchanged(sample);
    assertShared(sample);
  }

  /** Two teams may each add a check: the list is not the one's or the other's. */
  @Test
  void twoMayEachHaveItemsOfAList() throws IOException {
    apply(manifest("ingress"), "--server-side", "--field-manager=one");
    apply(manifest("extra"), "--server-side", "--field-manager=two");
    var names = stored("vip", "shared").at("/spec/healthChecks").findValuesAsText("name");
    assertEquals(List.of("extra", "ingress"), names.stream().sorted().toList());
  }

  private Path manifest(String check) throws IOException {
    return Files.writeString(
        lab.work().resolve(check + ".yaml"),
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: shared}
        spec:
          vrid: 9
          interface: eth0
          addresses: [{address: 203.0.113.9/24}]
          healthChecks: [{name: %s, tcp: {port: 80}}]
        """
            .formatted(check));
  }

  private void assertUnchanged(Path file) {
    for (var line : apply(file)) {
      assertTrue(line.endsWith(" unchanged"), line);
    }
  }

  /** Whoever comes second meets no conflict, which would end kubectl with an error. */
  private void assertShared(Path file) {
    apply(file, "--server-side", "--force-conflicts", "--field-manager=one");
    apply(file, "--server-side", "--field-manager=two");
  }

  private static void compare(String path, JsonNode ours, JsonNode theirs, List<String> found) {
    if (ours.isObject() && theirs.isObject()) {
      var fields = new TreeSet<String>();
      ours.fieldNames().forEachRemaining(fields::add);
      theirs.fieldNames().forEachRemaining(fields::add);
      fields.forEach(
          field -> compare(path + "." + field, ours.path(field), theirs.path(field), found));
    } else if (ours.isArray() && theirs.isArray() && ours.size() == theirs.size()) {
      for (int i = 0; i < ours.size(); i++) {
        compare(path + "[" + i + "]", ours.get(i), theirs.get(i), found);
      }
    } else if (!ours.equals(theirs)) {
      found.add("%s: %s is stored as %s".formatted(path, ours, theirs));
    }
  }
}
