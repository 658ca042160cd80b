package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Wire;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The classic pair with IPv6: adverts on eth0, the virtual address and the default route on eth1,
 * which has no address of its own but a link-local one; a client behind a router.
 */
class Ipv6IT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final String VIP = "2001:db8:1::10";
  private static final String CLIENT = "2001:db8:2::10";

  private Lab lab;
  private Wire internal;
  private Host a;
  private Host b;
  private Host client;

  @BeforeEach
  void build() {
    assumeTrue(Lab.available(), "needs root and e2e/src/lab/bin/java as the JVM");
    lab = Lab.open();
    internal = lab.wire("internal");
    var open = lab.wire("public");
    var far = lab.wire("far");
    a = lab.host("a").plug("eth0", internal).plug("eth1", open);
    b = lab.host("b").plug("eth0", internal).plug("eth1", open);
    lab.host("router")
        .plug("eth0", open, "2001:db8:1::1/64")
        .plug("eth1", far, "2001:db8:2::1/64")
        .forward();
    client = lab.host("client").plug("eth0", far, CLIENT + "/64");
    client.route("default via 2001:db8:2::1");
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private static AgentProgram agent(Host host) {
    return agent(host, "eth1");
  }

  private static AgentProgram agent(Host host, String linkLocalNic) {
    return AgentProgram.start(
        host,
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec:
          vrid: 61
          interface: eth0
          advertInterval: 200ms
          addresses:
            - {address: '%s/64', interface: eth1}
            - {address: 'fe80::61/64', interface: %s}
          routes: [{to: default, via: '2001:db8:1::1', interface: eth1}]
          nodes: {overrides: [{name: a, priority: 150}]}
        """
            .formatted(VIP, linkLocalNic),
        Map.of());
  }

  private static boolean holds(Host host) {
    return host.hasAddress(VIP) && host.hasAddress("fe80::61") && routes(host);
  }

  /** Whether packets to the client would go to the public network's router. */
  private static boolean routes(Host host) {
    return host.succeeds("sh", "-c", "ip -6 route get " + CLIENT + " | grep -q 'dev eth1'");
  }

  private static boolean isClean(Host host) {
    return !host.hasAddress(VIP) && !host.hasAddress("fe80::61") && !routes(host);
  }

  private void awaitHolder(Host holder, Host other) {
    Await.until(holder + " alone holds all", MOVE, () -> holds(holder) && isClean(other));
    Await.until("the client is served", MOVE, () -> client.reaches(VIP));
  }

  private static String state(AgentProgram agent) {
    return agent.status("web").path("state").asText();
  }

  private static void assertReason(String reason, AgentProgram agent) {
    agent.awaitStatus("web", "reason", reason);
  }

  @Test
  void addressAndRouteMoveAndEndWithTheirLease() {
    try (var first = agent(a);
        var second = agent(b)) {
      // Until it listens it is clean too, and cannot hear the other one resign.
      Await.until("b listens", MOVE, () -> "Backup".equals(state(second)));
      awaitHolder(a, b);
      first.stop();
      awaitHolder(b, a);
      assertReason("MasterResigned", second);
      first.start();
      awaitHolder(a, b);
      first.kill();
      Await.until("b takes over", MOVE, () -> holds(b));
      assertReason("MasterDown", second);
      Await.until("the leases of a end", Duration.ofSeconds(10), () -> isClean(a));
      assertTrue(client.reaches(VIP));
      first.start();
      awaitHolder(a, b);
    }
  }

  @Test
  void aMasterKeepsAddressAndRouteForLongerThanTheirLease() throws InterruptedException {
    try (var agent = agent(a);
        var watch = Watch.of(a)) {
      Await.until("a holds all", MOVE, () -> holds(a));
      watch.clear();
      // Nothing can be awaited here: that nothing happens is the claim. A lease is 2 s.
      Thread.sleep(6000);
      assertFalse(watch.saw("Deleted"), watch::output);
      assertTrue(holds(a) && client.reaches(VIP));
      assertEquals("Master", state(agent));
    }
  }

  /** What {@code ip monitor} prints. */
  private record Watch(dev.virtualip.e2e.lab.Proc proc, int[] from) implements AutoCloseable {
    static Watch of(Host host) {
      return new Watch(
          host.start("monitor", "ip", "-6", "monitor", "address", "route"), new int[1]);
    }

    void clear() {
      from[0] = proc.output().length();
    }

    String output() {
      return proc.output().substring(from[0]);
    }

    boolean saw(String text) {
      return output().contains(text);
    }

    @Override
    public void close() {
      proc.close();
    }
  }

  @Test
  void somebodyElsesRemovalIsUndone() {
    try (var agent = agent(a)) {
      Await.until("a holds all", MOVE, () -> holds(a));
      a.ip("-6 addr del " + VIP + "/64 dev eth1");
      Await.until("a holds all again", Duration.ofSeconds(5), () -> holds(a));
      a.ip("-6 route del default dev eth1");
      Await.until("a holds all once more", Duration.ofSeconds(5), () -> holds(a));
      assertEquals(1, agent.status("web").path("transitions").asInt() - 1, "no other state");
    }
  }

  @Test
  void case55_addressesAreBoundWithoutDadAndTheSourceStaysTheNicsOwn() {
    try (var adverts = b.capture("eth0", "ip6 proto 112");
        var _ = agent(a, "eth0")) {
      Await.until(
          "a has both addresses", MOVE, () -> a.hasAddress(VIP) && a.hasAddress("fe80::61"));
      for (var nic : Map.of(VIP, "eth1", "fe80::61", "eth0").entrySet()) {
        var flags = a.ip("-6 addr show dev " + nic.getValue() + " to " + nic.getKey());
        assertTrue(flags.contains(" nodad ") && !flags.contains("tentative"), flags);
      }
      int before = adverts.frames().size();
      Await.until("two more adverts", MOVE, () -> adverts.frames().size() >= before + 2);
      var sources = adverts.frames().stream().map(Frame::source).distinct().toList();
      assertEquals(1, sources.size(), sources::toString);
      assertNotEquals(InetAddress.ofLiteral("fe80::61").getHostAddress(), sources.getFirst());
    }
  }

  @Test
  void case10_eachAddressIsAnnouncedFiveTimes() {
    try (var capture = b.capture("eth1", "icmp6 and ip6[40] == 136")) {
      try (var agent = agent(a)) {
        for (var prefix : List.of("20010db8", "fe800000")) {
          Await.until(
              "five advertisements of " + prefix,
              MOVE,
              () -> announcements(capture, prefix).size() == 5);
        }
        var hex = announcements(capture, "20010db8").getFirst();
        assertEquals("333300000001" + a.mac("eth1").replace(":", ""), hex.substring(0, 24));
        assertEquals("20", hex.substring(116, 118), "override, no router");
        agent.stop();
      }
      a.forward();
      try (var _ = agent(a)) {
        Await.until("as a router", MOVE, () -> announcements(capture, "20010db8").size() == 10);
        assertEquals("a0", announcements(capture, "20010db8").getLast().substring(116, 118));
      }
    }
  }

  /** Frames as hex whose source, and so their target, begins like this and ends like a VIP. */
  private static List<String> announcements(Capture capture, String prefix) {
    return capture.frames().stream()
        .map(Frame::bytes)
        .map(HexFormat.of()::formatHex)
        .filter(hex -> hex.substring(44, 52).equals(prefix))
        .filter(hex -> hex.substring(44, 76).equals(hex.substring(124, 156)))
        .filter(hex -> hex.substring(72, 76).matches("0010|0061"))
        .toList();
  }

  /** A switch that snoops floods the group to nobody who has not joined it. */
  @Test
  void case54_theGroupIsJoined() {
    var bystander = lab.host("bystander").plug("eth0", internal);
    lab.control()
        .sh(
            "ip addr add fe80::fe/64 nodad dev %1$s; ip link set %1$s type bridge mcast_snooping 1"
                    .formatted(internal.bridge())
                + " mcast_querier 1 mcast_query_response_interval 50 mcast_query_interval 100"
                + " mcast_startup_query_interval 20");
    try (var atB = b.capture("eth0", "ip6 proto 112");
        var second = agent(b);
        var first = agent(a)) {
      Await.until("a is master", MOVE, () -> holds(a) && isClean(b));
      Await.until(
          "both have joined",
          MOVE,
          () ->
              lab.control().ip("-d link show dev " + internal.bridge()).contains("mcast_snooping 1")
                  && lab.control()
                          .run("bridge", "mdb", "show")
                          .lines()
                          .filter(line -> line.contains("ff02::12"))
                          .count()
                      >= 2);
      // The switch trusts what it has learned only after it has asked for a while: 10 s.
      Await.until(
          "the bystander hears none of five adverts",
          Duration.ofSeconds(20),
          () -> {
            try (var atBystander = bystander.capture("eth0", "ip6 proto 112")) {
              int heard = atB.frames().size();
              Await.until("b hears five more", MOVE, () -> atB.frames().size() >= heard + 5);
              return atBystander.frames().isEmpty();
            }
          });
      assertEquals("Master", state(first));
      assertEquals("Backup", state(second));
    }
  }
}
