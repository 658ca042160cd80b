package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.NeighbourState;
import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.bfd.Timing;
import dev.virtualip.agent.instance.Input.FrameReceived;
import dev.virtualip.agent.instance.Input.NeighbourChanged;
import dev.virtualip.agent.instance.Input.NetworkChanged;
import dev.virtualip.agent.instance.Input.PlanChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a node asks of BFD, and what becomes of the answers. */
class NeighboursTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);
  private static final InetAddress US = InetAddress.ofLiteral("10.0.0.11");
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");
  private static final InetAddress GATEWAY = InetAddress.ofLiteral("10.0.0.1");
  private static final String WEB =
      """
      metadata: {name: web, generation: 1}
      spec: {vrid: 77, interface: eth0, addresses: [{address: 203.0.113.10/24, interface: eth1}],
        detection: {bfd: {}}}
      """;

  private final FakeNode fake = new FakeNode();
  private final Plan plan = new Plan("node-a");
  private final NodeMachine machine =
      new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
  private long now = 1;

  private void want(String... yaml) {
    var vips = Stream.of(yaml).map(text -> Serialization.unmarshal(text, VirtualIp.class)).toList();
    var desired = new Desired(vips, SELF, List.of(SELF), Map.of(), Map.of());
    handle(new PlanChanged(plan.change(desired, fake.node.network().nics())));
  }

  private void handle(Input input) {
    machine.handle(input, now);
    machine.begin(now);
  }

  private void passUntil(long time) {
    while (machine.deadline() <= time) {
      now = Math.max(now, machine.deadline());
      var name = "";
      while ((name = machine.dueForMaster(name, now)) != null) {}
      name = "";
      while ((name = machine.dueForOne(name, now, now)) != null) {}
      machine.begin(now);
    }
    now = time;
  }

  private void hear(int vrid, InetAddress source) {
    var virtual = List.of(InetAddress.ofLiteral("203.0.113.10"));
    var advert = new Advertisement(Version.V3, vrid, 200, SECOND, virtual);
    var payload = AdvertisementCodec.encode(advert, null, source, Frames.GROUP);
    var mac = new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 9});
    handle(new FrameReceived(2, Frames.advertisement(mac, source, 1, payload)));
  }

  private void tell(InetAddress neighbour, NeighbourState state) {
    handle(new NeighbourChanged(new Neighbour(2, neighbour), state));
  }

  private NodeStatus status() {
    return machine.statuses().get("web");
  }

  private static String of(String yaml, String bfd) {
    return yaml.replace("{bfd: {}}", "{bfd: " + bfd + "}");
  }

  @Test
  void itAsksForTheMasterThatItHears() {
    machine.start();
    want(WEB);
    var timing = new Timing(50 * MS, 3);
    assertEquals(Map.of(2, new Nic(2, "eth0", timing, Map.of())), fake.watched);
    hear(77, PEER);
    assertEquals(Map.of(2, new Nic(2, "eth0", timing, Map.of(PEER, US))), fake.watched);
    want();
    assertEquals(Map.of(), fake.watched);
  }

  @Test
  void withoutTheFieldItAsksForNothing() {
    machine.start();
    want(of(WEB, "null"));
    hear(77, PEER);
    assertEquals(Map.of(), fake.watched);
  }

  @Test
  void theMostDemandingVirtualIpSetsTheTimingOfTheNic() {
    var mail = WEB.replace("web", "mail").replace("77", "78").replace("113.10", "113.20");
    machine.start();
    want(of(WEB, "{interval: 100ms, multiplier: 4}"), of(mail, "{interval: 200ms, multiplier: 3}"));
    assertEquals(new Timing(100 * MS, 4), fake.watched.get(2).timing());
    want(of(WEB, "{interval: 100ms, multiplier: 4}"), of(mail, "{interval: 20ms, multiplier: 5}"));
    assertEquals(new Timing(20 * MS, 5), fake.watched.get(2).timing());
    hear(77, PEER);
    hear(78, PEER);
    assertEquals(Map.of(PEER, US), fake.watched.get(2).asked(), "one session serves both");
  }

  @Test
  void aLostMasterIsFollowed() {
    machine.start();
    want(WEB);
    hear(77, PEER);
    tell(PEER, NeighbourState.Up);
    tell(PEER, NeighbourState.Lost);
    passUntil(now + SECOND);
    assertEquals(VirtualIpStatus.State.Master, status().state());
    assertEquals("NeighbourDown", status().reason());
  }

  @Test
  void otherEndsOfASessionAreNoFailure() {
    machine.start();
    want(WEB);
    hear(77, PEER);
    for (var state : List.of(NeighbourState.Up, NeighbourState.Down, NeighbourState.AdminDown)) {
      tell(PEER, state);
    }
    tell(GATEWAY, NeighbourState.Lost);
    passUntil(now + 2 * SECOND);
    assertEquals(VirtualIpStatus.State.Backup, status().state());
  }

  @Test
  void whileTheOwnNicIsDownNobodyElseFails() {
    machine.start();
    want(WEB.replace("detection", "linkDebounce: 1900ms, detection"));
    hear(77, PEER);
    fake.link("eth0", 2, false);
    handle(new NetworkChanged(new LinkChanged(fake.links.get("eth0"))));
    tell(PEER, NeighbourState.Lost);
    passUntil(now + SECOND + SECOND / 2);
    assertEquals(VirtualIpStatus.State.Backup, status().state());
  }

  @Test
  void aVirtualIpWithoutTheFieldKeepsToItsAdverts() {
    var mail =
        of(WEB, "null").replace("web", "mail").replace("77", "78").replace("113.10", "113.20");
    machine.start();
    want(WEB, mail);
    hear(77, PEER);
    hear(78, PEER);
    tell(PEER, NeighbourState.Lost);
    passUntil(now + SECOND);
    assertEquals(VirtualIpStatus.State.Master, status().state());
    assertEquals(VirtualIpStatus.State.Backup, machine.statuses().get("mail").state());
  }

  @Test
  void withExclusiveLeasesItAsksForNoMaster() {
    machine.start();
    want(WEB.replace("detection", "lease: {policy: Exclusive}, detection"));
    hear(77, PEER);
    assertEquals(Map.of(), fake.watched.get(2).asked());
  }

  @Test
  void whoStopsEndsItsSessionsFirst() {
    machine.start();
    want(WEB);
    passUntil(5 * SECOND);
    fake.log.clear();
    assertFalse(fake.watched.isEmpty());
    machine.stop(now);
    machine.begin(now);
    assertEquals(Map.of(), fake.watched);
  }

  @Test
  void aTrackedRouterOfWeight0IsWaitedForAndItsLossIsAFault() {
    machine.start();
    want(of(WEB, "{peers: [{address: 10.0.0.1}]}"));
    assertEquals(Map.of(GATEWAY, US), fake.watched.get(2).asked());
    passUntil(5 * SECOND);
    assertEquals("CheckPending(bfd:10.0.0.1)", status().reason());
    tell(GATEWAY, NeighbourState.Up);
    passUntil(10 * SECOND);
    assertEquals(VirtualIpStatus.State.Master, status().state());
    tell(GATEWAY, NeighbourState.Lost);
    assertEquals("CheckFailed(bfd:10.0.0.1)", status().reason());
    assertEquals(VirtualIpStatus.State.Fault, status().state());
    tell(GATEWAY, NeighbourState.AdminDown);
    assertEquals(VirtualIpStatus.State.Backup, status().state());
  }

  @Test
  void weightsOfTrackedRoutersAreThoseOfChecks() {
    machine.start();
    want(
        of(
            WEB,
            "{peers: [{address: 10.0.0.1, weight: 10}, {address: 10.0.0.2, weight: -20},"
                + " {address: 10.0.0.3, weight: 5, reverse: true}]}"));
    assertEquals(100, status().priority());
    var others = List.of(InetAddress.ofLiteral("10.0.0.2"), InetAddress.ofLiteral("10.0.0.3"));
    tell(GATEWAY, NeighbourState.Up);
    others.forEach(other -> tell(other, NeighbourState.Up));
    assertEquals(105, status().priority());
    others.forEach(other -> tell(other, NeighbourState.Down));
    assertEquals(90, status().priority());
  }

  @Test
  void aRouterThatAMasterBeginsToTrackCountsAsThereUntilThereIsNews() {
    machine.start();
    want(WEB);
    passUntil(5 * SECOND);
    want(of(WEB, "{peers: [{address: 10.0.0.1}]}").replace("n: 1", "n: 2"));
    assertEquals(VirtualIpStatus.State.Master, status().state());
    tell(GATEWAY, NeighbourState.Down);
    assertEquals("CheckFailed(bfd:10.0.0.1)", status().reason());
  }
}
