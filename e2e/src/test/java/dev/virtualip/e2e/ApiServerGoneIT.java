package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Probe;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** VRRP elects, Kubernetes configures: without API server and operator, VIPs keep failing over. */
@InLab
class ApiServerGoneIT {
  private static final Duration MOVE = Duration.ofSeconds(60);

  @Test
  void failoverRestartAndReturnWithoutApiServerAndOperator() throws IOException {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var cluster = Cluster.install(lab, pair, ApiServer.start(lab, ClassicPair.CONTROL));
        var probe = Probe.start(pair.client(), ClassicPair.URL)) {
      cluster.startOperator();
      cluster.startWorkers();
      cluster.createSecret("vip-auth", "web", "s3cret");
      cluster.apply(Files.readString(Lab.root().resolve("samples/01-active-standby.yaml")));
      awaitMaster(pair.nodeA(), pair.nodeB(), probe);
      var first = cluster.node("node-a");
      var second = cluster.node("node-b");
      Await.until(
          "status tells the master", MOVE, () -> "node-a".equals(cluster.status("web").master()));
      var control = cluster.node("control");
      control.hold("virtualip-operator");
      control.proc("virtualip-operator").kill();
      cluster.api().down();

      first.hold(Cluster.AGENT);
      first.proc(Cluster.AGENT).kill();
      awaitMaster(pair.nodeB(), pair.nodeA(), probe);
      // It starts from its last good configuration, password included.
      first.release(Cluster.AGENT);
      awaitMaster(pair.nodeA(), pair.nodeB(), probe);

      var snapshot = second.emptyDir(Cluster.AGENT, "state").resolve("snapshot.json");
      Files.writeString(snapshot, Files.readString(snapshot).substring(0, 100));
      second.proc(Cluster.AGENT).kill();
      Await.until(
          "it says that its snapshot is torn, and waits",
          MOVE,
          () ->
              second.runs(Cluster.AGENT)
                  && second.proc(Cluster.AGENT).output().contains("snapshot_ignored"));

      long transitions = transitions(pair.nodeA());
      cluster.api().up();
      Await.until(
          "node-b has caught up",
          MOVE,
          () -> status(pair.nodeB()).contains("\"state\":\"Backup\""));
      control.release("virtualip-operator");
      Await.until(
          "status tells the truth again",
          MOVE,
          () -> {
            var status = cluster.status("web");
            return "node-a".equals(status.master())
                && cluster.condition("web", "Ready").startsWith("True")
                && Objects.equals(
                    status.nodes().get("node-a").transitions(), transitions(pair.nodeA()));
          });
      assertEquals(transitions, transitions(pair.nodeA()), "no flap when the API is back");
    }
  }

  private static void awaitMaster(Host master, Host other, Probe probe) {
    Await.until(
        master + " alone has address and route",
        MOVE,
        () -> ClassicPair.holds(master) && ClassicPair.isClean(other));
    probe.awaitServedBy(master.name(), MOVE);
  }

  private static String status(Host node) {
    return node.get("http://127.0.0.1:9405/status");
  }

  private static long transitions(Host node) {
    return Long.parseLong(status(node).replaceAll("(?s).*\"transitions\":([0-9]+).*", "$1"));
  }
}
