package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * All at once and unannounced, {@code kubectl delete -k deploy/base} while an address serves; and
 * the operator alone, after which it still does.
 */
@InLab
class UninstallIT {
  private static final Duration SOON = Duration.ofSeconds(120);

  private static final String OPERATORS = "app.kubernetes.io/name=" + Cluster.OPERATOR;

  private static final String VIP =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        routes: [{to: default, via: 203.0.113.1, interface: eth1}]
      """;

  @Test
  void withoutTheOperatorAddressesStayAndMoveAndGoWithTheirVirtualIp(@TempDir Path dir)
      throws IOException, InterruptedException {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    var installed = dir.resolve("base.yaml");
    Files.writeString(installed, Installation.kustomized(Installation.DEPLOY.resolve("base")));
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL))) {
      cluster.startWorkers();
      cluster.startOperator();
      cluster.apply(VIP);
      Await.until("one node has the address", SOON, () -> pair.owners().size() == 1);
      var api = cluster.api();

      api.kubectl("-n", Cluster.NAMESPACE, "delete", "deployment", Cluster.OPERATOR);

      Await.until(
          "what belonged to it is gone",
          SOON,
          () ->
              api.kubectl("-n", Cluster.NAMESPACE, "get", "rs,pods", "-o", "name", "-l", OPERATORS),
          left -> left.isBlank());
      var master = pair.owners().getFirst();
      cluster.node(master).hold(Cluster.AGENT);
      cluster.node(master).proc(Cluster.AGENT).stop();
      Await.until(
          "the other node has the address",
          SOON,
          () -> pair.owners().size() == 1 && !pair.owners().contains(master));
      api.kubectl("delete", "vip", "--all");
      Await.until(
          "no node has anything of it",
          SOON,
          () -> pair.nodes().stream().allMatch(ClassicPair::isClean));
      api.kubectl("delete", "--wait=false", "--ignore-not-found", "-f", installed.toString());
      Await.until("nothing is left of it", SOON, () -> Installation.traces(api), ""::equals);
      assertEquals("", Installation.crd(api));
    }
  }

  @Test
  void deletingTheInstallationLeavesNoAddressAndNoObject(@TempDir Path dir)
      throws IOException, InterruptedException {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    var installed = dir.resolve("base.yaml");
    Files.writeString(installed, Installation.kustomized(Installation.DEPLOY.resolve("base")));
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL))) {
      cluster.startWorkers();
      cluster.startOperator();
      cluster.apply(VIP);
      Await.until("one node has the address", SOON, () -> pair.owners().size() == 1);
      var api = cluster.api();

      api.kubectl("delete", "--wait=false", "-f", installed.toString());

      Await.until(
          "no node has anything of it",
          SOON,
          () -> pair.nodes().stream().allMatch(ClassicPair::isClean));
      Await.until(
          "no program runs",
          SOON,
          () ->
              cluster.nodes().stream()
                  .noneMatch(node -> node.runs(Cluster.AGENT) || node.runs(Cluster.OPERATOR)));
      Await.until("nothing is left of it", SOON, () -> Installation.traces(api), ""::equals);
      assertEquals("", Installation.crd(api));
    }
  }
}
