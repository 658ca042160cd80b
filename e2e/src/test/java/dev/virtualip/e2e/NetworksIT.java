package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a server's NIC is made of: two nodes that have all of these at once, with a VirtualIP on
 * each. Tunnels without an Ethernet header by another program are in {@link TunnelIT}, plain NICs
 * in {@link NicsIT}.
 */
@Tag("long")
@NeedsKernel({"8021q", "bonding", "ip_gre", "macvlan", "vrf"})
@Timeout(value = 300, unit = SECONDS)
class NetworksIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int VRID_OF_MAC = 61;
  private static final String MACS = "macs.yaml";

  private static Lab lab;
  private static Host a;
  private static Host b;
  private static Host client;
  private static AgentProgram agentA;
  private static AgentProgram agentB;

  /** A network, and by which NIC a node is in it. */
  private enum Network {
    ActiveBackup("bond0", "eth0", "eth1"),
    Lacp("bond2", "eth2", "eth3"),
    Vlan("eth4.7", "eth4"),
    Bridge("br5", "eth5"),
    Vrf("eth6", "eth6"),
    Tunnel("gre7", "eth7");

    private final String nic;
    private final List<String> cables;

    Network(String nic, String... cables) {
      this.nic = nic;
      this.cables = List.of(cables);
    }

    String address(int last) {
      return "10.9.%d.%d".formatted(ordinal(), last);
    }

    String virtualAddress() {
      return address(100);
    }

    /** The one that has a virtual MAC. */
    String macAddress() {
      return address(101);
    }

    /** The NIC that has the virtual address. */
    String serving() {
      return this == Tunnel ? cables.getFirst() : nic;
    }

    void plug(Host node) {
      var wire = lab.wire(name());
      for (var cable : cables) {
        node.plug(cable, wire);
      }
      switch (this) {
        case Lacp -> node.aggregate(cables);
        case Vrf -> node.vrf("vrf6", 106);
        case Tunnel -> node.ip("addr add %s/24 dev eth7".formatted(address(last(node))));
        default -> {}
      }
    }

    /** Makes the NIC of what is plugged, as the node's own set-up does. */
    void make(Host node) {
      var own = address(last(node)) + "/24";
      switch (this) {
        case ActiveBackup -> node.bond(nic, "active-backup", cables, own);
        case Lacp -> node.bond(nic, "802.3ad lacp_rate fast", cables, own);
        case Vlan -> node.vlan(cables.getFirst(), 7, own);
        case Bridge -> node.bridge(nic, cables.getFirst(), own);
        case Vrf -> {
          node.ip("link set eth6 master vrf6");
          node.ip("addr add %s dev eth6".formatted(own));
        }
        case Tunnel -> {
          var ends = "local %s remote %s".formatted(address(last(node)), address(other(node)));
          node.ip("link add gre7 type gre ttl 64 " + ends);
          node.ip("addr add 192.168.9.%d/24 dev gre7".formatted(last(node)));
          node.ip("link set gre7 up");
        }
      }
    }

    void remove(Host node) {
      if (this == Vrf) {
        node.unplug(nic);
      } else {
        node.ip("link del " + nic);
      }
    }

    void makeAnew(Host node) {
      if (this == Vrf) {
        node.plug(nic, lab.wire(name()));
      }
      make(node);
    }

    /** A tunnel has no carrier: it is set down. */
    void carrier(Host node, boolean there) {
      if (this == Tunnel) {
        node.ip("link set gre7 " + (there ? "up" : "down"));
        return;
      }
      for (var cable : cables) {
        if (there) {
          node.plugCable(cable);
        } else {
          node.pullCable(cable);
        }
      }
    }

    String manifest() {
      var address = "{address: %s/24, interface: %s}".formatted(virtualAddress(), serving());
      var transport =
          this == Tunnel
              ? "{mode: Unicast, peers: [192.168.9.11, 192.168.9.12]}"
              : "{mode: Multicast}";
      return """
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        vrid: %d
        interface: %s
        advertInterval: 2s
        transport: %s
        addresses: [%s]
        garp: {repeat: 1, delay: 0s, refresh: 0s}
        nodes: {overrides: [{name: node-a, priority: 150}]}
      """
          .formatted(object(), 51 + ordinal(), nic, transport, address);
    }

    String withVirtualMac() {
      return """
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: mac-%s}
      spec:
        vrid: %d
        interface: %s
        advertInterval: 2s
        virtualMac: true
        addresses: [{address: %s/24}]
        nodes: {overrides: [{name: node-a, priority: 150}]}
      """
          .formatted(object(), VRID_OF_MAC + ordinal(), nic, macAddress());
    }

    String virtualMac() {
      return "00:00:5e:00:01:%02x".formatted(VRID_OF_MAC + ordinal());
    }

    /** The client's. */
    String clientsNic() {
      return "eth" + ordinal() + (this == Vlan ? ".7" : "");
    }

    String object() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static int last(Host node) {
    return node == a ? 11 : 12;
  }

  private static int other(Host node) {
    return node == a ? 12 : 11;
  }

  @BeforeAll
  static void build() {
    lab = Lab.open();
    a = lab.host("node-a");
    b = lab.host("node-b");
    client = lab.host("client");
    for (var network : Network.values()) {
      for (var node : List.of(a, b)) {
        network.plug(node);
        network.make(node);
      }
      var nic = "eth" + network.ordinal();
      var own = network.address(50) + "/24";
      if (network == Network.Vlan) {
        client.plug(nic, lab.wire(network.name())).vlan(nic, 7, own);
      } else {
        client.plug(nic, lab.wire(network.name()), own);
      }
    }
    var manifests =
        Stream.of(Network.values()).map(Network::manifest).collect(Collectors.joining());
    agentA = AgentProgram.start(a, manifests, Map.of());
    agentB = AgentProgram.start(b, manifests, Map.of());
  }

  @AfterAll
  static void close() {
    lab.close();
  }

  /** The first node is master and the other one hears it, whatever was before. */
  private static void settle(Network network) {
    agentA.awaitStatus(network.object(), "state", "Master");
    agentB.awaitStatus(network.object(), "state", "Backup");
    awaitServedBy(network, a);
  }

  private static void awaitServedBy(Network network, Host node) {
    awaitServedBy(network.virtualAddress(), node);
  }

  private static void awaitServedBy(String address, Host node) {
    var other = node == a ? b : a;
    Await.until(
        node + " alone serves " + address,
        SOON,
        () -> node.hasAddress(address) && !other.hasAddress(address) && client.reaches(address));
  }

  private static long transitions(Network network) {
    return agentA.status(network.object()).path("transitions").asLong();
  }

  @Test
  void aNodeThatStopsIsFollowedOnEveryNetworkAndHasThemBack() {
    for (var network : Network.values()) {
      settle(network);
    }
    agentA.stop();
    for (var network : Network.values()) {
      awaitServedBy(network, b);
      agentB.awaitStatus(network.object(), "reason", "MasterResigned");
    }
    agentA.start();
    for (var network : Network.values()) {
      settle(network);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aNicWithoutCarrierIsFollowedAndServesAgainWithIt(Network network) {
    settle(network);
    network.carrier(a, false);
    agentA.awaitStatus(network.object(), "reason", "LinkDown(%s)".formatted(network.nic));
    awaitServedBy(network, b);
    network.carrier(a, true);
    awaitServedBy(network, a);
  }

  /** It comes back with another index. */
  @ParameterizedTest
  @EnumSource
  void aNicThatIsGoneIsFollowedAndServesAgainWhenItIsMadeAnew(Network network) {
    settle(network);
    network.remove(a);
    agentA.awaitStatus(network.object(), "reason", "InterfaceNotFound(%s)".formatted(network.nic));
    awaitServedBy(network, b);
    network.makeAnew(a);
    awaitServedBy(network, a);
  }

  /** Nothing else tells the client: addresses are announced once, and it has asked already. */
  @ParameterizedTest
  @EnumSource
  void aNewMacIsAnnouncedAndServesWithoutAFailover(Network network) {
    settle(network);
    long before = transitions(network);
    var mac = "02:00:00:00:0a:%02x".formatted(network.ordinal());
    a.ip("link set %s address %s".formatted(network.serving(), mac));
    Await.until(
        "the client knows it",
        SOON,
        () -> client.ip("neigh show " + network.virtualAddress()),
        neighbour -> neighbour.contains(mac));
    awaitServedBy(network, a);
    assertEquals(before, transitions(network));
  }

  /** A tunnel has none. The client has permanent ARP entries. */
  @Test
  void aVirtualMacServesOnEveryOtherNetworkAndMoves() {
    var networks = EnumSet.complementOf(EnumSet.of(Network.Tunnel));
    var manifests = networks.stream().map(Network::withVirtualMac).collect(Collectors.joining());
    for (var network : networks) {
      client.ip(
          "neigh add %s lladdr %s nud permanent dev %s"
              .formatted(network.macAddress(), network.virtualMac(), network.clientsNic()));
    }
    agentA.apply(MACS, manifests);
    agentB.apply(MACS, manifests);
    for (var network : networks) {
      awaitServedBy(network.macAddress(), a);
    }
    agentA.delete(MACS);
    for (var network : networks) {
      awaitServedBy(network.macAddress(), b);
    }
    agentB.delete(MACS);
  }

  @ParameterizedTest
  @EnumSource(names = {"ActiveBackup", "Lacp"})
  void aBondWithOneLegGoesOnWhicheverItIs(Network network) {
    settle(network);
    long before = transitions(network);
    for (var leg : network.cables) {
      awaitBothLegs(network);
      a.pullCable(leg);
      Await.until(
          "the bond has noticed",
          SOON,
          () ->
              bond(network).contains("MII Status: down")
                  && client.reaches(network.virtualAddress()));
      a.plugCable(leg);
    }
    awaitBothLegs(network);
    awaitServedBy(network, a);
    assertEquals(before, transitions(network));
  }

  /** By the bond, so that switches learn its new port from all that it has; not by the agent. */
  @Test
  void aBondAnnouncesTheVirtualAddressWhenItsActivePortChanges() {
    var network = Network.ActiveBackup;
    settle(network);
    awaitBothLegs(network);
    var active = a.run("cat", "/sys/class/net/bond0/bonding/active_slave").strip();
    try (var heard = client.capture("eth0", "arp and ether broadcast")) {
      a.pullCable(active);
      heard.await(
          "an announcement of the virtual address",
          SOON,
          f -> f.arp().filter(arp -> arp.sender().equals(network.virtualAddress())).isPresent());
    } finally {
      a.plugCable(active);
    }
  }

  private static void awaitBothLegs(Network network) {
    Await.until(
        "both legs are up",
        SOON,
        () -> bond(network),
        shown ->
            !shown.contains("MII Status: down")
                && (network != Network.Lacp || shown.contains("Number of ports: 2")));
  }

  /** The kernel's description of a bond and its legs. */
  private static String bond(Network network) {
    return a.run("cat", "/proc/net/bonding/" + network.nic);
  }
}
