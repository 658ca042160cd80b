package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the agent has not put on a node or its network stays as it is: docs/field-cases.md. */
@InLab
class NodesOwnIT {
  private static final Duration MOVE = Duration.ofSeconds(60);

  private static final String SPEC =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 51
        priority: %d
        interface: eth0
        addresses: [{address: %s, interface: eth1}]
      """;

  private static AgentProgram agent(Host host, int priority, String address) {
    return AgentProgram.start(host, SPEC.formatted(priority, address), Map.of());
  }

  /** Case 3: all addresses and routes of the NIC went at the agent's start. */
  @Test
  void theNodesOwnAddressIsNotTakenFromIt() {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab)) {
      var a = pair.nodeA();
      a.ip("addr add 203.0.113.11/24 dev eth1");
      a.ip("addr add 203.0.113.12/24 dev eth1");
      a.ip("route add default via 203.0.113.1");
      var before = own(a);
      try (var agent = agent(a, 100, "203.0.113.11/24")) {
        agent.awaitStatus("web", "reason", "AddressInUse(203.0.113.11)");
        assertEquals(before, own(a));
        agent.stop();
        assertEquals(before, own(a));
      }
    }
  }

  /** Case 3c: the owner's address became a lease, and went with the agent. */
  @Test
  void theOwnerKeepsItsAddress() {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab)) {
      var a = pair.nodeA();
      a.ip("addr add 203.0.113.11/24 dev eth1");
      a.ip("route add default via 203.0.113.1");
      var before = own(a);
      try (var agent = agent(a, 255, "203.0.113.11/24")) {
        agent.awaitStatus("web", "state", "Master");
        assertEquals(before, own(a));
        agent.kill();
        agent.start();
        agent.awaitStatus("web", "state", "Master");
        agent.stop();
        assertEquals(before, own(a));
      }
    }
  }

  /** RFC 5227 and RFC 4862: who has heard no master asks before it takes over. */
  @ParameterizedTest
  @ValueSource(strings = {"203.0.113.10/24", "2001:db8::10/64"})
  void anAddressThatAHostOfTheNetworkHasIsLeftToItUntilItGivesItUp(String address) {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab)) {
      var a = pair.nodeA();
      var printer = pair.nodeB();
      printer.ip("addr add " + address + " dev eth1 nodad");
      var plain = address.substring(0, address.indexOf('/'));
      try (var agent = agent(a, 100, address)) {
        agent.awaitStatus("web", "reason", "AddressInUse(" + plain + ")");
        assertFalse(a.hasAddress(plain));
        printer.ip("addr del " + address + " dev eth1");
        agent.awaitStatus("web", "state", "Master");
        assertTrue(a.hasAddress(plain));
      }
    }
  }

  @Test
  void aSecondAgentOnANodeSaysSoAndEnds() {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var first = agent(pair.nodeA(), 100, "203.0.113.10/24")) {
      first.awaitStatus("web", "state", "Master");
      var manifest = SPEC.formatted(100, "203.0.113.20/24");
      try (var second =
          AgentProgram.start(pair.nodeA(), manifest, Map.of(), "--listen=127.0.0.1:9406")) {
        Await.until("the second ends", MOVE, () -> !second.proc().alive());
        assertEquals(1, second.proc().exitCode());
        assertTrue(
            second.proc().output().contains("another virtualip agent runs on this node"),
            () -> second.proc().output());
      }
      first.awaitStatus("web", "state", "Master");
    }
  }

  /** Addresses of the public NIC and the default route, without what counts down. */
  private static String own(Host node) {
    return node.ip("-4 -o addr show dev eth1") + node.ip("route show default");
  }
}
