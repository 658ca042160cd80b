package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.instance.Input.FrameReceived;
import dev.virtualip.agent.instance.Input.NetworkChanged;
import dev.virtualip.agent.metrics.VirtualServerMetrics;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** All VirtualIPs of a node in memory, without a thread or a clock. */
class NodeMachineTest {
  private static final long SECOND = 1_000_000_000L;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);
  private static final String WEB =
      """
      metadata: {name: web, generation: 1}
      spec: {vrid: 77, interface: eth0, addresses: [{address: 203.0.113.10/24, interface: eth1}]}
      """;
  private static final String MAIL =
      """
      metadata: {name: mail, generation: 1}
      spec: {vrid: 78, interface: eth0, addresses: [{address: 203.0.113.20/24, interface: eth1}]}
      """;

  private static final NodeFacts EDGE = new NodeFacts("node-a", Map.of("edge", "true"), true);
  private static final String WEB_AT_EDGE =
      WEB.replace("{vrid", "{nodes: {selector: {matchLabels: {edge: 'true'}}}, vrid");
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");

  private final FakeNode fake = new FakeNode();
  private final Plan plan = new Plan("node-a");
  private final NodeMachine machine = new NodeMachine(Map.of(), Set.of(), fake.node, new Ears());
  private final List<String> ends = new ArrayList<>();
  private Nics nics;
  private boolean earsFail;
  private Set<ServiceKey> recorded = Set.of();
  private long now = 1;

  private void want(String... yaml) {
    want(SELF, yaml);
  }

  private void want(NodeFacts self, String... yaml) {
    fake.want(machine, plan, self, now, yaml);
  }

  private void passUntil(long time) {
    now = FakeNode.passUntil(machine, now, time);
  }

  private VirtualIpStatus.State state(String name) {
    return machine.statuses().get(name).state();
  }

  private double defects() {
    return fake.registry.find("virtualip.defects").counters().stream()
        .mapToDouble(counter -> counter.count())
        .sum();
  }

  @Test
  void case47_whatAnEarlierLifeHasLeftIsRemovedBeforeListeningAndWhatOthersHavePutStays() {
    fake.bind(3, "203.0.113.10/24", AddressPort.PROTOCOL);
    fake.bind(3, "203.0.113.11/24", 0);
    machine.start();
    assertEquals(List.of("delete 203.0.113.10/24"), fake.log);
    assertTrue(fake.bound.containsKey(IpPrefix.parse("203.0.113.11/24")));
  }

  /** Who notes it hears of the VirtualIP at the same time as the machine does. */
  @Test
  void whatIsNotedBeforeAVirtualIpBeginsIsToldWhenItDoes() {
    machine.start();
    var problem = new Problem("spec.notifications.exec", "there is no notify.sh");
    machine.handle(new Input.Noted("web", List.of(problem)), now);
    want(WEB);
    passUntil(2 * SECOND);
    assertEquals(
        "spec.notifications.exec: there is no notify.sh", machine.statuses().get("web").message());
  }

  @Test
  void countersAreShownOfItsOwnVirtualServicesAndNotOfThoseOfOthers() {
    var http = ServiceKey.of(Protocol.TCP, InetAddress.ofLiteral("203.0.113.10"), 80);
    var dns = ServiceKey.of(Protocol.TCP, InetAddress.ofLiteral("203.0.113.10"), 53);
    var others = new VirtualService(dns, "rr", Set.of(), false, 0, 0, List.of());
    fake.ipvs.services.put(dns, others);
    machine.start();
    want(
        WEB.replace(
            "{vrid",
            "{virtualServers: [{name: http, port: 80, forwarding: Masquerade, realServers:"
                + " {addresses: [{address: 10.0.0.21}]}}, {name: dns, port: 53, forwarding:"
                + " Masquerade, realServers: {addresses: [{address: 10.0.0.21}]}}], vrid"));
    var shown = new ArrayList<ServiceKey>();
    new VirtualServerMetrics(
            fake.node.metrics(),
            wanted -> {
              Stream.of(http, dns).filter(wanted).forEach(shown::add);
              return List.of();
            })
        .collect();
    assertEquals(List.of(http), shown);
  }

  @Test
  void aServiceOfOthersStaysWhenAnEditOfAMasterWantsItToo() {
    var server = "forwarding: Masquerade, realServers: {addresses: [{address: 10.0.0.21}]}}";
    var http =
        WEB.replace("{vrid", "{virtualServers: [{name: http, port: 80, " + server + "], vrid");
    machine.start();
    want(http);
    passUntil(5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    var dns = ServiceKey.of(Protocol.TCP, InetAddress.ofLiteral("203.0.113.10"), 53);
    var others = new VirtualService(dns, "rr", Set.of(), false, 0, 0, List.of());
    fake.ipvs.services.put(dns, others);
    want(http.replace("], vrid", ", {name: dns, port: 53, " + server + "], vrid"));
    assertEquals(VirtualIpStatus.State.Fault, state("web"));
    assertEquals("VirtualServerInUse(TCP 203.0.113.10:53)", machine.statuses().get("web").reason());
    assertEquals(Map.of(dns, others), fake.ipvs.services);
  }

  /** With its last service IPVS lets packets through, and the node would reset its clients. */
  @Test
  void virtualServicesGoAfterTheAddressesThatClientsSendTo() {
    machine.start();
    want(
        WEB.replace(
            "{vrid",
            "{virtualServers: [{name: http, port: 80, forwarding: Masquerade, realServers:"
                + " {addresses: [{address: 10.0.0.21}]}}], vrid"));
    passUntil(5 * SECOND);
    fake.log.clear();
    want();
    assertEquals(
        List.of(
            "advert 0 eth0",
            "delete 203.0.113.10/24",
            "removal of virtual service TCP 203.0.113.10:80"),
        fake.log);
  }

  /** House rule 6: it hands over, so that a peer serves while it begins anew. */
  @Test
  void aDefectInOneVirtualIpHandsThatOneOverAndBeginsItAnew() {
    machine.start();
    want(WEB, MAIL);
    passUntil(5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    fake.log.clear();
    fake.defectAt = "203.0.113.10/24";
    passUntil(6 * SECOND);
    assertEquals(VirtualIpStatus.State.Fault, state("web"));
    assertEquals("Defect", machine.statuses().get("web").reason());
    assertTrue(fake.log.contains("advert 0 eth0"), fake.log::toString);
    assertTrue(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    assertEquals(VirtualIpStatus.State.Master, state("mail"));
    assertEquals(1, defects());
    passUntil(12 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
  }

  @Test
  void anEditLetsOneThatFailedBeginAtOnce() {
    machine.start();
    want(WEB);
    passUntil(5 * SECOND);
    fake.defectAt = "203.0.113.10/24";
    passUntil(5 * SECOND + 4 * SECOND / 5);
    assertEquals("Defect", machine.statuses().get("web").reason());
    want(WEB.replace("vrid: 77", "priority: 50, vrid: 77"));
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
  }

  @Test
  void aDefectOfAMemberHandsItsSyncGroupOver() {
    machine.start();
    want(
        WEB.replace("{vrid", "{syncGroup: edge, vrid"),
        MAIL.replace("{vrid", "{syncGroup: edge, vrid"));
    passUntil(5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("mail"));
    fake.defectAt = "203.0.113.10/24";
    passUntil(6 * SECOND);
    assertEquals("Defect", machine.statuses().get("mail").reason());
    assertEquals(1, fake.bound.size(), "the node's own address only");
    passUntil(15 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    assertEquals(VirtualIpStatus.State.Master, state("mail"));
  }

  @Test
  void aDefectOfWhoeverIsToldMovesNothing() {
    machine.start();
    earsFail = true;
    want(WEB);
    passUntil(5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    assertTrue(defects() > 0);
  }

  @Test
  void aMasterThatIsSelectedNoMoreServesUntilItsSuccessorIsThere() {
    becomeMasterAtEdge();
    want(SELF, WEB_AT_EDGE, MAIL);
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
    assertEquals("HandedOver(Deselected)", machine.statuses().get("web").reason());
    assertTrue(fake.log.contains("advert 0 eth0"), fake.log::toString);
    passUntil(now + SECOND / 5);
    assertFalse(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    hearMaster();
    assertTrue(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    assertEquals(List.of("web Init Deselected", "web removed"), ends);
    assertEquals(Set.of("mail"), machine.statuses().keySet());
  }

  @Test
  void withoutASuccessorItEndsAfterTheTimeThatOneMayTake() {
    becomeMasterAtEdge();
    want(SELF, WEB_AT_EDGE, MAIL);
    passUntil(now + SECOND);
    assertTrue(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    assertEquals(Set.of("mail"), machine.statuses().keySet());
  }

  @Test
  void oneThatIsSelectedAgainMeanwhileGoesOn() {
    becomeMasterAtEdge();
    want(SELF, WEB_AT_EDGE, MAIL);
    want(EDGE, WEB_AT_EDGE, MAIL);
    hearMaster();
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
    passUntil(now + 5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
  }

  @Test
  void oneThatIsDeletedEndsAtOnceAndThatIsNoFault() {
    becomeMasterAtEdge();
    want(EDGE, MAIL);
    assertTrue(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    assertEquals(List.of("web Init Deleted", "web removed"), ends);
  }

  private void becomeMasterAtEdge() {
    machine.start();
    want(EDGE, WEB_AT_EDGE, MAIL);
    passUntil(5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    fake.log.clear();
    ends.clear();
  }

  /** 3 adverts and a skew apart, as if each waited by itself. */
  @Test
  void whoeverIsMissedInOneVirtualRouterIsFollowedInAll() {
    machine.start();
    want(WEB, MAIL);
    hearMaster(77, "203.0.113.10");
    passUntil(SECOND * 9 / 10);
    hearMaster(78, "203.0.113.11");
    passUntil(SECOND / 2 + 3 * SECOND);
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
    passUntil(SECOND * 4);
    assertEquals("MasterDown", machine.statuses().get("web").reason());
    assertEquals("MasterDown", machine.statuses().get("mail").reason());
  }

  /** A lane of a pool for Services, as the operator writes it. */
  @Test
  void aLaneFollowsItsMasterWithAllAddressesAfterThreeAdvertsAndASkew() {
    var others =
        IntStream.rangeClosed(11, 60)
            .mapToObj(", {address: 203.0.113.%d/32, advertised: false}"::formatted)
            .collect(Collectors.joining());
    machine.start();
    want(
        """
        metadata: {name: lan-0, generation: 1, labels: {virtualip.dev/services: lan}}
        spec:
          vrid: 77
          interface: eth0
          addresses: [{address: 203.0.113.10/32}%s]
          nodes: {spread: true}
          preempt: {enabled: false}
        """
            .formatted(others));
    hearMaster();
    passUntil(3 * SECOND);
    assertEquals(VirtualIpStatus.State.Backup, state("lan-0"));
    passUntil(4 * SECOND);
    assertEquals("MasterDown", machine.statuses().get("lan-0").reason());
    assertEquals(51, fake.bound.keySet().stream().filter(p -> p.length() == 32).count());
  }

  /** Who can send by another network has not to be believed that it is a peer on this one. */
  @Test
  void aUnicastAdvertThatComesByAnotherNicIsDroppedAndCounted() {
    machine.start();
    want(WEB.replace("{vrid", "{transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}, vrid"));
    passUntil(5 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    var advert =
        new Advertisement(
            Version.V3, 77, 200, SECOND, List.of(InetAddress.ofLiteral("203.0.113.10")));
    var us = InetAddress.ofLiteral("10.0.0.11");
    var packet = Frames.packet(PEER, us, 1, AdvertisementCodec.encode(advert, null, PEER, us));
    var frame = ByteBuffer.allocate(14 + packet.length).putShort(12, (short) 0x0800);
    frame.put(14, packet);
    machine.handle(new FrameReceived(3, frame.array()), now);
    machine.begin(now);
    assertEquals(VirtualIpStatus.State.Master, state("web"));
    assertEquals(
        1,
        fake.registry
            .get("virtualip.adverts.rejected")
            .tag("reason", "OtherInterface")
            .counter()
            .count());
    machine.handle(new FrameReceived(2, frame.array()), now);
    machine.begin(now);
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
  }

  private void hearMaster() {
    hearMaster(77, "203.0.113.10");
  }

  private void hearMaster(int vrid, String address) {
    var virtual = List.of(InetAddress.ofLiteral(address));
    var advert = new Advertisement(Version.V3, vrid, 200, SECOND, virtual);
    var payload = AdvertisementCodec.encode(advert, null, PEER, Frames.GROUP);
    var mac = new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 9});
    machine.handle(
        new FrameReceived(
            fake.links.get("eth0").index(), Frames.advertisement(mac, PEER, 1, payload)),
        now);
    machine.begin(now);
  }

  /**
   * Field case 9, 250 VirtualIPs at 100 ms: 142 of them became master once more while the node was
   * busy with the others, although the adverts had come in meanwhile.
   */
  @Test
  void aTimerThatEndsAfterAdvertsWereLookedAtWaitsForTheNextLook() {
    machine.start();
    want(WEB);
    long ends = machine.deadline();
    long busyUntil = ends + SECOND;
    assertNull(machine.dueForOne("", ends - 1, busyUntil));
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
    assertEquals("web", machine.dueForOne("", ends, busyUntil));
    assertEquals(VirtualIpStatus.State.Master, state("web"));
  }

  /** Field case 9, 250 VirtualIPs: renewals of a thousand leases came before the next advert. */
  @Test
  void aFewLeasesAreRenewedBetweenTwoLooksAtAdverts() {
    machine.start();
    var addresses =
        IntStream.rangeClosed(1, 40)
            .mapToObj(i -> "{address: 203.0.113.%d/24, interface: eth1}".formatted(100 + i))
            .collect(Collectors.joining(", ", "[", "]"));
    want(WEB.replaceAll("\\[.*]", addresses), MAIL);
    passUntil(4 * SECOND);
    now = machine.deadline();
    fake.log.clear();
    var name = "";
    while ((name = machine.dueForMaster(name, now)) != null) {}
    assertEquals(16, renewed());
    for (int parts = 0; renewed() < 41; parts++) {
      assertTrue(parts < 3, "the others follow, 16 at a time");
      now = machine.deadline();
      while ((name = machine.dueForMaster(name == null ? "" : name, now)) != null) {}
    }
  }

  /** 250 VirtualIPs: each advert was a wake of its own, and each renewal a write to the kernel. */
  @Test
  void adverts10MsApartAreSentTogetherAndTheirLeasesRenewedByOneWrite() {
    machine.start();
    want(WEB);
    now += 10_000_000;
    want(WEB, MAIL);
    passUntil(6 * SECOND);
    now = machine.deadline();
    fake.log.clear();
    long writes = fake.writes;
    var name = "";
    while ((name = machine.dueForMaster(name, now)) != null) {}
    assertEquals(2, renewed());
    assertEquals(1, fake.writes - writes);
    assertEquals(2, fake.log.stream().filter(line -> line.startsWith("advert")).count());
  }

  /** Whose lease the kernel refuses alone looks at what it holds. */
  @Test
  void ofLeasesThatAreRenewedTogetherARefusalIsTheOneVirtualIps() {
    machine.start();
    want(WEB, MAIL);
    passUntil(6 * SECOND);
    now = machine.deadline();
    fake.refusal = "EINVAL";
    fake.refusedPrefix = "203.0.113.10/24";
    var name = "";
    while ((name = machine.dueForMaster(name, now)) != null) {}
    assertEquals(
        1, fake.registry.get("virtualip.bind.failures").tag("vip", "web").counter().count());
    assertNull(fake.registry.find("virtualip.bind.failures").tag("vip", "mail").counter());
  }

  @Test
  void aDefectInOneWriteForManyIsTheOnesWhoseChangeMeetsIt() {
    machine.start();
    want(WEB, MAIL);
    passUntil(6 * SECOND);
    now = machine.deadline();
    fake.log.clear();
    fake.defects = 2;
    fake.defectAt = "203.0.113.10/24";
    var name = "";
    while ((name = machine.dueForMaster(name, now)) != null) {}
    assertEquals(VirtualIpStatus.State.Fault, state("web"));
    assertEquals(VirtualIpStatus.State.Master, state("mail"));
    assertTrue(fake.log.contains("put 203.0.113.20/24 lease 4"), fake.log::toString);
  }

  private long renewed() {
    return fake.log.stream().filter(line -> line.startsWith("put ")).count();
  }

  /** Each may have much to put back, and the others' adverts go between. */
  @Test
  void oneComparesEachTurnWhatItHoldsWithWhatWasRead() {
    machine.start();
    want(WEB, MAIL);
    passUntil(5 * SECOND);
    fake.bound.keySet().removeIf(prefix -> prefix.toString().startsWith("203.0.113."));
    fake.log.clear();
    now += 5 * SECOND;
    machine.begin(now);
    assertEquals(1, renewed());
    assertEquals(now, machine.deadline());
    machine.begin(now);
    assertEquals(2, renewed());
  }

  /** Field case 8: what comes between the first report and the reading is seen by the reading. */
  @Test
  void theNetworkIsReadWhenItStarts() {
    fake.bound.clear();
    fake.report();
    fake.bind(2, "10.0.0.11/24", 0);
    machine.start();
    want(WEB);
    assertEquals(VirtualIpStatus.State.Backup, state("web"));
  }

  @Test
  void aLinkReportInWhichNothingIsNewAsksNobody() {
    machine.start();
    want(WEB);
    passUntil(5 * SECOND);
    fake.bound.clear();
    long before = machine.deadline();
    machine.handle(new NetworkChanged(new LinkChanged(fake.links.get("eth0"))), now);
    assertEquals(before, machine.deadline());
    assertEquals(VirtualIpStatus.State.Master, state("web"));
  }

  /** The planner may be needed: the NIC that a refused edit names has come. */
  @Test
  void anEditIsHandedOverAsADifference() {
    var nics = fake.node.network().nics();
    var both = desired(WEB, MAIL);
    assertEquals(2, plan.change(both, nics).run().size());
    assertTrue(plan.change(both, nics).isEmpty());
    var edited =
        plan.change(desired(WEB.replace("vrid: 77", "priority: 50, vrid: 77"), MAIL), nics);
    assertEquals(List.of("web"), List.copyOf(edited.run().keySet()));
    var one = plan.change(desired(MAIL), nics);
    assertEquals(List.of("web"), List.copyOf(one.stop()));
    assertEquals(List.of("web"), List.copyOf(one.forget()));
    assertEquals(Set.of(), one.leave());
    assertFalse(plan.isAnyRefused());
  }

  /** Field case 21: the planner is told of addresses too, by which an edit may name a NIC. */
  @Test
  void anEditThatIsRefusedIsRunWhenTheAddressComesThatItNames() {
    machine.start();
    want(WEB);
    var edit = WEB.replace("generation: 1", "generation: 2").replace("eth0", "198.51.100.0/24");
    want(edit);
    assertEquals(2L, machine.statuses().get("web").refusedGeneration());
    var before = nics;
    fake.bind(3, "198.51.100.7/24", 0);
    var put = new AddressPut(fake.bound.get(IpPrefix.parse("198.51.100.7/24")));
    machine.handle(new NetworkChanged(put), now);
    machine.begin(now);
    assertNotEquals(before, nics);
    var change = plan.change(desired(edit), nics);
    assertEquals(2, change.run().get("web").config().generation());
    assertNull(change.run().get("web").refused());
  }

  @Test
  void failedChecksAreNoFaultOnlyWhereAllMembersAgree() {
    var nics = fake.node.network().nics();
    var keeps = WEB.replace("{vrid", "{syncGroup: edge, whenAllFail: KeepMaster, vrid");
    var alone = plan.change(desired(keeps), nics);
    assertTrue(alone.run().get("web").config().router().keepMaster());
    var other = MAIL.replace("{vrid", "{syncGroup: edge, vrid");
    var both = plan.change(desired(keeps, other), nics);
    assertFalse(both.run().get("web").config().router().keepMaster());
  }

  @Test
  void withNothingToDoItHasNoDeadline() {
    machine.start();
    want();
    assertEquals(State.NEVER, machine.deadline());
    assertTrue(machine.configured());
  }

  private static Desired desired(String... yaml) {
    var vips = Stream.of(yaml).map(text -> Serialization.unmarshal(text, VirtualIp.class)).toList();
    return new Desired(vips, SELF, List.of(SELF), Map.of(), Map.of());
  }

  private final class Ears implements NodeMachine.Listener {
    private void hear() {
      if (earsFail) {
        throw new IllegalStateException("a defect of the listener");
      }
    }

    @Override
    public void changed(String virtualIp, NodeStatus status) {
      hear();
      if (status.state() == VirtualIpStatus.State.Init) {
        ends.add(virtualIp + " Init " + status.reason());
      }
    }

    @Override
    public void removed(String virtualIp) {
      hear();
      ends.add(virtualIp + " removed");
    }

    @Override
    public void masters(Map<String, MasterRecord.Master> masters) {
      hear();
    }

    @Override
    public void services(Set<ServiceKey> keys) {
      recorded = keys;
    }

    @Override
    public void nics(Nics newest) {
      hear();
      nics = newest;
    }
  }
}
