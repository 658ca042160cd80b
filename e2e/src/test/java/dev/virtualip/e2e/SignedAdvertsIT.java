package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIpStatus.HmacStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Agents that sign their adverts. No keepalived that can sign is to be had here: the bytes are
 * compared with those of its documentation, by the agent's own tests.
 */
@InLab
class SignedAdvertsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration LATER = Duration.ofSeconds(120);
  private static final String VIP = "10.9.1.60";
  private static final String OLD = "1 " + "01".repeat(32) + "\n";
  private static final String NEW = "2 " + "02".repeat(32) + "\n";
  private static final String SPEC =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 60
        interface: eth0
        priority: %d
        addresses: [{address: %s}]
        authentication: {hmac: {keysSecretRef: {name: vip-hmac, key: keys}}}
      """;

  private static AgentProgram agent(Host host, int priority) {
    return AgentProgram.start(
        host, SPEC.formatted(priority, VIP + "/32"), Map.of("vip-hmac/keys", OLD));
  }

  private static void awaitKeys(AgentProgram agent, String keys) {
    int lines = (int) keys.lines().count();
    Await.until(
        "it has read the keys, and sends the first",
        SOON,
        () -> {
          var hmac = agent.status("web").path("hmac");
          return hmac.path("keys").size() == lines
              && hmac.path("sends").asText().startsWith(keys.substring(0, 2).strip() + "-");
        });
  }

  private static long transitions(AgentProgram agent) {
    return agent.status("web").path("transitions").asLong();
  }

  @Test
  void keysOfFilesRollOverInThreeStepsAndNobodyWithoutThemIsElected() {
    try (var lab = Lab.open()) {
      var wire = lab.wire("signed");
      var a = lab.host("a").plug("eth0", wire, "10.9.0.1/16");
      var b = lab.host("b").plug("eth0", wire, "10.9.0.2/16");
      var c = lab.host("c").plug("eth0", wire, "10.9.0.3/16");
      var master = agent(a, 150);
      Await.until("a is master", SOON, () -> a.hasAddress(VIP));
      var backup = agent(b, 100);
      backup.awaitStatus("web", "state", "Backup");
      long before = transitions(master) + transitions(backup);

      for (var keys : List.of(OLD + NEW, NEW + OLD, NEW)) {
        for (var agent : List.of(backup, master)) {
          agent.secret("vip-hmac/keys", keys);
        }
        for (var agent : List.of(backup, master)) {
          awaitKeys(agent, keys);
        }
      }
      assertEquals(before, transitions(master) + transitions(backup), "no takeover");

      var stranger =
          new Keepalived.Instance(
              "VI_1",
              "eth0",
              60,
              200,
              3,
              "1",
              null,
              List.of(VIP + "/32"),
              List.of(),
              null,
              List.of());
      Keepalived.start(c, stranger.config());
      Await.until(
          "unsigned adverts are dropped",
          SOON,
          () -> master.metrics().contains("reason=\"HmacMissing\""));
      assertTrue(a.hasAddress(VIP));
      assertFalse(b.hasAddress(VIP));
    }
  }

  @Test
  void aReplacedSecretRollsOverInOneApplyAlsoWithAnAgentAway() {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var cluster = Cluster.install(lab, pair, ApiServer.start(lab, ClassicPair.CONTROL))) {
      cluster.startOperator();
      cluster.startWorkers();
      replaceKeys(cluster, OLD);
      cluster.apply(
          SPEC.formatted(10, ClassicPair.VIP + "/24, interface: eth1")
              + "  nodes: {overrides: [{name: node-a, priority: 150}]}\n");
      cluster.await("node-a serves", LATER, () -> cluster.isReady("web", "node-a"));
      cluster.await("both send key 1", SOON, () -> rolledOver(cluster, "1-"));
      cluster.await(
          "node-b has told that it is Backup",
          SOON,
          () -> cluster.status("web").nodes().get("node-b").state() == State.Backup);
      long before = transitions(cluster, "node-a") + transitions(cluster, "node-b");
      replaceKeys(cluster, NEW);
      cluster.await("both send key 2", SOON, () -> rolledOver(cluster, "2-"));
      assertEquals(before, transitions(cluster, "node-a") + transitions(cluster, "node-b"));

      before = transitions(cluster, "node-a");
      var second = cluster.node("node-b");
      second.hold(Cluster.AGENT);
      second.proc(Cluster.AGENT).kill();
      replaceKeys(cluster, "3 " + "03".repeat(32));
      cluster.await("node-a has read it", SOON, () -> hasRead(cluster, "node-a", "3-"));
      assertTrue(keys(cluster, "node-a").sends().startsWith("2-"), "node-b has only that one");
      second.release(Cluster.AGENT);
      cluster.await("both send key 3", SOON, () -> rolledOver(cluster, "3-"));
      cluster.await(
          "node-b stands by", SOON, () -> cluster.condition("web", "Ready").startsWith("True"));
      assertEquals(before, transitions(cluster, "node-a"), "it has stayed master");
      for (var node : pair.nodes()) {
        var metrics = node.get("http://127.0.0.1:9405/metrics");
        assertFalse(metrics.contains("reason=\"Hmac"), () -> node + ": " + metrics);
      }
    }
  }

  private static void replaceKeys(Cluster cluster, String keys) {
    var value = Base64.getEncoder().encodeToString(keys.getBytes(StandardCharsets.US_ASCII));
    cluster.apply(
        new SecretBuilder()
            .withNewMetadata()
            .withName("vip-hmac")
            .withNamespace(Cluster.NAMESPACE)
            .endMetadata()
            .addToData("keys", value)
            .build());
  }

  private static HmacStatus keys(Cluster cluster, String node) {
    var nodes = cluster.status("web").nodes();
    var hmac = nodes == null || nodes.get(node) == null ? null : nodes.get(node).hmac();
    return hmac == null ? new HmacStatus(null, List.of(""), null, "") : hmac;
  }

  private static boolean hasRead(Cluster cluster, String node, String name) {
    return keys(cluster, node).keys().getFirst().startsWith(name);
  }

  /** Both nodes have one key alone, and send it. */
  private static boolean rolledOver(Cluster cluster, String name) {
    return List.of("node-a", "node-b").stream()
        .allMatch(
            node ->
                hasRead(cluster, node, name)
                    && keys(cluster, node).sends().startsWith(name)
                    && keys(cluster, node).kept() == null);
  }

  private static long transitions(Cluster cluster, String node) {
    return cluster.status("web").nodes().get(node).transitions();
  }
}
