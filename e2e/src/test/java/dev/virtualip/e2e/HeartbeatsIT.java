package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Adverts by two networks, which are cut one by one. */
@InLab
class HeartbeatsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String ADDRESS = "203.0.113.10";
  private static final String SILENT = "eth0 brings no adverts of the master";
  private static final String MANIFEST =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web, uid: u, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        advertInterval: 500ms
        heartbeats: [{interface: eth0}, {interface: eth2}]
        addresses: [{address: 203.0.113.10/24}]
        priority: 80
        nodes: {overrides: [{name: node-a, priority: 100}]}
      """;

  private Lab lab;
  private Host nodeA;
  private Host nodeB;

  @BeforeEach
  void build() {
    lab = Lab.open();
    var first = lab.wire("first");
    var second = lab.wire("second");
    nodeA =
        lab.host("node-a").plug("eth0", first, "10.0.0.11/24").plug("eth2", second, "10.2.0.11/24");
    nodeB =
        lab.host("node-b").plug("eth0", first, "10.0.0.12/24").plug("eth2", second, "10.2.0.12/24");
  }

  @AfterEach
  void close() {
    lab.close();
  }

  private static String problem(AgentProgram agent, int path) {
    return agent.status("web").path("heartbeats").path(path).path("problem").asText("");
  }

  private static void awaitProblem(AgentProgram agent, int path, String begins) {
    Await.until(
        "path " + path + " of " + agent.proc().name() + ": " + begins,
        SOON,
        () ->
            begins.isEmpty()
                ? problem(agent, path).isEmpty()
                : problem(agent, path).startsWith(begins));
  }

  private static void assertState(AgentProgram agent, String state, long transitions) {
    assertEquals(state, agent.status("web").path("state").asText());
    assertEquals(transitions, agent.status("web").path("transitions").asLong());
  }

  @Test
  void theCutOfOneNetworkMovesNothing_thatOfBothDoes_andOneThatIsMendedPartsTheTwo() {
    try (var a = AgentProgram.start(nodeA, MANIFEST, Map.of());
        var b = AgentProgram.start(nodeB, MANIFEST, Map.of())) {
      a.awaitStatus("web", "state", "Master");
      b.awaitStatus("web", "heardMaster", "10.0.0.11");
      b.awaitStatus("web", "state", "Backup");
      long movesOfA = a.status("web").path("transitions").asLong();
      long movesOfB = b.status("web").path("transitions").asLong();
      nodeA.cut("eth0");
      awaitProblem(b, 0, SILENT);
      b.awaitStatus("web", "heardMaster", "10.2.0.11");
      assertState(a, "Master", movesOfA);
      assertState(b, "Backup", movesOfB);
      nodeA.mend("eth0");
      awaitProblem(b, 0, "");
      assertState(b, "Backup", movesOfB);

      nodeA.cut("eth0");
      nodeA.cut("eth2");
      b.awaitStatus("web", "state", "Master");
      assertEquals("MasterDown", b.status("web").path("reason").asText());
      nodeA.mend("eth2");
      b.awaitStatus("web", "state", "Backup");
      assertState(a, "Master", movesOfA);

      nodeA.sh("ip link set eth2 down");
      awaitProblem(a, 1, "eth2 is down");
      nodeA.mend("eth0");
      awaitProblem(b, 0, "");
      assertState(a, "Master", movesOfA);
    }
  }

  private static String keepalived(int priority) {
    return new Keepalived.Instance(
            "web",
            "eth2",
            77,
            priority,
            3,
            "0.5",
            null,
            List.of(ADDRESS + "/24 dev eth2"),
            List.of(),
            null,
            List.of())
        .config();
  }

  @Test
  void aKeepalivedOnOneOfTheNetworksTakesPart() {
    try (var a = AgentProgram.start(nodeA, MANIFEST, Map.of())) {
      a.awaitStatus("web", "state", "Master");
      try (var k = Keepalived.start(nodeB, keepalived(150))) {
        a.awaitStatus("web", "state", "Backup");
        assertEquals("10.2.0.12", a.status("web").path("heardMaster").asText());
        awaitProblem(a, 0, SILENT);
        nodeA.cut("eth0");
        k.stop();
        a.awaitStatus("web", "reason", "MasterResigned");
      }
      nodeA.mend("eth0");
    }
  }
}
