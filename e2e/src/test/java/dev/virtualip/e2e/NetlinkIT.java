package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.linux.NetlinkMonitor;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Netlink against the kernel, on a veth pair in a network namespace that is the test's own. */
@Timeout(value = 60, unit = SECONDS)
class NetlinkIT {
  private static final String NIC = "nltest0";
  private static final String PEER = "nltest1";
  private static final IpPrefix VIP = IpPrefix.parse("203.0.113.10/24");
  private static final IpPrefix FURTHER = IpPrefix.parse("203.0.113.83/24");
  private static final IpPrefix DEFAULT = IpPrefix.parse("0.0.0.0/0");
  private static final InetAddress GATEWAY = IpPrefix.parseAddress("203.0.113.1");
  private static final int NO_LINK = 999_999;

  private final LinkedBlockingQueue<NetworkEvent> events = new LinkedBlockingQueue<>();
  private Netlink netlink;

  /** Of an address that we have put; kernels before 5.18 keep none. */
  private int mark;

  private NetlinkMonitor monitor;
  private int nic;

  @BeforeAll
  static void isInItsOwnNamespace() {
    assumeTrue(
        "1".equals(System.getenv("VIRTUALIP_LAB")),
        "SKIPPED: it changes addresses and routes, so it runs as root in a private network"
            + " namespace only, where VIRTUALIP_LAB=1 is set");
  }

  @BeforeEach
  void open() throws Exception {
    ip("link add " + NIC + " address 02:00:00:00:00:01 type veth peer name " + PEER);
    // IPv4 alone: NetlinkIpv6IT is about the other.
    ip("link set " + NIC + " addrgenmode none");
    ip("link set lo up");
    ip("link set " + NIC + " up");
    ip("link set " + PEER + " up");
    netlink = new Netlink();
    mark = netlink.keepsAddressMarks() ? 112 : 0;
    awaitLink(NIC, Link::up);
    nic = link(NIC).index();
    monitor = new NetlinkMonitor(events::add);
  }

  @AfterEach
  void close() throws Exception {
    if (netlink != null) {
      netlink.close();
    }
    if (monitor != null) {
      monitor.close();
      ip("link del " + NIC);
    }
  }

  @Test
  void linksHaveStateAddressAndMtu() throws Exception {
    var link = link(NIC);
    assertTrue(link.up());
    assertEquals("02:00:00:00:00:01", link.mac().toString());
    assertEquals(1500, link.mtu());
    ip("link set " + PEER + " down");
    awaitLink(NIC, l -> !l.up());
  }

  @Test
  void linksHaveAltNamesThatComeAndGo() throws Exception {
    ip("link property add dev " + NIC + " altname enp7s0 altname a-name-of-more-than-15-letters");
    var both = List.of("enp7s0", "a-name-of-more-than-15-letters");
    awaitLink(NIC, link -> link.altNames().equals(both));
    await(e -> e instanceof NetworkEvent.LinkChanged(var l) && l.altNames().equals(both));
    ip("link property del dev " + NIC + " altname enp7s0");
    await(e -> e instanceof NetworkEvent.LinkChanged(var l) && l.altNames().size() == 1);
  }

  @Test
  void aPutAddressHasItsLeaseAndOurMark() throws Exception {
    assertDone(new Change.PutAddress(nic, VIP, 30), new Change.PutAddress(nic, other(1), 0));
    assertEquals(
        List.of(new BoundAddress(nic, VIP, 30, mark), new BoundAddress(nic, other(1), 0, mark)),
        bound());
    assertTrue(ip("-4 addr show dev " + NIC).contains("valid_lft 30sec preferred_lft 30sec"));
  }

  @Test
  void aLeaseEndsAnAddressByItself() throws Exception {
    long start = System.nanoTime();
    assertDone(new Change.PutAddress(nic, VIP, 1));
    awaitRemoved(VIP);
    var lived = Duration.ofNanos(System.nanoTime() - start);
    assertTrue(lived.compareTo(Duration.ofMillis(900)) > 0, "lived only " + lived);
    assertTrue(lived.compareTo(Duration.ofMillis(2500)) < 0, "lived " + lived);
    assertEquals(List.of(), bound());
  }

  /**
   * Those of routing daemons (here bird, 12) and of virtualip come and go, and are not the node's.
   */
  @Test
  void gatewaysAreThoseOfTheNodesOwnRoutes() throws Exception {
    ip("addr add 203.0.113.11/24 dev " + NIC);
    ip("route add 198.51.100.0/24 via 203.0.113.1");
    ip("route add default via 203.0.113.2 proto dhcp");
    ip("route add 192.0.2.0/24 via 203.0.113.3 proto static");
    ip("route add 192.0.2.0/25 via 203.0.113.4 proto bird");
    ip("route add 192.0.2.0/26 via 203.0.113.5 proto 112");
    ip("route add 192.0.2.0/27 via 203.0.113.6 table 100");
    var gateways = new HashSet<String>();
    netlink.gateways().forEach(gateway -> gateways.add(IpPrefix.text(gateway)));
    assertEquals(Set.of("203.0.113.1", "203.0.113.2", "203.0.113.3"), gateways);
  }

  @Test
  void whetherALinkTakesIpv6IsAsked() throws Exception {
    assertTrue(netlink.takesIpv6(link(NIC)));
    Files.writeString(Path.of("/proc/sys/net/ipv6/conf", NIC, "disable_ipv6"), "1");
    assertFalse(netlink.takesIpv6(link(NIC)));
    var put = new Change.PutAddress(nic, IpPrefix.parse("2001:db8::10/64"), 0);
    assertEquals(1, netlink.apply(List.of(put)).size(), "the kernel agrees");
  }

  /** A host that was set up after us, on a NIC that had no address of its own. */
  @Test
  void anAddressThatCameLaterStaysWhenOursGoes() throws Exception {
    var conf = "/proc/sys/net/ipv4/conf/";
    Files.writeString(Path.of(conf, "all", "promote_secondaries"), "0");
    Files.writeString(Path.of(conf, NIC, "promote_secondaries"), "0");
    var own = IpPrefix.parse("203.0.113.11/24");
    assertDone(new Change.PutAddress(nic, VIP, 1));
    ip("addr add " + own + " dev " + NIC);
    awaitRemoved(VIP);
    assertEquals(List.of(new BoundAddress(nic, own, 0, 0)), bound());
    assertTrue(ip("route show").contains("203.0.113.0/24 dev " + NIC));
    assertEquals("1", Files.readString(Path.of(conf, NIC, "promote_secondaries")).strip());

    ip("addr flush dev " + NIC);
    assertDone(new Change.PutAddress(nic, VIP, 30));
    ip("addr add " + own + " dev " + NIC);
    assertDone(new Change.DeleteAddress(nic, VIP));
    assertEquals(List.of(new BoundAddress(nic, own, 0, 0)), bound());
  }

  @Test
  void aRenewedLeaseDoesNotEnd() throws Exception {
    assertDone(new Change.PutAddress(nic, VIP, 1));
    long end = System.nanoTime() + SECONDS.toNanos(4);
    while (System.nanoTime() < end) {
      assertDone(new Change.PutAddress(nic, VIP, 1));
      assertEquals(List.of(new BoundAddress(nic, VIP, 1, mark)), bound());
      var event = events.poll(50, MILLISECONDS);
      assertFalse(event instanceof NetworkEvent.AddressRemoved, () -> "gap: " + event);
    }
  }

  @Test
  void aLeaseCanBecomeLongerShorterAndEndless() throws Exception {
    for (long lease : new long[] {5, 100, 3, 0, 7, 86_400}) {
      assertDone(new Change.PutAddress(nic, VIP, lease));
      assertEquals(List.of(new BoundAddress(nic, VIP, lease, mark)), bound());
    }
  }

  @Test
  void anAddressThatAHumanBoundIsTakenOver() throws Exception {
    ip("addr add " + VIP + " dev " + NIC);
    assertEquals(List.of(new BoundAddress(nic, VIP, 0, 0)), bound());
    assertDone(new Change.PutAddress(nic, VIP, 9));
    assertEquals(List.of(new BoundAddress(nic, VIP, 9, mark)), bound());
  }

  @Test
  void whatIsNotThereIsDeletedWithSuccess() throws Exception {
    var route = route(VIP.network(), null, 254, 0);
    var elsewhere = new InstalledRoute(NO_LINK, DEFAULT, GATEWAY, null, 4711, 3, false);
    assertDone(
        new Change.DeleteAddress(nic, VIP),
        new Change.DeleteAddress(NO_LINK, VIP),
        new Change.DeleteRoute(route),
        new Change.DeleteRoute(elsewhere),
        new Change.PutRoute(route),
        new Change.DeleteRoute(route),
        new Change.DeleteRoute(route));
  }

  @Test
  void oneFailureDoesNotStopTheOthers() throws Exception {
    var onNoLink = new Change.PutAddress(NO_LINK, VIP, 3);
    var unreachable =
        new Change.PutRoute(
            new InstalledRoute(
                nic, DEFAULT, IpPrefix.parseAddress("198.51.100.1"), null, 254, 0, false));
    var failures =
        netlink.apply(List.of(onNoLink, unreachable, new Change.PutAddress(nic, VIP, 30)));
    assertEquals(2, failures.size());
    assertEquals(onNoLink, failures.get(0).change());
    assertTrue(failures.get(0).error().startsWith("ENODEV: no such interface"));
    assertEquals(unreachable, failures.get(1).change());
    assertEquals(
        "ENETUNREACH: no prefix on the interface covers the gateway: bind one, or set onLink"
            + " (Nexthop has invalid gateway)",
        failures.get(1).error());
    assertEquals(1, bound().size());
  }

  @Test
  void routesComeBackAsTheyWerePut() throws Exception {
    var stranger = IpPrefix.parseAddress("198.51.100.1");
    var ten = IpPrefix.parse("10.0.0.0/8");
    var routes =
        List.of(
            new InstalledRoute(nic, DEFAULT, GATEWAY, VIP.address(), 254, 7, false),
            new InstalledRoute(nic, ten, null, null, 254, 0, false),
            new InstalledRoute(nic, ten, stranger, null, 1000, 4_294_967_295L, true),
            new InstalledRoute(nic, DEFAULT, GATEWAY, null, 4_294_967_295L, 0, false));
    var changes = new ArrayList<Change>();
    changes.add(new Change.PutAddress(nic, VIP, 30));
    routes.forEach(route -> changes.add(new Change.PutRoute(route)));
    assertDone(changes.toArray(Change[]::new));
    assertSame(routes, netlink.routes());
    // Again, as a renewal does.
    assertDone(changes.toArray(Change[]::new));
    assertSame(routes, netlink.routes());
    assertDone(routes.stream().map(Change.DeleteRoute::new).toArray(Change[]::new));
    assertEquals(List.of(), netlink.routes());
  }

  /** A node may have a million routes, and the agent reads its own every few seconds. */
  @Test
  void theKernelHandsOverOurRoutesAlone(@TempDir Path folder) throws Exception {
    var batch = new StringBuilder();
    for (int i = 0; i < 20_000; i++) {
      batch.append("route add 10.%d.%d.1 dev lo proto 186\n".formatted(i / 250, i % 250));
      batch.append("route add 2001:db8::").append(Integer.toHexString(i)).append(" dev lo\n");
    }
    ip("-batch " + Files.writeString(folder.resolve("routes"), batch));
    try {
      var ours = route(IpPrefix.parse("10.0.0.0/8"), null, 254, 0);
      assertDone(new Change.PutRoute(ours));
      assertEquals(List.of(ours), netlink.routes());
      var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long before = threads.getCurrentThreadAllocatedBytes();
      netlink.routes();
      long read = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(read < 500_000, read + " bytes");
    } finally {
      ip("route flush proto 186");
      ip("-6 route flush root 2001:db8::/64");
    }
  }

  @Test
  void aPutRouteReplacesTheOneWithItsMetric() throws Exception {
    var otherGateway = IpPrefix.parseAddress("203.0.113.2");
    assertDone(
        new Change.PutAddress(nic, VIP, 30),
        new Change.PutRoute(route(DEFAULT, GATEWAY, 254, 5)),
        new Change.PutRoute(route(DEFAULT, otherGateway, 254, 5)));
    assertEquals(List.of(route(DEFAULT, otherGateway, 254, 5)), netlink.routes());
  }

  @Test
  void somebodyElsesRouteIsNotReplaced() throws Exception {
    assertDone(new Change.PutAddress(nic, VIP, 0));
    ip("route add default via " + GATEWAY.getHostAddress() + " dev " + NIC + " metric 5");
    var failures = netlink.apply(List.of(new Change.PutRoute(route(DEFAULT, GATEWAY, 254, 5))));
    assertTrue(failures.getFirst().error().contains("set another metric"), failures.toString());
    assertTrue(ip("route show default").contains("metric 5"));
    assertFalse(ip("route show default").contains("proto 112"));
  }

  @Test
  void onlyTheVeryRouteIsDeleted() throws Exception {
    assertDone(
        new Change.PutAddress(nic, VIP, 30),
        new Change.PutRoute(route(DEFAULT, GATEWAY, 254, 100)));
    ip("route add default via " + GATEWAY.getHostAddress() + " dev " + NIC + " metric 50");
    assertDone(
        new Change.DeleteRoute(route(DEFAULT, GATEWAY, 254, 50)),
        new Change.DeleteRoute(route(DEFAULT, GATEWAY, 254, 0)),
        new Change.DeleteRoute(route(DEFAULT, null, 254, 100)));
    assertEquals(List.of(route(DEFAULT, GATEWAY, 254, 100)), netlink.routes());
    assertTrue(ip("route show default").contains("metric 50"));
  }

  @Test
  void manyChangesAreMadeAtOnce() throws Exception {
    var put = new ArrayList<Change>();
    var delete = new ArrayList<Change>();
    for (int i = 0; i < 250; i++) {
      put.add(new Change.PutAddress(nic, other(i), 30));
      delete.add(new Change.DeleteAddress(nic, other(i)));
    }
    assertDone(put.toArray(Change[]::new));
    assertEquals(250, bound().size());
    assertDone(delete.toArray(Change[]::new));
    assertEquals(List.of(), bound());
    awaitRemoved(other(249));
  }

  @Test
  void aLargeDumpIsWholeWhileAddressesChange() throws Exception {
    var put = new ArrayList<Change>();
    for (int i = 0; i < 3000; i++) {
      put.add(new Change.PutAddress(nic, other(i), 0));
    }
    assertDone(put.toArray(Change[]::new));
    var stop = new AtomicBoolean();
    var churn =
        Thread.ofPlatform()
            .start(
                () -> {
                  try (var second = new Netlink()) {
                    // From the head to the tail: in an interrupted dump all behind it shift.
                    for (int i = 0; !stop.get(); i++) {
                      var moved = other(i % 3000);
                      second.apply(List.of(new Change.DeleteAddress(nic, moved)));
                      second.apply(List.of(new Change.PutAddress(nic, moved, 0)));
                      Thread.sleep(20);
                    }
                  } catch (IOException | InterruptedException e) {
                    throw new AssertionError(e);
                  }
                });
    try {
      for (int round = 0; round < 30; round++) {
        var bound = bound();
        assertEquals(bound.size(), bound.stream().distinct().count());
        assertTrue(bound.size() >= 2999, () -> "only " + bound.size());
      }
    } finally {
      stop.set(true);
      churn.join();
    }
  }

  @Test
  void theMonitorReportsLinks() throws Exception {
    ip("link set " + PEER + " down");
    await(e -> e instanceof NetworkEvent.LinkChanged(var l) && l.index() == nic && !l.up());
    ip("link set " + PEER + " up");
    await(e -> e instanceof NetworkEvent.LinkChanged(var l) && l.index() == nic && l.up());
    ip("link add nltest2 type veth peer name nltest3");
    int index = link("nltest2").index();
    ip("link del nltest2");
    await(e -> e.equals(new NetworkEvent.LinkRemoved(index, "nltest2")));
  }

  @Test
  void aLinkThatLeavesABridgeIsNotGone() throws Exception {
    ip("link add nltestbr type bridge");
    try {
      ip("link set " + NIC + " master nltestbr");
      ip("link set " + NIC + " nomaster");
      ip("link set " + NIC + " mtu 1400");
      assertNotGoneUntil(
          e -> e instanceof NetworkEvent.LinkChanged(var l) && l.index() == nic && l.mtu() == 1400);
    } finally {
      ip("link del nltestbr");
    }
  }

  @Test
  void theMonitorReportsAddressesOfOthersToo() throws Exception {
    assertDone(new Change.PutAddress(nic, VIP, 30));
    await(e -> e.equals(new NetworkEvent.AddressPut(new BoundAddress(nic, VIP, 30, mark))));
    ip("addr del " + VIP + " dev " + NIC);
    awaitRemoved(VIP);
    ip("addr add " + VIP + " dev " + NIC);
    await(e -> e.equals(new NetworkEvent.AddressPut(new BoundAddress(nic, VIP, 0, 0))));
  }

  @Test
  void theMonitorReportsOurRoutesThatGo() throws Exception {
    var ours = route(DEFAULT, GATEWAY, 254, 5);
    assertDone(new Change.PutAddress(nic, VIP, 30), new Change.PutRoute(ours));
    ip("route add 10.0.0.0/8 dev " + NIC);
    ip("route del 10.0.0.0/8 dev " + NIC);
    ip("route del default metric 5");
    var gone = await(e -> e instanceof NetworkEvent.RouteRemoved);
    assertEquals(new NetworkEvent.RouteRemoved(ours), gone);

    assertDone(new Change.PutRoute(ours));
    ip("route replace default via 203.0.113.2 dev " + NIC + " metric 5");
    var replacing = route(DEFAULT, IpPrefix.parseAddress("203.0.113.2"), 254, 5);
    await(e -> e.equals(new NetworkEvent.RouteRemoved(replacing)));
  }

  /** What the kernel does, and {@code AddressPort} tells its users to count on. */
  @Test
  void theEndOfALeaseTakesRoutesWithTheAddressAsSource() throws Exception {
    ip("addr add 192.0.2.1/24 dev " + NIC);
    var withSource = new InstalledRoute(nic, DEFAULT, GATEWAY, VIP.address(), 254, 1, false);
    var without = route(DEFAULT, GATEWAY, 254, 2);
    var elsewhere = new InstalledRoute(nic, DEFAULT, GATEWAY, VIP.address(), 1000, 3, false);
    assertDone(
        new Change.PutAddress(nic, VIP, 1),
        new Change.PutRoute(withSource),
        new Change.PutRoute(without),
        new Change.PutRoute(elsewhere));
    awaitRemoved(VIP);
    await(e -> e.equals(new NetworkEvent.RouteRemoved(withSource)));
    assertSame(List.of(without, elsewhere), netlink.routes());
    ip("addr del 192.0.2.1/24 dev " + NIC);
    assertEquals(List.of(), netlink.routes());
  }

  private InstalledRoute defaultFrom(IpPrefix source) {
    return new InstalledRoute(nic, DEFAULT, GATEWAY, source.address(), 254, 0, false);
  }

  /** VirtualIPs with leases of different lengths often have one default route. */
  @Test
  void aRouteOfTwoAddressesEndsWithTheLastOfThem() throws Exception {
    var longer = VIP;
    var shorter = FURTHER;
    var ofLonger = defaultFrom(longer);
    var ofShorter = defaultFrom(shorter);
    for (var first : List.of(ofLonger, ofShorter)) {
      var second = first == ofLonger ? ofShorter : ofLonger;
      assertDone(
          new Change.PutAddress(nic, longer, 30),
          new Change.PutAddress(nic, shorter, 1),
          new Change.PutRoute(first));
      assertDone(new Change.PutRoute(second), new Change.PutRoute(second));
      assertEquals(List.of(first, second), netlink.routes());
      awaitRemoved(shorter);
      assertEquals(List.of(ofLonger), netlink.routes());
      assertDone(new Change.DeleteRoute(ofShorter), new Change.DeleteRoute(ofLonger));
      assertEquals(List.of(), netlink.routes());
      events.clear();
    }
  }

  /** As a DHCP client does; it takes the first, and the others are left behind its own. */
  @Test
  void aRouteThatSomebodyElseHasReplacedIsNotPutBesideOursBehind() throws Exception {
    var first = defaultFrom(VIP);
    var second = defaultFrom(FURTHER);
    assertDone(
        new Change.PutAddress(nic, VIP, 30),
        new Change.PutAddress(nic, FURTHER, 30),
        new Change.PutRoute(first));
    assertDone(new Change.PutRoute(second));
    assertEquals(List.of(), netlink.taken(List.of(first, second)));
    ip("route replace default via 203.0.113.2 dev " + NIC);
    assertEquals(List.of(second), netlink.routes());
    assertEquals(List.of(first), netlink.taken(List.of(first, second)));
    var failures = netlink.apply(List.of(new Change.PutRoute(first)));
    assertTrue(failures.getFirst().error().contains("set another metric"), failures.toString());
    ip("route del default via 203.0.113.2");
    assertDone(new Change.PutRoute(first));
    assertSame(List.of(second, first), netlink.routes());
  }

  @Test
  void aRouteReplacesTheOneWithItsSourceAlone() throws Exception {
    var others = defaultFrom(FURTHER);
    var before = defaultFrom(VIP);
    var gateway = IpPrefix.parseAddress("203.0.113.2");
    var after = new InstalledRoute(nic, DEFAULT, gateway, VIP.address(), 254, 0, false);
    assertDone(
        new Change.PutAddress(nic, VIP, 30),
        new Change.PutAddress(nic, FURTHER, 30),
        new Change.PutRoute(others));
    assertDone(new Change.PutRoute(before));
    assertDone(new Change.PutRoute(after));
    assertSame(List.of(others, after), netlink.routes());
  }

  @Test
  void aMonitorThatFallsBehindSaysSo() throws Exception {
    var blocked = new CountDownLatch(1);
    var slowEvents = new LinkedBlockingQueue<NetworkEvent>();
    try (var _ =
        new NetlinkMonitor(
            event -> {
              slowEvents.add(event);
              awaitQuietly(blocked);
            })) {
      var put = new ArrayList<Change>();
      for (int i = 0; i < 250; i++) {
        put.add(new Change.PutAddress(nic, other(i), 30));
      }
      for (int round = 0; round < 80; round++) {
        assertDone(put.toArray(Change[]::new));
      }
      slowEvents.clear();
      blocked.countDown();
      for (NetworkEvent event = null; !(event instanceof NetworkEvent.Overrun); ) {
        event = slowEvents.poll(10, SECONDS);
        assertNotNull(event, "no overrun");
      }
      // Nothing older follows: the next event is the next change.
      assertDone(new Change.PutAddress(nic, VIP, 17));
      assertEquals(
          new NetworkEvent.AddressPut(new BoundAddress(nic, VIP, 17, mark)),
          slowEvents.poll(10, SECONDS));
    }
  }

  @Test
  void aClosedMonitorIsSilentAndItsThreadGone() throws Exception {
    long start = System.nanoTime();
    monitor.close();
    monitor.close();
    assertTrue(System.nanoTime() - start < SECONDS.toNanos(1));
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().equals("netlink-monitor")));
    events.clear();
    assertDone(new Change.PutAddress(nic, VIP, 30));
    assertTrue(events.isEmpty());
  }

  @Test
  void aClosedNetlinkRefusesToWork() throws Exception {
    netlink.close();
    netlink.close();
    assertThrows(IOException.class, () -> netlink.links());
    netlink = null;
  }

  private InstalledRoute route(IpPrefix to, InetAddress via, long table, long metric) {
    return new InstalledRoute(nic, to, via, null, table, metric, false);
  }

  private static IpPrefix other(int i) {
    return IpPrefix.parse("10.7." + i / 250 + "." + (i % 250 + 1) + "/32");
  }

  private void assertDone(Change... changes) throws IOException {
    assertEquals(List.of(), netlink.apply(List.of(changes)));
  }

  private static void assertSame(List<InstalledRoute> expected, List<InstalledRoute> actual) {
    assertEquals(expected.size(), actual.size(), actual::toString);
    assertTrue(actual.containsAll(expected), actual::toString);
  }

  private List<BoundAddress> bound() throws IOException {
    return netlink.addresses().stream().filter(address -> address.linkIndex() == nic).toList();
  }

  private Link link(String name) throws IOException {
    return netlink.links().stream()
        .filter(link -> link.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Renewals come each second for each address, and nobody is to wake for them. */
  @Test
  void theAgentHearsOfAllButTheVirtualAddressesThatArePut() throws Exception {
    assumeTrue(mark != 0, "SKIPPED: this kernel keeps no mark of addresses, and reports them all");
    var own = IpPrefix.parse("203.0.113.99/24");
    var ipv6 = IpPrefix.parse("2001:db8::10/64");
    var heard = new LinkedBlockingQueue<NetworkEvent>();
    try (var _ = NetlinkMonitor.ofTheAgent(heard::add)) {
      for (int i = 0; i < 2; i++) {
        assertDone(
            new Change.PutAddress(nic, VIP, 30),
            new Change.PutAddress(nic, FURTHER, 30),
            new Change.PutAddress(nic, ipv6, 30));
      }
      ip("addr add " + own + " dev " + NIC);
      assertDone(new Change.DeleteAddress(nic, VIP), new Change.DeleteAddress(nic, ipv6));
      ip("addr del " + own + " dev " + NIC);
      var told = new ArrayList<String>();
      while (!told.contains("removed " + own)) {
        switch (heard.poll(10, SECONDS)) {
          case NetworkEvent.AddressPut(var put) -> told.add("put " + put.prefix());
          case NetworkEvent.AddressRemoved(var removed) -> told.add("removed " + removed.prefix());
          case null -> throw new AssertionError(told);
          default -> {}
        }
      }
      assertEquals(
          List.of("put " + own, "removed " + VIP, "removed " + ipv6, "removed " + own), told);
    }
  }

  private void awaitLink(String name, Predicate<Link> condition) throws Exception {
    long deadline = System.nanoTime() + SECONDS.toNanos(10);
    while (!condition.test(link(name))) {
      assertTrue(System.nanoTime() < deadline, () -> name + " did not change");
      Thread.sleep(10);
    }
  }

  private void awaitRemoved(IpPrefix prefix) throws InterruptedException {
    await(
        e ->
            e instanceof NetworkEvent.AddressRemoved(var address)
                && address.linkIndex() == nic
                && address.prefix().equals(prefix));
  }

  private NetworkEvent await(Predicate<NetworkEvent> condition) throws InterruptedException {
    while (true) {
      var event = events.poll(10, SECONDS);
      assertNotNull(event, "the event did not come");
      if (condition.test(event)) {
        return event;
      }
    }
  }

  private void assertNotGoneUntil(Predicate<NetworkEvent> condition) throws InterruptedException {
    var event =
        await(
            e ->
                condition.test(e)
                    || e instanceof NetworkEvent.LinkRemoved(int index, _) && index == nic);
    assertTrue(condition.test(event), event::toString);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static String ip(String arguments) throws Exception {
    var command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.split(" ")));
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), command + ": " + output);
    return output;
  }
}
