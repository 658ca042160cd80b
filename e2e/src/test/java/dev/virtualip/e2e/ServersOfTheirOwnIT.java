package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import dev.virtualip.e2e.lab.Nginx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Three nodes that are directors and real servers at once, with DirectRoute and Tunnel: all of them
 * answer clients, and only the master tells its MAC. Nobody sets anything on the nodes by hand.
 */
@NeedsKernel({"ip_vs", "ipip"})
@Timeout(value = 300, unit = SECONDS)
class ServersOfTheirOwnIT {
  private static final Duration SOON = Duration.ofSeconds(90);
  private static final String VIP = "10.0.0.100";
  private static final String VIP6 = "2001:db8::100";

  private static final String MANIFEST =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 51
        interface: eth0
        advertInterval: 2s
        addresses: [{address: 10.0.0.100/24}, {address: "2001:db8::100/128", advertised: false}]
        nodes: {overrides: [{name: n1, priority: 150}, {name: n2, priority: 120}]}
        virtualServers:
          - name: web
            port: 80
            scheduler: rr
            forwarding: DirectRoute
            checks: [{name: page, tcp: {}, interval: 1s, timeout: 5s}]
            realServers: {addresses: [%s]}
      """;

  private static final List<Host> NODES = new ArrayList<>();
  private static final List<AgentProgram> AGENTS = new ArrayList<>();
  private static Lab lab;
  private static Host client;

  @BeforeAll
  static void build() {
    lab = Lab.open();
    var wire = lab.wire("lan");
    client = lab.host("client").plug("eth0", wire, "10.0.0.50/24", "2001:db8::50/64");
    for (int i = 1; i <= 3; i++) {
      var node =
          lab.host("n" + i).plug("eth0", wire, "10.0.0.1" + i + "/24", "2001:db8::1" + i + "/64");
      NODES.add(node);
      Nginx.start(node);
    }
    NODES.forEach(node -> AGENTS.add(AgentProgram.start(node, manifest(1, 2, 3), Map.of())));
    Await.until(
        "all agents run",
        Duration.ofMinutes(4),
        () -> AGENTS.stream().noneMatch(agent -> agent.metrics().isEmpty()));
  }

  @AfterAll
  static void close() {
    // Linux 6.1 never lets go of a node's eth0 after this ("waiting for eth0 to become free"), and
    // the VM ends anyway.
    if (System.getenv("VIRTUALIP_VM") == null) {
      lab.close();
    }
  }

  @BeforeEach
  void settle() {
    apply(manifest(1, 2, 3));
    AGENTS.get(0).awaitStatus("web", "state", "Master");
    AGENTS.get(1).awaitStatus("web", "state", "Backup");
    AGENTS.get(2).awaitStatus("web", "state", "Backup");
    NODES.forEach(node -> awaitAccepted(node, true));
    awaitServers(NODES.get(0), 6);
    awaitServers(NODES.get(1), 0);
    awaitServers(NODES.get(2), 0);
  }

  private static void apply(String manifest) {
    AGENTS.forEach(agent -> agent.apply("virtualip.yaml", manifest));
  }

  /** The VirtualIP with these nodes as real servers. */
  private static String manifest(int... nodes) {
    return MANIFEST.formatted(
        IntStream.of(nodes)
            .mapToObj("{address: 10.0.0.1%1$d}, {address: \"2001:db8::1%1$d\"}"::formatted)
            .collect(Collectors.joining(", ")));
  }

  private static void awaitAccepted(Host node, boolean accepted) {
    Await.until(
        node + (accepted ? " accepts" : " does not accept") + " the addresses",
        SOON,
        () -> node.ip("-o addr show dev lo").lines().toList(),
        shown ->
            accepted == shown.stream().anyMatch(line -> line.contains(" 10.0.0.100/32 "))
                && accepted
                    == shown.stream().anyMatch(line -> line.contains(" 2001:db8::100/128 ")));
  }

  private static void awaitServers(Host node, int expected) {
    Await.until(
        expected + " servers at " + node,
        SOON,
        () -> node.sh("ipvsadm -Sn"),
        shown -> shown.lines().filter(line -> line.startsWith("-a")).count() == expected);
  }

  /** Who answers 12 requests, before each of which the client has forgotten the MAC. */
  private static Set<String> answers(String url) {
    var got =
        client.sh(
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ip neigh flush dev eth0;"
                + " curl -sS --max-time 5 '"
                + url
                + "' 2>&1; done");
    var lines = got.lines().toList();
    assertEquals(12, lines.size(), got);
    return Set.copyOf(lines);
  }

  /** MACs that say they are an address's. */
  private static Set<String> macs(Capture capture, String address) {
    var hex = address.equals(VIP) ? "0a000064" : "20010db8000000000000000000000100";
    int at = address.equals(VIP) ? 28 : 62;
    return capture.frames().stream()
        .map(Frame::bytes)
        .map(bytes -> HexFormat.of().formatHex(bytes))
        .filter(text -> text.startsWith(hex, 2 * at))
        .map(text -> text.substring(12, 24).replaceAll("(..)(?=.)", "$1:"))
        .collect(Collectors.toSet());
  }

  private static void assertAllAnswerAndOnlyOneTellsItsMac(Host master, String... nodes) {
    try (var arp = client.capture("eth0", "arp[6:2] = 2 or (icmp6 and ip6[40] = 136)")) {
      assertEquals(Set.of(nodes), answers("http://" + VIP + "/"));
      assertEquals(Set.of(nodes), answers("http://[" + VIP6 + "]/"));
      Await.until("captured", SOON, () -> !macs(arp, VIP).isEmpty() && !macs(arp, VIP6).isEmpty());
      assertEquals(Set.of(master.mac("eth0")), macs(arp, VIP));
      assertEquals(Set.of(master.mac("eth0")), macs(arp, VIP6));
    }
  }

  @Test
  void allNodesAnswerAndOnlyTheMasterTellsItsMac() {
    assertAllAnswerAndOnlyOneTellsItsMac(NODES.get(0), "n1", "n2", "n3");
  }

  @Test
  void theOthersAnswerWhenTheMasterIsCutOff() {
    NODES.get(0).cut("eth0");
    try {
      var master =
          Await.until(
              "another is master",
              SOON,
              () -> NODES.subList(1, 3).stream().filter(this::balancesTwo).findFirst(),
              Optional::isPresent);
      assertAllAnswerAndOnlyOneTellsItsMac(master.orElseThrow(), "n2", "n3");
    } finally {
      NODES.get(0).mend("eth0");
    }
    awaitServers(NODES.get(1), 0);
    awaitServers(NODES.get(2), 0);
    awaitServers(NODES.get(0), 6);
    assertAllAnswerAndOnlyOneTellsItsMac(NODES.get(0), "n1", "n2", "n3");
  }

  private boolean balancesTwo(Host node) {
    return node.sh("ipvsadm -Sn").lines().filter(line -> line.startsWith("-a")).count() == 4;
  }

  @Test
  void aNodeThatIsNoServerAnyMoreAcceptsNothing() {
    apply(manifest(1, 2));
    awaitAccepted(NODES.get(2), false);
    awaitServers(NODES.get(0), 4);
    assertAllAnswerAndOnlyOneTellsItsMac(NODES.get(0), "n1", "n2");
  }

  @Test
  void throughATunnelAllNodesAnswerToo() {
    var ipv4 =
        manifest(1, 2, 3)
            .replace("DirectRoute", "Tunnel")
            .replace("port: 80", "port: 80\n      addresses: [10.0.0.100]")
            .replaceAll(", \\{address: \"2001:db8::1.\"}", "");
    apply(ipv4);
    Await.until(
        "it tunnels",
        SOON,
        () -> NODES.get(0).sh("ipvsadm -Sn"),
        shown -> shown.split("10.0.0.1[123]:80 -i -w 1 --tun-type ipip").length == 4);
    assertEquals(Set.of("n1", "n2", "n3"), answers("http://" + VIP + "/"));
  }
}
