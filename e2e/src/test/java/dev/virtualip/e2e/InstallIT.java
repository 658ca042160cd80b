package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.marcnuri.helm.Helm;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.dsl.RollableScalableResource;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** By kubectl and by Helm onto a real API server, upgraded, and off again without a trace. */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InstallIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String NAMESPACE = Cluster.NAMESPACE;
  private static final String RELEASED = "vips";
  private static final String PART = "app.kubernetes.io/part-of=virtualip";

  private Lab lab;
  private ApiServer api;
  @TempDir private Path dir;

  @BeforeAll
  void start() {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    lab = Lab.open();
    api = ApiServer.real(lab, "127.0.0.1");
  }

  @AfterAll
  void stop() {
    if (lab != null) {
      lab.close();
    }
  }

  /** A kustomization's objects in a file: kubectl's own kustomize may be too old. */
  private String rendered(String folder) throws IOException, InterruptedException {
    var file = dir.resolve(folder.replace('/', '-') + ".yaml");
    Files.writeString(file, Installation.kustomized(Installation.DEPLOY.resolve(folder)));
    return file.toString();
  }

  private RollableScalableResource<Deployment> operator() {
    return api.client().apps().deployments().inNamespace(NAMESPACE).withName("virtualip-operator");
  }

  private static Container container(Deployment operator) {
    return operator.getSpec().getTemplate().getSpec().getContainers().getFirst();
  }

  private String variable(String name) {
    return container(operator().get()).getEnv().stream()
        .filter(variable -> variable.getName().equals(name))
        .map(variable -> Objects.requireNonNullElse(variable.getValue(), "from elsewhere"))
        .findFirst()
        .orElse("");
  }

  /** A namespace ends when all in it has ended. */
  private void assertNoTrace() {
    Await.until("nothing is left of it", SOON, () -> Installation.traces(api), ""::equals);
    assertEquals("", Installation.crd(api));
  }

  @Test
  void kustomizationsAreAppliedOneOverTheOtherAndDeleted()
      throws IOException, InterruptedException {
    var base = rendered("base");
    api.kubectl("apply", "--validate=false", "-f", base);
    api.awaitEstablished("virtualips.virtualip.dev");
    assertEquals("", variable("AGENT_HOST_PID"));
    api.kubectl("apply", "--validate=false", "-f", rendered("overlays/host-pid"));
    assertEquals("true", variable("AGENT_HOST_PID"));
    api.kubectl("apply", "--validate=false", "-f", base);
    assertEquals("", variable("AGENT_HOST_PID"), "and off again");
    var sample = Lab.root().resolve("samples/01-active-standby.yaml").toString();
    api.kubectl("apply", "--validate=false", "-f", sample);
    api.kubectl("delete", "--wait=false", "-f", base);
    assertNoTrace();
  }

  @Test
  void whatIsAppliedAgainStaysAsItIsAndIsNobodysConflict() {
    var files =
        Stream.of("namespace", "operator-rbac", "agent-rbac", "operator")
            .map(name -> Lab.root().resolve("deploy/base/" + name + ".yaml").toString())
            .toList();
    files.forEach(file -> api.kubectl("apply", "--server-side", "-f", file));
    for (var file : files) {
      api.kubectl("apply", "--server-side", "--field-manager=another", "-f", file);
      assertEquals("", api.kubectl("diff", "--server-side", "-f", file));
    }
    // Newer servers take more of it as a whole, such as a fieldRef: it is stored as it is shipped.
    var shipped = api.client().apps().deployments().load(new File(files.getLast())).item();
    var stored = operator().get();
    assertEquals(container(shipped).getEnv(), container(stored).getEnv());
    assertEquals(container(shipped).getPorts(), container(stored).getPorts());
    assertEquals(
        shipped.getSpec().getTemplate().getSpec().getAffinity(),
        stored.getSpec().getTemplate().getSpec().getAffinity());
    assertEquals(
        shipped.getSpec().getTemplate().getSpec().getTolerations(),
        stored.getSpec().getTemplate().getSpec().getTolerations());
    files.reversed().forEach(file -> api.kubectl("delete", "--wait=false", "-f", file));
    assertNoTrace();
  }

  @Test
  void theChartIsInstalledUpgradedAndUninstalled() throws IOException {
    api.kubectl("create", "namespace", RELEASED);
    installChart();
    assertEquals(
        "deployment.apps/virtualip-operator",
        api.kubectl("-n", RELEASED, "get", "deployments", "-o", "name").strip());
    upgradeChart("operator.replicas", 1);
    assertEquals(
        "1",
        api.kubectl(
                "-n",
                RELEASED,
                "get",
                "deployment/virtualip-operator",
                "-o",
                "jsonpath={.spec.replicas}")
            .strip());
    uninstallChart();
    assertEquals(
        "customresourcedefinition.apiextensions.k8s.io/virtualips.virtualip.dev",
        Installation.crd(api),
        "and with it the VirtualIPs");
    assertEquals(
        "serviceaccount/virtualip-agent",
        api.kubectl("-n", RELEASED, "get", "sa", "-o", "name", "-l", PART).strip(),
        "by which the agents go on");
    installChart();
    upgradeChart("crd.keep", false);
    uninstallChart();
    assertNoTrace();
  }

  private void installChart() throws IOException {
    Installation.install(api, RELEASED).call();
  }

  private void upgradeChart(String value, Object setting) throws IOException {
    new Helm(Installation.chart())
        .upgrade()
        .withName("virtualip")
        .withNamespace(RELEASED)
        .set(value, setting)
        .disableOpenApiValidation()
        .withKubeConfig(api.kubeconfig())
        .call();
  }

  private void uninstallChart() {
    Installation.uninstall(api, RELEASED);
  }
}
