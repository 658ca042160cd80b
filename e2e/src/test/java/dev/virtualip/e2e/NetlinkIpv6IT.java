package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.linux.NetlinkMonitor;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is different with IPv6, against the kernel, on a veth pair in a namespace of its own. */
@Timeout(value = 60, unit = SECONDS)
class NetlinkIpv6IT {
  private static final String NIC = "nlsix0";
  private static final IpPrefix VIP = IpPrefix.parse("2001:db8::10/64");
  private static final IpPrefix SINGLE = IpPrefix.parse("2001:db8::20/128");
  private static final IpPrefix DEFAULT = IpPrefix.parse("::/0");
  private static final InetAddress GATEWAY = IpPrefix.parseAddress("2001:db8::1");

  private final LinkedBlockingQueue<NetworkEvent> events = new LinkedBlockingQueue<>();
  private Netlink netlink;

  /** Of an address that we have put; kernels before 5.18 keep none. */
  private int mark;

  private NetlinkMonitor monitor;
  private int nic;

  @BeforeEach
  void open() throws Exception {
    assumeTrue(Lab.available(), "needs root and e2e/src/lab/bin/java as the JVM");
    ip("link add " + NIC + " type veth peer name nlsix1");
    ip("link set " + NIC + " addrgenmode none");
    ip("link set nlsix1 up");
    ip("link set " + NIC + " up");
    netlink = new Netlink();
    mark = netlink.keepsAddressMarks() ? 112 : 0;
    nic =
        netlink.links().stream()
            .filter(link -> link.name().equals(NIC))
            .mapToInt(Link::index)
            .findFirst()
            .orElseThrow();
    monitor = new NetlinkMonitor(events::add);
  }

  @AfterEach
  void close() throws Exception {
    if (netlink != null) {
      netlink.close();
      ip("link del " + NIC);
    }
    if (monitor != null) {
      monitor.close();
    }
  }

  @Test
  void anAddressIsUsableAtOnceWithLeaseAndMark() throws Exception {
    assertDone(new PutAddress(nic, VIP, 30));
    assertEquals(List.of(new BoundAddress(nic, VIP, 30, mark)), bound());
    var shown = ip("-6 addr show dev " + NIC);
    assertTrue(shown.contains("nodad") && !shown.contains("tentative"), shown);
    assertTrue(shown.contains("valid_lft 30sec preferred_lft 0sec"), shown);
    assertTrue(ip("-6 route show dev " + NIC).contains("2001:db8::/64 proto kernel"));
  }

  @Test
  void anAddressThatStandsAloneIsDeprecatedAndStaysSoWhenRenewed() throws Exception {
    for (int i = 0; i < 2; i++) {
      assertDone(new PutAddress(nic, SINGLE, 30));
      var shown = ip("-6 addr show dev " + NIC);
      assertTrue(shown.contains("deprecated"), shown);
      assertTrue(shown.contains("valid_lft 30sec preferred_lft 0sec"), shown);
    }
    ip("addr add 2001:db8::b/64 nodad dev " + NIC);
    var route = ip("-6 route get 2001:db8::1");
    assertTrue(route.contains("src 2001:db8::b"), route);
  }

  @Test
  void bothFamiliesAreListed() throws Exception {
    var four = IpPrefix.parse("203.0.113.10/24");
    assertDone(new PutAddress(nic, VIP, 30), new PutAddress(nic, four, 30));
    assertEquals(
        List.of(new BoundAddress(nic, four, 30, mark), new BoundAddress(nic, VIP, 30, mark)),
        bound());
  }

  @Test
  void aLeaseEndsAnAddressByItself() throws Exception {
    for (int lease = 1; lease <= 3; lease++) {
      long start = System.nanoTime();
      assertDone(new PutAddress(nic, VIP, lease), new PutAddress(nic, SINGLE, lease));
      // In either order: the kernel goes by its hash of the addresses, another one at every boot.
      awaitRemoved(VIP, SINGLE);
      var lived = Duration.ofNanos(System.nanoTime() - start);
      System.out.printf("IPv6 lease of %d s lived %d ms%n", lease, lived.toMillis());
      assertTrue(lived.toMillis() > 1000 * lease - 100, "lived only " + lived);
      assertTrue(lived.toMillis() < 1000 * lease + 1500, "lived " + lived);
    }
    assertEquals(List.of(), bound());
    awaitNoRoute();
  }

  @Test
  void aRenewedLeaseHasNoGap() throws Exception {
    assertDone(new PutAddress(nic, VIP, 1), new PutAddress(nic, SINGLE, 1));
    long end = System.nanoTime() + SECONDS.toNanos(4);
    while (System.nanoTime() < end) {
      assertDone(new PutAddress(nic, VIP, 1), new PutAddress(nic, SINGLE, 1));
      assertEquals(2, bound().size());
      var event = events.poll(50, MILLISECONDS);
      assertFalse(event instanceof NetworkEvent.AddressRemoved, () -> "gap: " + event);
    }
  }

  @Test
  void routesComeBackAsTheyWerePut() throws Exception {
    var stranger = IpPrefix.parseAddress("fe80::1");
    var net = IpPrefix.parse("2001:db8:1::/48");
    var routes =
        List.of(
            new InstalledRoute(nic, DEFAULT, GATEWAY, VIP.address(), 254, 1024, false),
            new InstalledRoute(nic, net, null, null, 254, 1024, false),
            new InstalledRoute(nic, net, stranger, null, 1000, 7, true));
    var changes = new ArrayList<Change>();
    changes.add(new PutAddress(nic, VIP, 30));
    routes.forEach(route -> changes.add(new PutRoute(route, 30)));
    assertDone(changes.toArray(Change[]::new));
    assertSame(routes, netlink.routes());
    // Again, as a renewal does.
    assertDone(changes.toArray(Change[]::new));
    assertSame(routes, netlink.routes());
    assertDone(routes.stream().map(DeleteRoute::new).toArray(Change[]::new));
    assertEquals(List.of(), netlink.routes());
  }

  @Test
  void aRouteOutlivesItsSourceAndCanBeDeletedNevertheless() throws Exception {
    var route = new InstalledRoute(nic, DEFAULT, GATEWAY, SINGLE.address(), 254, 1024, true);
    ip("addr add 2001:db8::b/64 nodad dev " + NIC);
    assertDone(new PutAddress(nic, SINGLE, 30), new PutRoute(route, 30));
    assertDone(new DeleteAddress(nic, SINGLE));
    assertEquals(null, netlink.routes().getFirst().source());
    assertDone(new DeleteRoute(route));
    assertEquals(List.of(), netlink.routes());
  }

  @Test
  void aRouteIsNotUsedAfterItsLease() throws Exception {
    var route = new InstalledRoute(nic, DEFAULT, GATEWAY, null, 254, 1024, true);
    ip("addr add 2001:db8::b/64 nodad dev " + NIC);
    long start = System.nanoTime();
    assertDone(new PutRoute(route, 1));
    long end = start + SECONDS.toNanos(3);
    while (System.nanoTime() < end) {
      assertDone(new PutRoute(route, 1));
      assertTrue(ip("-6 route get 2001:db8:ffff::1").contains("via 2001:db8::1"));
    }
    start = System.nanoTime();
    while (result("-6 route get 2001:db8:ffff::1").contains("via 2001:db8::1")) {
      assertTrue(System.nanoTime() - start < SECONDS.toNanos(5), "it is used still");
      Thread.sleep(10);
    }
    var lived = Duration.ofNanos(System.nanoTime() - start);
    System.out.printf("IPv6 route's lease of 1 s lived %d ms%n", lived.toMillis());
    assertTrue(lived.toMillis() > 800 && lived.toMillis() < 1500, "lived " + lived);
  }

  @Test
  void aRenewalTouchesNobodyElsesRoute() throws Exception {
    ip("-6 route add default via fe80::1 dev " + NIC + " metric 1024 onlink");
    var ours = new InstalledRoute(nic, DEFAULT, GATEWAY, null, 254, 1024, true);
    var failures = netlink.apply(List.of(new PutRoute(ours, 30)));
    assertEquals(1, failures.size());
    assertTrue(failures.getFirst().error().startsWith("EEXIST"), failures::toString);
    assertTrue(ip("-6 route show default").contains("via fe80::1"));
  }

  @Test
  void theNodesOwnRouteToAPrefixStaysForEver() throws Exception {
    ip("addr add 2001:db8::b/64 nodad dev " + NIC);
    for (int i = 0; i < 2; i++) {
      assertDone(new PutAddress(nic, VIP, 1));
      assertOwnRoute();
    }
    awaitRemoved(VIP);
    assertOwnRoute();
    assertDone(new PutAddress(nic, VIP, 30), new DeleteAddress(nic, VIP));
    assertOwnRoute();
  }

  private static void assertOwnRoute() throws Exception {
    var routes = ip("-6 route show dev " + NIC);
    assertTrue(routes.contains("2001:db8::/64") && !routes.contains("expires"), routes);
  }

  @Test
  void theRouteToAPrefixEndsWithTheLeaseEvenIfTheAddressIsDeletedBefore() throws Exception {
    assertDone(new PutAddress(nic, VIP, 2), new DeleteAddress(nic, VIP));
    assertTrue(ip("-6 route show dev " + NIC).contains("2001:db8::/64 proto kernel"));
    awaitNoRoute();
  }

  private static void awaitNoRoute() throws Exception {
    long end = System.nanoTime() + SECONDS.toNanos(5);
    while (result("-6 route get 2001:db8::1").contains(NIC)) {
      assertTrue(System.nanoTime() < end, "it is used still");
      Thread.sleep(10);
    }
  }

  @Test
  void aTentativeAddressIsReportedAsSuch() throws Exception {
    ip("addr add fe80::b/64 dev " + NIC);
    var prefix = IpPrefix.parse("fe80::b/64");
    await(e -> e.equals(new NetworkEvent.AddressPut(new BoundAddress(nic, prefix, 0, 0, true))));
    await(e -> e.equals(new NetworkEvent.AddressPut(new BoundAddress(nic, prefix, 0, 0, false))));
    assertFalse(bound().getFirst().tentative());
  }

  @Test
  void aRouteOfOursThatOthersDeleteIsReported() throws Exception {
    var route = new InstalledRoute(nic, DEFAULT, GATEWAY, null, 254, 1024, false);
    assertDone(new PutAddress(nic, VIP, 30), new PutRoute(route, 30), new PutRoute(route, 30));
    ip("-6 route del default");
    await(
        e ->
            e instanceof NetworkEvent.RouteRemoved(var gone)
                && gone.replaces(route)
                && gone.linkIndex() == nic);
  }

  @Test
  void aNicWithoutIpv6SaysWhatToDo() throws Exception {
    Files.writeString(Path.of("/proc/sys/net/ipv6/conf", NIC, "disable_ipv6"), "1");
    var failures = netlink.apply(List.of(new PutAddress(nic, VIP, 3)));
    assertTrue(failures.getFirst().error().contains("disable_ipv6"), failures::toString);
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

  private void awaitRemoved(IpPrefix... prefixes) throws InterruptedException {
    var left = new HashSet<>(List.of(prefixes));
    await(
        e ->
            e instanceof NetworkEvent.AddressRemoved(var address)
                && address.linkIndex() == nic
                && left.remove(address.prefix())
                && left.isEmpty());
  }

  private void await(Predicate<NetworkEvent> condition) throws InterruptedException {
    NetworkEvent event;
    do {
      event = events.poll(10, SECONDS);
      assertNotNull(event, "the event did not come");
    } while (!condition.test(event));
  }

  private static String ip(String arguments) throws Exception {
    return run(arguments, true);
  }

  private static String result(String arguments) throws Exception {
    return run(arguments, false);
  }

  private static String run(String arguments, boolean mustSucceed) throws Exception {
    var command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.split(" ")));
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes());
    int exit = process.waitFor();
    if (mustSucceed) {
      assertEquals(0, exit, command + ": " + output);
    }
    return output;
  }
}
