package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Frr;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** BFD between our agents, and with keepalived's and FRR's. */
@Tag("long")
@InLab
class BfdIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String A = "10.0.0.11";
  private static final String B = "10.0.0.12";
  private static final String ROUTER = "10.0.0.1";

  private Lab lab;
  private Host nodeA;
  private Host nodeB;

  @BeforeEach
  void build() {
    lab = Lab.open();
    var wire = lab.wire("internal");
    nodeA = lab.host("node-a").plug("eth0", wire, A + "/24", "fe80::11/64");
    nodeB = lab.host("node-b").plug("eth0", wire, B + "/24", "fe80::12/64");
  }

  @AfterEach
  void close() {
    lab.close();
  }

  private static String manifest(String address, String bfd, String more) {
    return """
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: web, uid: u, generation: 1}
    spec:
      vrid: 77
      interface: eth0
      addresses: [{address: '%s'}]
      priority: 80
      nodes: {overrides: [{name: node-a, priority: 100}]}
      detection: {bfd: %s}
    %s"""
        .formatted(address, bfd, more);
  }

  private static AgentProgram agent(Host host, String bfd) {
    return AgentProgram.start(host, manifest("203.0.113.10/24", bfd, ""), Map.of());
  }

  private static void awaitSession(AgentProgram agent, String peer, boolean up) {
    var line = "virtualip_bfd_session_up{interface=\"eth0\",peer=\"" + peer + "\"} ";
    Await.until(
        "the session of %s with %s is %s".formatted(agent.proc().name(), peer, up ? "up" : "down"),
        SOON,
        () -> agent.metrics().contains(line + (up ? "1.0" : "0.0")));
  }

  private static long sessions(AgentProgram agent) {
    return agent.metrics().lines().filter(l -> l.startsWith("virtualip_bfd_session_up{")).count();
  }

  private void awaitBothUp(AgentProgram a, AgentProgram b) {
    a.awaitStatus("web", "state", "Master");
    b.awaitStatus("web", "state", "Backup");
    awaitSessions(a, b);
  }

  private void awaitSessions(AgentProgram a, AgentProgram b) {
    awaitSession(a, B, true);
    awaitSession(b, A, true);
  }

  @Test
  void aMasterThatIsCutOffIsFollowed() {
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}")) {
      awaitBothUp(a, b);
      nodeA.cut("eth0");
      b.awaitStatus("web", "state", "Master");
      assertEquals("NeighbourDown", b.status("web").path("reason").asText());
      awaitSession(b, A, false);
      nodeA.mend("eth0");
      b.awaitStatus("web", "state", "Backup");
      assertEquals("Master", a.status("web").path("state").asText());
      awaitBothUp(a, b);
    }
  }

  @Test
  void alsoByIpv6() {
    var web = manifest("fd00::10/64", "{interval: 20ms, multiplier: 5}", "");
    try (var a = AgentProgram.start(nodeA, web, Map.of());
        var b = AgentProgram.start(nodeB, web, Map.of())) {
      a.awaitStatus("web", "state", "Master");
      b.awaitStatus("web", "state", "Backup");
      awaitSession(a, "fe80::12", true);
      awaitSession(b, "fe80::11", true);
      nodeA.cut("eth0");
      b.awaitStatus("web", "reason", "NeighbourDown");
    }
  }

  @Test
  void whileOnlyAdvertsAreLostTheirOwnTimerDecides() {
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}")) {
      awaitBothUp(a, b);
      lab.control()
          .sh(
              "nft 'table bridge lab { chain wires { type filter hook forward priority 0;"
                  + " ip protocol 112 drop; }; }'");
      b.awaitStatus("web", "state", "Master");
      assertEquals("MasterDown", b.status("web").path("reason").asText());
      awaitSessions(a, b);
      lab.control().sh("nft delete table bridge lab");
      b.awaitStatus("web", "state", "Backup");
    }
  }

  /** Seven of 32 bits: version 1, diagnostic 7, state AdminDown. */
  @Test
  void whoStopsEndsItsSessionsFirst() {
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}");
        var wire = nodeB.capture("eth0", "udp port 3784 and src host " + A)) {
      awaitBothUp(a, b);
      a.stop();
      b.proc().awaitOutput("bfd neighbour=10.0.0.11 nic=eth0 state=AdminDown", SOON);
      b.awaitStatus("web", "state", "Master");
      assertEquals("MasterResigned", b.status("web").path("reason").asText());
      var last = wire.frames().getLast();
      assertEquals(255, last.ttl());
      assertEquals((byte) 0xC0, last.bytes()[15], "as adverts, CS6");
      assertEquals(0x27, last.bytes()[42]);
      int sourcePort = (last.bytes()[34] & 0xFF) << 8 | last.bytes()[35] & 0xFF;
      assertTrue(sourcePort >= 49_152, "port " + sourcePort);
    }
  }

  @Test
  void anAgentThatComesBackGetsASessionAgain() {
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}")) {
      awaitBothUp(a, b);
      a.kill();
      b.awaitStatus("web", "reason", "NeighbourDown");
      a.start();
      awaitBothUp(a, b);
      b.awaitStatus("web", "state", "Backup");
    }
  }

  @Test
  void twoVirtualIpsShareASession() {
    var mail =
        manifest("203.0.113.20/24", "{interval: 30ms}", "")
            .replace("web", "mail")
            .replace("77", "78")
            .replace("uid: u", "uid: v");
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}")) {
      for (var agent : List.of(a, b)) {
        agent.apply("mail.yaml", mail);
      }
      a.awaitStatus("mail", "state", "Master");
      awaitBothUp(a, b);
      assertEquals(1, sessions(a));
      assertEquals(1, sessions(b));
      Await.until(
          "the more demanding one applies",
          SOON,
          () -> b.metrics().matches("(?s).*virtualip_bfd_detection_seconds\\{.*} 0.09\n.*"));
      nodeA.cut("eth0");
      b.awaitStatus("web", "reason", "NeighbourDown");
      b.awaitStatus("mail", "reason", "NeighbourDown");
    }
  }

  @Test
  void aNodeThatIsNotSelectedAnyMoreEndsItsSession() {
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}")) {
      awaitBothUp(a, b);
      a.delete("virtualip.yaml");
      b.proc().awaitOutput("bfd neighbour=10.0.0.11 nic=eth0 state=AdminDown", SOON);
      Await.until("its own is gone too", SOON, () -> sessions(a) == 0);
      b.awaitStatus("web", "state", "Master");
    }
  }

  @Test
  void packetsThatARouterHasForwardedAreDropped() {
    try (var a = agent(nodeA, "{}");
        var b = agent(nodeB, "{}")) {
      awaitBothUp(a, b);
      nodeB.run(
          "python3",
          "-c",
          "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
              + " s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 254);"
              + " s.sendto(bytes.fromhex('2000031800000001000000000000c3500000c35000000000'),"
              + " ('10.0.0.11', 3784))");
      Await.until(
          "it is counted",
          SOON,
          () -> a.metrics().contains("virtualip_bfd_packets_rejected_total{reason=\"Ttl\"} 1.0"));
      awaitBothUp(a, b);
    }
  }

  private static String keepalived(int priority, String neighbour, String own, String weight) {
    return """
        bfd_instance ours {
          neighbor_ip %s
          source_ip %s
          min_rx 50
          min_tx 50
          multiplier 3
        }
        """
            .formatted(neighbour, own)
        + new Keepalived.Instance(
                "VI_1",
                "eth0",
                77,
                priority,
                3,
                "1",
                null,
                List.of("203.0.113.10/24 dev eth0"),
                List.of(),
                null,
                List.of("track_bfd {", "  ours " + weight, "}"))
            .config();
  }

  @Test
  void aKeepalivedThatIsCutOffIsFollowed() {
    try (var keepalived = Keepalived.startWithBfd(nodeB, keepalived(200, A, B, "weight 1"));
        var ours = agent(nodeA, "{}")) {
      Await.until("it is master", SOON, () -> nodeB.hasAddress("203.0.113.10"));
      awaitSession(ours, B, true);
      nodeB.cut("eth0");
      ours.awaitStatus("web", "state", "Master");
      assertEquals("NeighbourDown", ours.status("web").path("reason").asText());
      nodeB.mend("eth0");
      ours.awaitStatus("web", "state", "Backup");
      awaitSession(ours, B, true);
      keepalived.stop();
      ours.awaitStatus("web", "reason", "MasterResigned");
    }
  }

  /** keepalived's track_bfd without a weight: without our node's session it is at fault. */
  @Test
  void aKeepalivedSeesThatOursIsCutOffAndThatItIsBack() {
    try (var keepalived = Keepalived.startWithBfd(nodeB, keepalived(200, A, B, "weight -150"));
        var ours = agent(nodeA, "{peers: [{address: 10.0.0.12, weight: 5}]}")) {
      awaitSession(ours, B, true);
      Await.until("it is master", SOON, () -> nodeB.hasAddress("203.0.113.10"));
      nodeA.cut("eth0");
      keepalived.proc().awaitOutput("(?i)(Changing effective priority from 200 to 50)", SOON);
      nodeA.mend("eth0");
      keepalived.proc().awaitOutput("(?i)(Changing effective priority from 50 to 200)", SOON);
    }
  }

  @Test
  void aTrackedRouterWithFrrCountsForTheElection() {
    var router = lab.host("router").plug("eth0", lab.wire("internal"), ROUTER + "/24");
    var peer = " peer %s interface eth0\n  transmit-interval 50\n  receive-interval 50\n !";
    try (var frr = Frr.start(router, peer.formatted(A), peer.formatted(B));
        var a = agent(nodeA, "{peers: [{address: 10.0.0.1}]}");
        var b = agent(nodeB, "{peers: [{address: 10.0.0.1, weight: -10}]}")) {
      a.awaitStatus("web", "state", "Master");
      awaitSession(a, ROUTER, true);
      awaitSession(b, ROUTER, true);
      Await.until("bfdd agrees", SOON, () -> frr.peer(A).path("status").asText().equals("up"));
      assertEquals(50, frr.peer(A).path("remote-transmit-interval").asInt());

      // The router fails: who needs it is at fault, for whom it counts 10 has 10 less.
      router.cut("eth0");
      a.awaitStatus("web", "reason", "CheckFailed(bfd:10.0.0.1)");
      b.awaitStatus("web", "state", "Master");
      b.awaitStatus("web", "priority", "70");
      Await.until("bfdd sees it", SOON, () -> frr.peer(A).path("status").asText().equals("down"));
      router.mend("eth0");
      a.awaitStatus("web", "state", "Master");
      Await.until("bfdd sees it", SOON, () -> frr.peer(A).path("status").asText().equals("up"));

      // Its administrator ends the session: no failure.
      frr.configure("configure", "bfd", "peer " + A + " interface eth0", "shutdown");
      a.proc().awaitOutput("bfd neighbour=10.0.0.1 nic=eth0 state=AdminDown", SOON);
      assertEquals("Master", a.status("web").path("state").asText());

      // Ours ends: bfdd is told so.
      b.stop();
      Await.until("bfdd sees it", SOON, () -> frr.peer(B).path("status").asText().equals("down"));
      assertTrue(
          frr.peer(B).path("remote-diagnostic").asText().contains("administratively"),
          () -> frr.peer(B).toString());
    }
  }
}
