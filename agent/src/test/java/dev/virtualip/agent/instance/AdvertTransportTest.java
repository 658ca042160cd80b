package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Reasons;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Families and ways of travelling, on a node in memory; case numbers as elsewhere. */
class AdvertTransportTest {
  private static final long SECOND = 1_000_000_000L;
  private static final String SIX =
      "addresses: [{address: '2001:db8::10/64', interface: eth1}, {address: 'fe80::61/64'}]";
  private static final String FOUR = "addresses: [{address: 203.0.113.10/24, interface: eth1}]";

  private static final int[] NO_MAC = {};

  private final FakeNode fake = new FakeNode();
  private List<NodeFacts> nodes = List.of();
  private VrrpInstance instance;
  private long now = 1;

  private InstanceConfig config(String spec) {
    var yaml =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web, generation: 1}
        spec: {vrid: 77, interface: eth0, %s}
        """
            .formatted(spec);
    return InstanceConfig.from(
        Serialization.unmarshal(yaml, VirtualIp.class), "node-a", Map.of(), nodes);
  }

  private void start(String spec) {
    instance = new VrrpInstance(config(spec), false, fake.node, _ -> {});
    instance.start(now);
  }

  private void becomeMaster(String spec) {
    start(spec);
    fake.log.clear();
    expire();
    assertEquals(State.Master, instance.status().state(), () -> instance.status().message());
  }

  private void expire() {
    now = instance.deadline();
    instance.onDeadline(now);
  }

  private void bind(String prefix) {
    fake.bind(2, prefix, 0);
    fake.report();
  }

  private static InetAddress ip(String text) {
    return IpPrefix.parseAddress(text);
  }

  private boolean hear(String from, String to, int ttl, String virtual) {
    var advert = new Advertisement(Version.V3, 77, 200, SECOND, List.of(ip(virtual)));
    var bytes = AdvertisementCodec.encode(advert, null, ip(from), ip(to));
    var datagram = new Datagram(ip(from), ip(to), ttl, bytes);
    boolean taken = instance.takes(2, datagram);
    if (taken) {
      instance.onDatagram(datagram, now);
    }
    return taken;
  }

  private double rejected(String reason) {
    var counter = fake.registry.find("virtualip.adverts.rejected").tag("reason", reason).counter();
    return counter == null ? 0 : counter.count();
  }

  /** The node is read anew, and the instance is told. */
  private void networkRead(long at) {
    fake.report();
    instance.networkChanged(at);
    instance.networkRead(at);
  }

  @Test
  void ipv6AdvertsComeFromTheLinkLocalAddressAndListLinkLocalOnesFirst() {
    bind("2001:db8::b/64");
    bind("fe80::b/64");
    becomeMaster(SIX);
    var datagram = Frames.vrrp(fake.sent.get("eth0").getFirst()).orElseThrow();
    assertEquals(ip("fe80::b"), datagram.source());
    assertEquals(Frames.GROUP6, datagram.destination());
    assertEquals(
        "314d64020064",
        HexFormat.of().formatHex(datagram.payload(), 0, 6),
        "version 3, VRID 77, priority 100, 2 addresses, 100 cs");
    assertEquals("fe80", HexFormat.of().formatHex(datagram.payload(), 8, 10));
    assertEquals(Set.of("eth0 fe80::b"), fake.joined);
  }

  @Test
  void ipv6AddressesAreAnnouncedByNeighbourAdvertisementsEachOnItsNic() {
    bind("fe80::b/64");
    becomeMaster(SIX);
    assertEquals(5, fake.log.stream().filter("na eth0"::equals).count());
    assertEquals(5, fake.log.stream().filter("na eth1"::equals).count());
    assertEquals("20", HexFormat.of().formatHex(fake.sent.get("eth1").getFirst(), 58, 59));
  }

  @Test
  void case10_aNodeThatForwardsSaysThatItIsARouter() {
    fake.forwardsIpv6 = true;
    bind("fe80::b/64");
    becomeMaster(SIX);
    assertEquals("a0", HexFormat.of().formatHex(fake.sent.get("eth1").getFirst(), 58, 59));
  }

  @Test
  void withoutAUsableLinkLocalAddressIpv6IsAFault() {
    bind("2001:db8::b/64");
    var tentative = IpPrefix.parse("fe80::b/64");
    fake.bound.put(tentative, new BoundAddress(2, tentative, 0, 0, true));
    fake.report();
    start(SIX);
    assertEquals("NoAddress(eth0)", instance.status().reason());
    assertTrue(instance.status().message().contains("link-local"), instance.status().message());
    bind("fe80::b/64");
    networkRead(now);
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void aVirtualLinkLocalAddressIsNeverTheSource() {
    bind("fe80::61/64");
    start(SIX);
    assertTrue(instance.status().reason().startsWith("NoAddress(eth0)"));
  }

  @Test
  void excludedAddressesOfTheOtherFamilyAreBoundAndAnnouncedButNotListed() {
    becomeMaster(
        "addresses: [{address: 203.0.113.10/24, interface: eth1}, {address: '2001:db8::10/64',"
            + " interface: eth1, advertised: false}]");
    assertTrue(fake.bound.containsKey(IpPrefix.parse("2001:db8::10/64")));
    assertEquals(5, fake.log.stream().filter("na eth1"::equals).count());
    assertEquals(10, fake.log.stream().filter("arp eth1"::equals).count());
    var datagram = Frames.vrrp(fake.sent.get("eth0").getFirst()).orElseThrow();
    assertEquals(12, datagram.payload().length, "one IPv4 address");
    instance.stop(Reasons.reason("AgentStopped"), now);
    assertFalse(fake.bound.containsKey(IpPrefix.parse("2001:db8::10/64")));
  }

  @Test
  void anIpv6RouteHasALeaseThatIsRenewedWithTheAddresses() {
    bind("fe80::b/64");
    becomeMaster(SIX + ", routes: [{to: default, via: 'fe80::1', interface: eth1}]");
    var route = fake.installed.iterator().next();
    assertEquals("::/0", route.to().toString());
    assertEquals(1024, route.metric());
    assertEquals(null, route.source());
    assertTrue(fake.log.contains("put route ::/0 lease 4"), fake.log::toString);
    fake.log.clear();
    expire();
    assertTrue(fake.log.contains("put route ::/0 lease 4"), fake.log::toString);
  }

  @Test
  void moreAddressesThanFitTheMtuAreAFault() {
    bind("fe80::b/64");
    var addresses = new StringBuilder("addresses: [{address: 'fe80::61/64'}");
    for (int i = 0; i < 90; i++) {
      addresses.append(", {address: '2001:db8::").append(i).append("/128'}");
    }
    start(addresses + "]");
    assertEquals("AdvertTooLong(eth0)", instance.status().reason());
    assertTrue(instance.status().message().endsWith("on 1 of them"), instance.status().message());
  }

  @Test
  void case52_unicastSendsOnePacketToEachPeerAndNoneToTheGroup() {
    becomeMaster(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12, 10.0.0.13]}");
    assertEquals(
        List.of("unicast 10.0.0.12 eth0", "unicast 10.0.0.13 eth0"),
        fake.log.subList(0, 2).stream().sorted().toList());
    assertEquals(List.of(), fake.advertsOn("eth0"));
    assertEquals(Set.of(), fake.joined);
    var first = fake.packets.getFirst();
    var second = fake.packets.getLast();
    assertEquals(HexFormat.of().formatHex(first, 4, 6), HexFormat.of().formatHex(second, 4, 6));
    assertFalse(first[26] == second[26] && first[27] == second[27], "a sum for each destination");
  }

  @Test
  void aPeerThatCannotBeReachedKeepsNothingFromTheOthers() {
    fake.unreachable.add(ip("10.0.0.12"));
    becomeMaster(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12, 10.0.0.13]}");
    assertTrue(fake.log.contains("unicast 10.0.0.13 eth0"));
  }

  @Test
  void case53_unicastHearsPeersOnlyAtTheNodesOwnAddress() {
    becomeMaster(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}");
    assertFalse(hear("10.0.0.12", "224.0.0.18", 255, "203.0.113.10"), "multicast");
    assertFalse(hear("10.0.0.12", "10.0.0.99", 255, "203.0.113.10"), "somebody else's");
    assertTrue(hear("10.0.0.77", "10.0.0.11", 255, "203.0.113.10"));
    assertEquals(State.Master, instance.status().state());
    assertEquals(1, rejected("NotAPeer"));
    assertTrue(hear("10.0.0.12", "10.0.0.11", 254, "203.0.113.10"));
    assertEquals(State.Master, instance.status().state());
    assertEquals(1, rejected("Ttl"), "from beyond a router");
    assertTrue(hear("10.0.0.12", "10.0.0.11", 255, "203.0.113.10"));
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void multicastHearsNoUnicastAndNotTheOtherFamily() {
    bind("fe80::b/64");
    becomeMaster(FOUR);
    assertFalse(hear("10.0.0.12", "10.0.0.11", 255, "203.0.113.10"));
    assertFalse(hear("fe80::c", "ff02::12", 255, "fe80::61"));
    assertTrue(hear("10.0.0.12", "224.0.0.18", 255, "203.0.113.10"));
  }

  @Test
  void withoutPeersUnicastIsAFaultAndNeverMulticast() {
    start(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11]}");
    assertEquals("NoPeers", instance.status().reason());
    assertEquals(List.of(), fake.advertsOn("eth0"));
  }

  /** Field case 5: the other one stands aside, as nobody lists it, and none was master. */
  @Test
  void theOnlyNodeWithAnAddressIsMasterAlone() {
    nodes =
        List.of(
            new NodeFacts("node-a", Map.of(), true, List.of("10.0.0.11")),
            new NodeFacts("node-b", Map.of(), true, List.of()));
    becomeMaster(FOUR + ", transport: {mode: Unicast}");
    assertEquals(List.of(), fake.packets);
    nodes = nodes.subList(0, 1);
    start(FOUR + ", transport: {mode: Unicast}");
    assertEquals("NoPeers", instance.status().reason());
  }

  @Test
  void otherSelectedNodesArePeersAtTheirInternalIps() {
    nodes =
        List.of(
            new NodeFacts("node-a", Map.of(), true, List.of("10.0.0.11", "2001:db8::b")),
            new NodeFacts("node-b", Map.of(), true, List.of("2001:db8::c", "10.0.0.12")),
            new NodeFacts("tainted", Map.of(), false, List.of("10.0.0.13")));
    becomeMaster(FOUR + ", transport: {mode: Unicast}");
    assertEquals("unicast 10.0.0.12 eth0", fake.log.getFirst());
    assertEquals(1, fake.packets.size());
  }

  @Test
  void aPeerMoreOrLessIsTakenOverWithoutLeavingMaster() {
    becomeMaster(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}");
    fake.log.clear();
    var peers = ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.13]}";
    instance.update(config(FOUR + peers), now);
    expire();
    assertTrue(fake.log.contains("unicast 10.0.0.13 eth0"));
    assertFalse(fake.log.contains("unicast 10.0.0.12 eth0"));
    assertEquals(State.Master, instance.status().state());
    instance.update(config(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11]}"), now);
    assertEquals("NoPeers", instance.status().reason());
  }

  @Test
  void unicastComesFromTheAddressThatPeersKnow() {
    bind("10.0.0.21/24");
    start(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.21, 10.0.0.12]}");
    expire();
    assertEquals("0a000015", HexFormat.of().formatHex(fake.packets.getFirst(), 12, 16));
  }

  @Test
  void unicastToLinkLocalPeersComesFromALinkLocalAddress() {
    bind("2001:db8:1::b/64");
    bind("fe80::b/64");
    start(
        "addresses: [{address: '2001:db8::10/128'}], transport: {mode: Unicast, peers: ['fe80::b',"
            + " 'fe80::c']}");
    expire();
    assertEquals("fe800000", HexFormat.of().formatHex(fake.packets.getLast(), 8, 12));
  }

  /** Whom nobody lists nobody hears: it would be master beside the master for good. */
  @Test
  void aNodeThatNoPeerKnowsIsAtFaultAndSaysWhichAddressToList() {
    start(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.12, 10.0.0.13]}");
    assertEquals("NotListed(10.0.0.11)", instance.status().reason());
    assertEquals(State.Fault, instance.status().state());
    assertEquals(
        "the peers drop adverts from 10.0.0.11, this node's address on eth0: add it to"
            + " spec.transport.peers, or without a list see that it is the InternalIP of this node;"
            + " or do not select the node",
        instance.status().message());
    assertEquals(List.of(), fake.packets);
    var listed = ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12, 10.0.0.13]}";
    instance.update(config(FOUR + listed), now);
    assertEquals(State.Backup, instance.status().state());
  }

  /** As that of a node which the others know by an address of another NIC. */
  @Test
  void theAddressThatPeersOughtToKnowIsOneThatTheySeeAdvertsFrom() {
    bind("2001:db8:1::b/64");
    bind("2001:db8:2::b/64");
    start(
        "addresses: [{address: '2001:db8::10/128'}], transport: {mode: Unicast, peers:"
            + " ['2001:db8:2::c', '2001:db8:3::b']}");
    assertEquals("NotListed(2001:db8:2::b)", instance.status().reason());
    bind("2001:db8:3::b/64");
    networkRead(now);
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void aNodeWhoseInternalIpIsOnAnotherNicIsAtFault() {
    nodes =
        List.of(
            new NodeFacts("node-a", Map.of(), true, List.of("198.51.100.11")),
            new NodeFacts("node-b", Map.of(), true, List.of("10.0.0.12")));
    start(FOUR + ", transport: {mode: Unicast}");
    assertEquals("NotListed(10.0.0.11)", instance.status().reason());
  }

  @Test
  void aTunnelCarriesUnicastAdverts() {
    fake.link("eth0", 2, true, NO_MAC);
    fake.report();
    becomeMaster(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}");
    assertTrue(fake.log.contains("unicast 10.0.0.12 eth0"), fake.log::toString);
    assertTrue(hear("10.0.0.12", "10.0.0.11", 255, "203.0.113.10"));
  }

  @Test
  void advertsToTheGroupAreAFaultOnATunnel() {
    fake.link("eth0", 2, true, NO_MAC);
    fake.report();
    start(FOUR);
    assertEquals("NotEthernet(eth0)", instance.status().reason());
    assertEquals(
        "eth0 has no hardware address, and adverts to the group need Ethernet: set"
            + " spec.transport.mode to Unicast, or name another NIC",
        instance.status().message());
  }

  @Test
  void anAddressOnATunnelIsBoundAndAnnouncedToNobody() {
    fake.link("eth1", 3, true, NO_MAC);
    fake.report();
    becomeMaster(FOUR);
    assertTrue(fake.bound.containsKey(IpPrefix.parse("203.0.113.10/24")));
    assertFalse(fake.sent.containsKey("eth1"), () -> fake.sent.toString());
  }

  /** As InfiniBand's. */
  @Test
  void aNicWithAHardwareAddressOf20BytesIsAFault() {
    fake.link("eth1", 3, true, new int[20]);
    fake.report();
    start(FOUR);
    assertEquals("NotEthernet(eth1)", instance.status().reason());
    assertEquals(
        "eth1 has a hardware address of 20 bytes, and addresses can be announced on Ethernet only:"
            + " bind 203.0.113.10/24 on another NIC",
        instance.status().message());
    fake.link("eth0", 2, true, new int[20]);
    fake.link("eth1", 3, true);
    networkRead(now);
    assertEquals("NotEthernet(eth0)", instance.status().reason());
    assertEquals(State.Fault, instance.status().state());
  }

  @Test
  void aNicWithAHardwareAddressOf20BytesCarriesUnicastAdverts() {
    fake.link("eth0", 2, true, new int[20]);
    fake.report();
    becomeMaster(FOUR + ", transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}");
    assertTrue(fake.log.contains("unicast 10.0.0.12 eth0"), fake.log::toString);
  }

  @Test
  void rfc9568ChecksumGoesOut() {
    becomeMaster(FOUR + ", rfc9568Checksum: true");
    var datagram = Frames.vrrp(fake.sent.get("eth0").getFirst()).orElseThrow();
    assertEquals(
        AdvertisementCodec.ChecksumForm.MessageOnly, AdvertisementCodec.checksumForm(datagram));
  }

  @Test
  void garpSaysHowOftenAddressesAreAnnounced() {
    becomeMaster(FOUR + ", garp: {repeat: 2, delay: 0s, refresh: 3s}");
    assertEquals(4, fake.log.stream().filter("arp eth1"::equals).count());
    long became = now;
    fake.log.clear();
    while (!fake.log.contains("arp eth1")) {
      expire();
    }
    assertEquals(3 * SECOND, now - became);
    assertEquals(2, fake.log.stream().filter("arp eth1"::equals).count());
  }

  @Test
  void withoutDelayAndRefreshThereIsOneBurst() {
    becomeMaster(FOUR + ", garp: {delay: 0s, refresh: 0s}");
    fake.log.clear();
    for (int i = 0; i < 200; i++) {
      expire();
    }
    assertFalse(fake.log.contains("arp eth1"));
  }
}
