package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.disk.Snapshot;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The end of the agent, where the API server takes what is sent and never answers. */
@InLab
class SigtermIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  /** As stated, and what a busy machine adds. */
  private static final Duration LIMIT = Duration.ofMillis(950 + 150);

  private static final String WEB =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web, uid: u, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        advertInterval: 100ms
        addresses: [{address: 203.0.113.10/24}]
      """;

  private static final String KUBECONFIG =
      """
      apiVersion: v1
      kind: Config
      clusters: [{name: c, cluster: {server: "http://10.0.0.99:80"}}]
      users: [{name: u, user: {token: t}}]
      contexts: [{name: c, context: {cluster: c, user: u}}]
      current-context: c
      """;

  @Test
  void aMasterIsGoneWithinTheLimitAndLeavesNothing() throws IOException {
    try (var lab = Lab.open()) {
      var host = lab.host("node-a").plug("eth0", lab.wire("lan"), "10.0.0.11/24");
      host.sh("ip neigh add 10.0.0.99 lladdr 02:00:00:00:00:99 dev eth0");
      var state = Files.createTempDirectory(lab.work(), "state-");
      var kubeconfig = Files.writeString(state.resolve("kubeconfig"), KUBECONFIG);
      var web = Serialization.unmarshal(WEB, VirtualIp.class);
      Snapshot.in(state, "node-a")
          .write(
              new Desired(
                  List.of(web),
                  new NodeFacts("node-a", Map.of(), true),
                  List.of(),
                  Map.of(),
                  Map.of()));
      try (var agent =
          host.start(
              "virtualip-agent",
              AgentProgram.PROGRAM.toString(),
              "run",
              "--node=node-a",
              "--kubeconfig=" + kubeconfig,
              "--state-dir=" + state)) {
        Await.until("it is master", SOON, () -> host.hasAddress("203.0.113.10"));
        long start = System.nanoTime();
        agent.signal("TERM");
        assertEquals(0, agent.awaitExit(SOON));
        var took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(LIMIT) < 0, took + ": " + agent.output());
        assertTrue(!host.hasAddress("203.0.113.10"), "released");
      }
    }
  }
}
