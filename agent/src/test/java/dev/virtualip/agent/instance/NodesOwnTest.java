package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What the agent has not put on a node stays as it is, and many addresses are no burden. */
class NodesOwnTest {
  private static final String SPEC =
      """
      metadata: {name: web}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
      """;

  private static final IpPrefix VIP = IpPrefix.parse("203.0.113.10/24");

  private final FakeNode fake = new FakeNode();
  private VrrpInstance instance;
  private long now = 1;

  private void start(String yaml) {
    var vip = Serialization.unmarshal(yaml, VirtualIp.class);
    var config = InstanceConfig.from(vip, "node-a", Map.of(), List.of());
    instance = new VrrpInstance(config, false, fake.node, _ -> {});
    instance.open(now);
    instance.start(now);
  }

  private void expire() {
    now = instance.deadline();
    instance.onDeadline(now);
  }

  private void networkRead() {
    fake.report();
    instance.networkChanged(now);
    instance.networkRead(now);
  }

  /** Field case 3: all addresses and routes of the NIC went when the agent started. */
  @Test
  void aVirtualIpThatIsTheNodesOwnAddressIsAFaultAndNothingIsTouched() {
    fake.bind(3, "203.0.113.10/24", 0);
    fake.report();
    start(SPEC);
    assertEquals("AddressInUse(203.0.113.10)", instance.status().reason());
    assertTrue(instance.status().message().contains("stays"), instance.status().message());
    instance.stop(Reason.of(Kind.AgentStopped), now);
    assertTrue(fake.bound.containsKey(VIP));
    assertEquals(List.of(), fake.log);
  }

  @Test
  void theFaultEndsWithTheOthersAddress() {
    fake.bind(3, "203.0.113.10/24", 0);
    fake.report();
    start(SPEC);
    fake.bound.remove(VIP);
    networkRead();
    assertEquals(State.Backup, instance.status().state());
  }

  /** Where the kernel keeps no mark, an address with a lease as short as ours may be ours. */
  @Test
  void withoutMarksALeaseTellsWhoseAnAddressIs() {
    fake.keepsMarks = false;
    fake.bound.put(VIP, new BoundAddress(3, VIP, 3, 0));
    fake.report();
    start(SPEC);
    assertEquals(State.Backup, instance.status().state());
    fake.bound.put(VIP, new BoundAddress(3, VIP, 3_600, 0));
    networkRead();
    assertEquals("AddressInUse(203.0.113.10)", instance.status().reason(), "a DHCP client's");
  }

  /** Field case 3c: the address became a lease of 4 s, and went at SIGTERM. */
  @Test
  void theOwnerKeepsTheAddressThatItHas() {
    fake.bind(3, "203.0.113.10/24", 0);
    fake.report();
    start(SPEC.replace("vrid: 77", "vrid: 77\n  priority: 255"));
    expire();
    assertEquals(State.Master, instance.status().state());
    expire();
    instance.stop(Reason.of(Kind.AgentStopped), now);
    var bound = fake.bound.get(VIP);
    assertEquals(0, bound.leaseSeconds());
    assertEquals(0, bound.protocol());
    assertTrue(fake.log.stream().noneMatch(line -> line.startsWith("put ")), fake.log::toString);
  }

  /** Field case 11: two hardware addresses answer, and nothing was reported. */
  @Test
  void aVirtualAddressOnAnotherNicIsToldWithItsNic() {
    fake.bind(2, "203.0.113.10/32", 0);
    fake.report();
    start(SPEC);
    assertEquals(State.Backup, instance.status().state());
    assertEquals(List.of("203.0.113.10/32 dev eth0"), instance.status().strayAddresses());
  }

  /**
   * Field case 10: it claimed, failed and let go again and again, for 0.6 s without service each.
   */
  @Test
  void aRouteThatSomebodyElseHasIsFoundBeforeAGoodMasterLetsGo() {
    var routed = SPEC + "  routes: [{to: 198.51.100.0/24, via: 203.0.113.1, interface: eth1}]\n";
    var to = IpPrefix.parse("198.51.100.0/24");
    fake.foreignRoutes.add(new InstalledRoute(2, to, null, null, 254, 0, false));
    start(routed);
    assertEquals("BindFailed", instance.status().reason());
    assertTrue(instance.status().message().contains("198.51.100.0/24"));
    networkRead();
    assertEquals(State.Fault, instance.status().state());
    fake.foreignRoutes.clear();
    networkRead();
    assertEquals(State.Backup, instance.status().state());
    assertEquals(List.of(), fake.log);
  }

  /** A node whose gateway it is could not send a packet by it as master. */
  @Test
  void theNodesOwnGatewayIsNoVirtualAddressUntilItsRouteGoes() throws Exception {
    fake.gateways = Set.of(VIP.address());
    networkIsRead();
    start(SPEC);
    assertEquals("AddressInUse(203.0.113.10)", instance.status().reason());
    assertTrue(instance.status().message().contains("gateway"), instance.status().message());
    fake.gateways = Set.of();
    assertTrue(networkIsRead(), "a gateway that went is news");
    networkRead();
    assertEquals(State.Backup, instance.status().state());
  }

  /** What a master has bound is not taken from it by a route that comes later. */
  @Test
  void aMasterStaysWhenSomebodyPutsARouteByItsAddress() throws Exception {
    start(SPEC);
    expire();
    fake.gateways = Set.of(VIP.address());
    networkIsRead();
    networkRead();
    assertEquals(State.Master, instance.status().state());
  }

  private boolean networkIsRead() throws IOException {
    return fake.node.network().reload();
  }

  /** The kernel refuses addresses there, and a good master would have let go for nothing. */
  @Test
  void aNicWhoseIpv6IsOffIsFoundBeforeAGoodMasterLetsGo() {
    fake.takesIpv6 = false;
    start(
        SPEC.replace(
            "addresses: [",
            "addresses: [{address: 2001:db8::10/64, interface: eth1, advertised: false}, "));
    assertEquals("BindFailed", instance.status().reason());
    assertTrue(
        instance.status().message().contains("net.ipv6.conf.eth1.disable_ipv6"),
        instance.status().message());
    fake.takesIpv6 = true;
    networkRead();
    assertEquals(State.Backup, instance.status().state());
    assertEquals(List.of(), fake.log);
  }

  /**
   * An IPv6 route was renewed while its NIC was back and its address not yet: the kernel refused
   * it, and the address moved in spite of the delay.
   */
  @Test
  void aRefusedRenewalIsComparedWithTheKernelBeforeItIsAFault() {
    start(SPEC);
    expire();
    fake.bound.remove(VIP);
    fake.refusal = "EHOSTUNREACH: no prefix on the interface covers the gateway";
    expire();
    assertEquals(State.Master, instance.status().state());
    assertTrue(fake.node.network().takeDoubt());
    fake.refusal = null;
    networkRead();
    assertTrue(fake.bound.containsKey(VIP), "it is back");
    assertEquals(State.Master, instance.status().state());
  }

  @Test
  void aRenewalThatIsRefusedAgainIsAFault() {
    start(SPEC);
    expire();
    fake.refusal = "ENOBUFS: the kernel is out of memory";
    expire();
    expire();
    assertEquals("BindFailed", instance.status().reason());
  }

  /** It had 2 s of its lease left, and took the address off: 519 ms without service. */
  @Test
  void whatAnEarlierLifeHasLeftServesOnUntilAMasterIsHeard() {
    fake.bound.put(VIP, new BoundAddress(3, VIP, 2, AddressPort.PROTOCOL));
    fake.report();
    var vip = Serialization.unmarshal(SPEC, VirtualIp.class);
    var config = InstanceConfig.from(vip, "node-a", Map.of(), List.of());
    instance = new VrrpInstance(config, false, fake.node, _ -> {});
    instance.adopt(now);
    instance.start(now);
    assertEquals(State.Backup, instance.status().state());
    assertTrue(fake.bound.containsKey(VIP), "it serves on");
    expire();
    assertFalse(fake.bound.containsKey(VIP), "no longer than its lease");
    assertEquals(2_000_000_001L, now);
  }

  private static String many(int count, String more) {
    var addresses =
        IntStream.range(0, count)
            .mapToObj(
                i ->
                    "{address: 198.18.%d.%d/15, interface: eth1, advertised: %b}"
                        .formatted(i / 250, i % 250 + 1, i >= count - 1))
            .collect(Collectors.joining(", "));
    return SPEC.replaceAll("addresses: .*", "addresses: [" + addresses + "]" + more);
  }

  /** Field case 9: a burst of a thousand addresses kept the adverts waiting. */
  @Test
  void aBurstOfAnnouncementsIsSentInPartsAndAdvertsGoBetween() {
    start(many(1_000, "\n  garp: {repeat: 2, delay: 0s, refresh: 0s}"));
    long took = instance.deadline();
    expire();
    assertEquals(State.Master, instance.status().state());
    assertEquals(64, arps(), "32 addresses, each as request and reply");
    assertEquals("198.18.3.250", address(fake.sent.get("eth1").getFirst()), "advertised first");
    while (instance.deadline() < took + 900_000_000) {
      long before = arps();
      expire();
      assertTrue(arps() - before <= 64);
    }
    assertEquals(4_000, arps(), "no more than garp.repeat of each");
  }

  /** While somebody flushes a NIC the kernel takes milliseconds for each change. */
  @Test
  void onlyWhatIsMissingIsPutBack() {
    start(many(1_000, ""));
    expire();
    var gone = IpPrefix.parse("198.18.0.1/15");
    fake.bound.remove(gone);
    fake.log.clear();
    networkRead();
    var puts = fake.log.stream().filter(line -> line.startsWith("put ")).toList();
    assertEquals(List.of("put " + gone + " lease 4"), puts);
  }

  @Test
  void garpIntervalPacesABurst() {
    start(many(3, "\n  garp: {repeat: 1, delay: 0s, refresh: 0s, interval: 20ms}"));
    expire();
    assertEquals(2, arps());
    assertEquals(20_000_000, instance.deadline() - now);
    expire();
    expire();
    assertEquals(6, arps());
  }

  @Test
  void whoIsNoMasterAnyMoreAnnouncesNoMore() {
    start(many(1_000, ""));
    expire();
    instance.stop(Reason.of(Kind.AgentStopped), now);
    assertEquals(Long.MAX_VALUE, instance.deadline());
  }

  private long arps() {
    return fake.log.stream().filter("arp eth1"::equals).count();
  }

  /** The sender's address of an ARP packet (RFC 826). */
  private static String address(byte[] frame) {
    return "%d.%d.%d.%d"
        .formatted(frame[28] & 0xFF, frame[29] & 0xFF, frame[30] & 0xFF, frame[31] & 0xFF);
  }
}
