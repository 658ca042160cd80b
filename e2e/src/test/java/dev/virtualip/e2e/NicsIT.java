package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Wire;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a NIC may be called, and what may happen to it while it carries an address. */
@InLab
class NicsIT {
  private Lab lab;
  private Host a;

  @BeforeEach
  void build() {
    lab = Lab.open();
    a = lab.host("a").plug("eth0", lab.wire("lan"), "10.9.0.1/24");
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private static String manifest(String nic) {
    return """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec:
          vrid: 51
          interface: %s
          advertInterval: 200ms
          addresses: [{address: 10.9.0.100/24}]
        """
        .formatted(nic);
  }

  private AgentProgram agent(String nic) {
    return AgentProgram.start(a, manifest(nic), Map.of());
  }

  @Test
  void anAltNameIsAsGoodAsAName() throws IOException {
    a.ip("link property add dev eth0 altname enp7s0");
    try (var agent = agent("enp7s0")) {
      agent.awaitStatus("web", "state", "Master");
      assertTrue(a.hasAddress("10.9.0.100"));
    }
    var file = Files.writeString(lab.work().resolve("web.yaml"), manifest("enp7s0"));
    var program = AgentProgram.PROGRAM.toString();
    assertEquals(
        "ok: 1 VirtualIP in 1 file",
        a.run(program, "validate", "--node=a", file.toString()).strip());
  }

  /** Neighbours keep an address's old hardware address for a minute, and longer. */
  @Test
  void aNewHardwareAddressIsAnnouncedAtOnce() {
    var b = lab.host("b").plug("eth0", lab.wire("lan"), "10.9.0.2/24");
    var once = manifest("eth0") + "  garp: {repeat: 1, delay: 0s, refresh: 0s}\n";
    try (var agent = AgentProgram.start(a, once, Map.of())) {
      agent.awaitStatus("web", "state", "Master");
      assertTrue(b.reaches("10.9.0.100"));
      a.ip("link set eth0 address 02:00:00:00:0b:01");
      Await.until(
          "b knows it",
          Duration.ofSeconds(10),
          () -> b.ip("neigh show 10.9.0.100"),
          neighbour -> neighbour.contains("02:00:00:00:0b:01"));
      assertTrue(b.reaches("10.9.0.100"));
    }
  }

  /** The virtual address is there first: all others of its subnet are its secondaries. */
  @ParameterizedTest
  @EnumSource
  void theNodesOwnAddressStaysWhenTheVirtualOneGoes(End end) {
    a.plug("eth1", lab.wire("public"));
    a.sh("sysctl -qw net.ipv4.conf.all.promote_secondaries=0");
    a.sh("sysctl -qw net.ipv4.conf.eth1.promote_secondaries=0");
    var manifest = manifest("eth0").replace("10.9.0.100/24", "203.0.113.10/24, interface: eth1");
    try (var agent = AgentProgram.start(a, manifest, Map.of())) {
      agent.awaitStatus("web", "state", "Master");
      a.ip("addr add 203.0.113.11/24 dev eth1");
      switch (end) {
        case Stopped -> agent.stop();
        case Killed -> agent.kill();
        case Deleted -> agent.delete("virtualip.yaml");
      }
      Await.until(
          "the virtual address goes", Duration.ofSeconds(20), () -> !a.hasAddress("203.0.113.10"));
      assertTrue(a.hasAddress("203.0.113.11"));
    }
  }

  /**
   * The kernel takes routes and IPv6 addresses off a NIC that is set down, routes without a word.
   */
  @Test
  void aNicThatIsDownForLessThanItsDelayHasAddressesAndRouteBackAndItsMaster() {
    a.plug("eth1", lab.wire("public"));
    var manifest =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec:
          vrid: 51
          interface: eth0
          linkDownDelay: 1500ms
          addresses:
            - {address: 203.0.113.10/24, interface: eth1}
            - {address: "2001:db8::10/64", interface: eth1, advertised: false}
          routes: [{to: default, via: 203.0.113.1, interface: eth1}]
        """;
    try (var agent = AgentProgram.start(a, manifest, Map.of())) {
      agent.awaitStatus("web", "state", "Master");
      long before = agent.status("web").path("transitions").asLong();
      a.sh("ip link set eth1 down; sleep 0.2; ip link set eth1 up");
      Await.until(
          "all is back",
          Duration.ofSeconds(10),
          () -> a.ip("route show default") + a.ip("-o addr show dev eth1"),
          there ->
              there.contains("default via 203.0.113.1 ")
                  && there.contains("203.0.113.10/24")
                  && there.contains("2001:db8::10/64"));
      assertEquals(before, agent.status("web").path("transitions").asLong());
    }
  }

  /** How an address comes to go: by the agent, by its lease, by an edit. */
  private enum End {
    Stopped,
    Killed,
    Deleted
  }

  /** Its port carries nothing for 4 s; without a delay node a would be master after 0.7 s. */
  @Test
  void whoIsDeafWhileItsSwitchPortLearnsIsNoMaster() {
    var wire = lab.wire("lan");
    var b = lab.host("b").plug("eth0", wire, "10.9.0.2/24");
    lab.control().ip("link set " + wire.bridge() + " type bridge stp_state 1 forward_delay 200");
    awaitPorts(wire, 2);
    var preferred =
        manifest("eth0") + "  priority: 150\n  preempt: {enabled: false}\n  linkUpDelay: 6s\n";
    try (var theirs = AgentProgram.start(b, manifest("eth0"), Map.of())) {
      theirs.awaitStatus("web", "state", "Master");
      try (var ours = AgentProgram.start(a, preferred, Map.of())) {
        ours.awaitStatus("web", "state", "Backup");
        a.pullCable("eth0");
        ours.awaitStatus("web", "reason", "LinkDown(eth0)");
        a.plugCable("eth0");
        ours.awaitStatus("web", "reason", "Recovered");
        double before = advertsReceived(ours);
        Await.until(
            "it hears its master for longer than a down interval",
            Duration.ofSeconds(10),
            () -> advertsReceived(ours) > before + 5);
        assertEquals("Backup", ours.status("web").path("state").asText());
        var history = ours.status("web").path("history").toString();
        assertFalse(history.contains("Master"), history);
      }
    }
  }

  private static double advertsReceived(AgentProgram agent) {
    return agent
        .metrics()
        .lines()
        .filter(line -> line.startsWith("virtualip_adverts_received_total"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private void awaitPorts(Wire wire, int count) {
    Await.until(
        "all ports forward",
        Duration.ofSeconds(30),
        () ->
            lab.control()
                .run("bridge", "link", "show")
                .lines()
                .filter(line -> line.contains(" master " + wire.bridge() + " "))
                .filter(line -> line.contains("state forwarding"))
                .count(),
        forwarding -> forwarding == count);
  }

  @Test
  void whatIsThereIsToldWithAltNames() {
    a.ip("link property add dev eth0 altname enp7s0");
    try (var agent = agent("enp8s0")) {
      agent.awaitStatus("web", "reason", "InterfaceNotFound(enp8s0)");
      var message = agent.status("web").path("message").asText();
      assertTrue(message.contains("(it has eth0 (altname enp7s0), lo)"), message);
    }
  }
}
