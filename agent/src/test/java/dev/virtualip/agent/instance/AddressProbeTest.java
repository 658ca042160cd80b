package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.Input.FrameReceived;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Probes of addresses that nobody has advertised; down interval 3.609 s, and no pause but that. */
class AddressProbeTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long DOWN = 3_609_375_000L;
  private static final int ETH0 = 2;
  private static final int ETH1 = 3;
  private static final String WEB =
      """
      metadata: {name: web, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
      """;

  private static final InetAddress VIP = InetAddress.ofLiteral("203.0.113.10");
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");
  private static final HardwareAddress STRANGER = mac(2, 0, 0, 0, 0, 0x63);
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);

  private FakeNode fake = new FakeNode(true);
  private NodeMachine machine;
  private Plan plan;
  private long now = 1;

  private static HardwareAddress mac(int... bytes) {
    var mac = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      mac[i] = (byte) bytes[i];
    }
    return new HardwareAddress(mac);
  }

  private void start(String... yaml) {
    machine = new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
    plan = new Plan("node-a");
    machine.start();
    want(yaml);
  }

  private void want(String... yaml) {
    fake.want(machine, plan, SELF, now, yaml);
  }

  private void passUntil(long time) {
    now = FakeNode.passUntil(machine, now, time);
  }

  private NodeStatus web() {
    return machine.statuses().get("web");
  }

  private void answer(int link, HardwareAddress mac, InetAddress address) {
    var frame =
        address.getAddress().length == 4
            ? Frames.gratuitousArp(mac, address, ArpForm.Reply)
            : Frames.neighbourAdvertisement(mac, address, false);
    machine.handle(new FrameReceived(link, frame), now);
    machine.begin(now);
  }

  private void hearMaster() {
    var advert = new Advertisement(Version.V3, 77, 200, SECOND, List.of(VIP));
    var payload = AdvertisementCodec.encode(advert, null, PEER, Frames.GROUP);
    var frame = Frames.advertisement(mac(2, 0, 0, 0, 0, 9), PEER, 1, payload);
    machine.handle(new FrameReceived(ETH0, frame), now);
    machine.begin(now);
  }

  private long probes() {
    return fake.log.stream().filter("probe eth1"::equals).count();
  }

  private boolean isBound() {
    return fake.bound.containsKey(IpPrefix.parse("203.0.113.10/24"));
  }

  @Test
  void whoHearsNobodyAsksThreeTimesInTheWaitThatThereIsAnyway() {
    start(WEB);
    passUntil(SECOND - 1);
    assertEquals(0, probes(), "a live master would be heard in this time");
    passUntil(DOWN);
    assertEquals(3, probes());
    assertTrue(fake.node.ports().areProbing());
    passUntil(2 * DOWN);
    assertEquals(State.Master, web().state());
    assertEquals(3, probes());
    assertFalse(fake.node.ports().areProbing(), "nobody waits for answers any more");
  }

  @Test
  void aTakeoverFromNobodyIsAtTheSameMomentAsWithoutProbes() {
    var moments = new ArrayList<Long>();
    for (boolean probes : new boolean[] {true, false}) {
      fake = new FakeNode(probes);
      now = 1;
      start(WEB);
      while (web().state() != State.Master) {
        passUntil(Math.max(now, machine.deadline()));
      }
      moments.add(now);
    }
    assertEquals(List.of(1 + DOWN, 1 + DOWN), moments);
  }

  @Test
  void anAddressThatSomebodyOutsideAnswersForIsNotBound() {
    start(WEB);
    passUntil(2 * SECOND);
    answer(ETH1, STRANGER, VIP);
    assertEquals(State.Backup, web().state(), "a master may be heard yet");
    passUntil(4 * SECOND);
    assertEquals("AddressInUse(203.0.113.10)", web().reason());
    assertTrue(
        web().message().startsWith("02:00:00:00:00:63 on eth1 has answered for 203.0.113.10"),
        web().message());
    assertFalse(isBound());
    assertFalse(fake.log.contains("advert 100 eth0"), fake.log::toString);
  }

  @Test
  void asLongAsItIsAnsweredNothingChangesAndThenItTakesPartAgain() {
    start(WEB);
    passUntil(2 * SECOND);
    answer(ETH1, STRANGER, VIP);
    passUntil(4 * SECOND);
    var fault = web();
    for (int second = 5; second < 60; second++) {
      answer(ETH1, STRANGER, VIP);
      passUntil(second * SECOND);
      assertEquals(fault, web());
    }
    assertTrue(probes() > 50, "it asks on");
    passUntil(63 * SECOND);
    assertEquals(State.Backup, web().state());
    passUntil(67 * SECOND);
    assertEquals(State.Master, web().state());
  }

  @Test
  void anAnswerFromBeforeTheWaitIsOutOfDateWhenItEnds() {
    start(WEB);
    passUntil(2 * SECOND);
    answer(ETH1, STRANGER, VIP);
    while (web().state() != State.Fault) {
      passUntil(Math.max(now, machine.deadline()));
    }
    while (web().state() != State.Backup) {
      passUntil(Math.max(now, machine.deadline()));
    }
    answer(ETH1, STRANGER, VIP);
    passUntil(now + DOWN);
    assertEquals(State.Master, web().state());
  }

  @Test
  void aMasterThatIsHeardEndsTheFault() {
    start(WEB);
    passUntil(2 * SECOND);
    answer(ETH1, STRANGER, VIP);
    passUntil(4 * SECOND);
    hearMaster();
    assertEquals(State.Backup, web().state());
    assertFalse(fake.node.ports().areProbing());
  }

  /** A dead master's kernel answers until its lease ends: that must keep nobody away. */
  @Test
  void aTakeoverFromAMasterThatWasHeardIsNeverKeptUp() {
    start(WEB);
    passUntil(2 * SECOND);
    answer(ETH1, STRANGER, VIP);
    hearMaster();
    long heardAt = now;
    fake.log.clear();
    passUntil(heardAt + SECOND);
    answer(ETH1, STRANGER, VIP);
    passUntil(heardAt + 4 * SECOND);
    assertEquals("MasterDown", web().reason());
    assertEquals(0, probes());
  }

  @Test
  void answersOfTheNodeItselfAndOfTheVirtualRouterCountForNothing() {
    start(WEB);
    passUntil(2 * SECOND);
    answer(ETH1, fake.links.get("eth0").mac(), VIP);
    answer(ETH1, HardwareAddress.ofVirtualRouter(77, false), VIP);
    answer(ETH1, STRANGER, InetAddress.ofLiteral("203.0.113.11"));
    answer(ETH0, STRANGER, VIP);
    passUntil(4 * SECOND);
    assertEquals(State.Master, web().state());
  }

  @Test
  void probingCanBeSwitchedOffAndTheOwnerNeverProbes() {
    for (var spec : List.of("probe: false", "priority: 255")) {
      fake = new FakeNode(true);
      now = 1;
      start(WEB.replace("vrid: 77", "vrid: 77\n  " + spec));
      passUntil(2 * SECOND);
      answer(ETH1, STRANGER, VIP);
      passUntil(4 * SECOND);
      assertEquals(State.Master, web().state(), spec);
      assertEquals(0, probes(), spec);
    }
  }

  @Test
  void anIpv6AddressIsProbedToo() {
    start(
        WEB.replace(
            "eth1}]", "eth1}, {address: '2001:db8::10/64', advertised: false, interface: eth1}]"));
    passUntil(3 * SECOND);
    assertEquals(6, probes());
    answer(ETH1, STRANGER, InetAddress.ofLiteral("2001:db8::10"));
    passUntil(4 * SECOND);
    assertEquals("AddressInUse(2001:db8::10)", web().reason());
  }

  @Test
  void anAddressOfAnEditIsProbedInWhatIsLeftOfTheWait() {
    start(WEB);
    passUntil(3 * SECOND);
    want(
        WEB.replace("eth1}]", "eth1}, {address: 203.0.113.11/24, interface: eth1}]")
            .replace("generation: 1", "generation: 2"));
    passUntil(now + 1);
    assertEquals(3 + 2, probes());
    answer(ETH1, STRANGER, InetAddress.ofLiteral("203.0.113.11"));
    passUntil(4 * SECOND);
    assertEquals("AddressInUse(203.0.113.11)", web().reason());
    want(WEB.replace("generation: 1", "generation: 3"));
    assertEquals(State.Backup, web().state(), "without that address there is no fault");
  }

  @Test
  void aMemberWhoseAddressIsInUseKeepsItsSyncGroup() {
    var member = WEB.replace("vrid: 77", "vrid: 77\n  syncGroup: edge");
    var other = member.replace("web", "mail").replace("77", "78").replace("113.10", "113.20");
    start(member, other);
    passUntil(2 * SECOND);
    answer(ETH1, STRANGER, VIP);
    passUntil(4 * SECOND);
    assertEquals("AddressInUse(203.0.113.10)", web().reason());
    assertEquals("SyncGroup(web)", machine.statuses().get("mail").reason());
    passUntil(20 * SECOND);
    assertEquals(State.Master, web().state());
    assertEquals(State.Master, machine.statuses().get("mail").state());
  }

  @Test
  void anAnswerCountsAtOnceForAMemberThatIsEditedWhileItWaitsForItsSyncGroup() {
    var member = WEB.replace("vrid: 77", "vrid: 77\n  syncGroup: edge");
    var other = member.replace("web", "mail").replace("77", "78").replace("113.10", "113.20");
    var slow = other.replace("vrid: 78", "vrid: 78\n  advertInterval: 3s");
    start(member, slow);
    passUntil(4 * SECOND);
    want(member.replace("generation: 1", "generation: 2"), slow);
    passUntil(6 * SECOND);
    answer(ETH1, STRANGER, VIP);
    assertEquals("AddressInUse(203.0.113.10)", web().reason());
  }

  /** Otherwise what somebody has of the newcomer would take the others down on all nodes. */
  @Test
  void whatJoinsASyncGroupThatHasAMasterIsNotProbed() {
    var member = WEB.replace("vrid: 77", "vrid: 77\n  syncGroup: edge");
    var other = member.replace("web", "mail").replace("77", "78").replace("113.10", "113.20");
    start(member);
    passUntil(5 * SECOND);
    assertEquals(State.Master, web().state());
    fake.log.clear();
    want(member, other);
    passUntil(20 * SECOND);
    assertEquals(State.Master, web().state());
    assertEquals(State.Master, machine.statuses().get("mail").state());
    assertEquals(0, probes());
  }

  @Test
  void manyAddressesAreProbedBitByBit() {
    var many = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      many.append(", {address: 198.51.100.").append(1 + i).append("/32, interface: eth1}");
    }
    start(WEB.replace("eth1}]", "eth1}" + many + "]"));
    passUntil(SECOND + 1);
    assertEquals(32, probes());
    passUntil(DOWN);
    assertEquals(3 * 101, probes());
  }
}
