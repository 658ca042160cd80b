package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Takeover;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A virtual router whose adverts go by eth0 and by eth2. */
class HeartbeatsTest {
  private static final long SECOND = 1_000_000_000L;
  private static final int ETH0 = 2;
  private static final int ETH2 = 4;
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");
  private static final InetAddress PEER2 = InetAddress.ofLiteral("10.2.0.12");
  private static final String WEB =
      """
      metadata: {name: web, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        heartbeats: [{interface: eth0}, {interface: eth2}]
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        detection: {bfd: {}}
      """;

  private final FakeNode fake = new FakeNode();
  private VrrpInstance instance;
  private long now = 1;
  private int told;

  private void start(String yaml) {
    fake.link("eth2", ETH2, true);
    fake.bind(ETH2, "10.2.0.11/24", 0);
    fake.report();
    instance = new VrrpInstance(config(yaml), false, fake.node, _ -> told++);
    instance.start(now);
  }

  private static InstanceConfig config(String yaml) {
    var vip = Serialization.unmarshal(yaml, VirtualIp.class);
    return InstanceConfig.from(vip, "node-a", Map.of(), List.of());
  }

  private void hear(int link, InetAddress source, int priority) {
    hear(link, source, Frames.GROUP, priority);
  }

  private void hear(int link, InetAddress source, InetAddress destination, int priority) {
    var virtual = List.of(InetAddress.ofLiteral("203.0.113.10"));
    var advert = new Advertisement(Version.V3, 77, priority, SECOND, virtual);
    var payload = AdvertisementCodec.encode(advert, null, source, destination);
    var datagram = new Datagram(source, destination, 255, payload);
    if (instance.takes(link, datagram)) {
      instance.onDatagram(link, datagram, now);
    }
  }

  private void passUntil(long time) {
    while (instance.deadline() <= time) {
      now = Math.max(now, instance.deadline());
      instance.onDeadline(now);
    }
    now = time;
  }

  private List<String> problems() {
    return instance.status().heartbeats().stream()
        .map(path -> path.interfaceName() + ": " + path.problem())
        .toList();
  }

  private State state() {
    return instance.status().state();
  }

  @Test
  void aMasterAdvertisesByBothAndAnnouncesByNone() {
    start(WEB);
    passUntil(4 * SECOND);
    assertEquals(State.Master, state());
    assertEquals(List.of("advert 100 eth0", "advert 100 eth2"), fake.log.subList(0, 2));
    assertEquals(List.of("eth0: null", "eth2: null"), problems());
    assertEquals("10.2.0.11", instance.status().heartbeats().get(1).address());
  }

  @Test
  void theCutOfOneNetworkIsTold_andOnlyTheCutOfBothIsAFailover() {
    start(WEB);
    for (int i = 0; i < 10; i++) {
      passUntil(now + SECOND);
      hear(ETH0, PEER, 200);
      hear(ETH2, PEER2, 200);
    }
    assertEquals(List.of("eth0: null", "eth2: null"), problems());
    assertEquals("10.0.0.12", instance.status().heardMaster(), "one master, by its first address");
    int before = told;
    for (int i = 0; i < 10; i++) {
      passUntil(now + SECOND);
      hear(ETH2, PEER2, 200);
    }
    assertEquals(State.Backup, state());
    assertTrue(problems().getFirst().startsWith("eth0: eth0 brings no adverts of the master"));
    assertEquals("10.2.0.12", instance.status().heardMaster());
    assertTrue(told - before <= 3, "told once, and not at each advert");
    hear(ETH0, PEER, 200);
    assertEquals(List.of("eth0: null", "eth2: null"), problems());
    passUntil(now + 4 * SECOND);
    assertEquals(State.Master, state());
  }

  @Test
  void aPathWhoseNicIsDownOrMissingIsNoFault() {
    start(WEB);
    fake.link("eth2", ETH2, false);
    fake.report();
    instance.networkChanged(now);
    assertEquals(List.of("eth0: null", "eth2: eth2 is down or has no carrier"), problems());
    fake.links.remove("eth2");
    fake.bound.values().removeIf(address -> address.linkIndex() == ETH2);
    fake.report();
    instance.networkChanged(now);
    assertTrue(problems().getLast().startsWith("eth2: there is no NIC eth2 on this node"));
    passUntil(4 * SECOND);
    assertEquals(State.Master, state());
  }

  @Test
  void theNicOfTheAdvertsDownIsAFault_andItsResignationGoesByTheOtherPath() {
    start(WEB);
    passUntil(4 * SECOND);
    fake.log.clear();
    fake.link("eth0", ETH0, false);
    fake.broken.add("eth0");
    fake.report();
    instance.networkChanged(now);
    assertEquals("LinkDown(eth0)", instance.status().reason());
    assertTrue(fake.log.contains("advert 0 eth2"), fake.log.toString());
  }

  @Test
  void copiesOfAResignationAreNotCounted() {
    start(WEB);
    hear(ETH0, PEER, 200);
    hear(ETH2, PEER2, 200);
    hear(ETH0, PEER, 0);
    hear(ETH2, PEER2, 0);
    assertEquals(Takeover.MasterResigned, takeover());
    hear(ETH2, PEER2, 0);
    assertEquals(Takeover.ResignedAgain, takeover());
    hear(ETH0, PEER, 0);
    assertEquals(Takeover.ResignedAgain, takeover());
    hear(ETH0, PEER, 0);
    assertEquals(Takeover.MasterLeaves, takeover(), "said a third time on one path");
  }

  private Takeover takeover() {
    return ((Backup) instance.router().state()).takeover();
  }

  @Test
  void aMasterLostByBfdIsNotFollowedWhileItIsHeardByAnotherPath() {
    start(WEB);
    hear(ETH0, PEER, 200);
    hear(ETH2, PEER2, 200);
    instance.neighbourChanged(new Neighbour(ETH0, PEER), true, now);
    assertEquals(Takeover.MasterDown, takeover());
    start(WEB);
    hear(ETH0, PEER, 200);
    instance.neighbourChanged(new Neighbour(ETH0, PEER), true, now);
    assertEquals(Takeover.NeighbourDown, takeover());
  }

  @Test
  void itsOwnAdvertByAnotherPathIsDroppedAndTold() {
    start(WEB);
    passUntil(4 * SECOND);
    hear(ETH2, InetAddress.ofLiteral("10.0.0.11"), 100);
    assertTrue(problems().getLast().startsWith("eth2: eth2 hears this node's own adverts"));
    assertEquals(State.Master, state());
    passUntil(now + 5 * SECOND);
    assertEquals("eth2: null", problems().getLast());
  }

  @Test
  void peersOfAPathAreItsOwn() {
    var us = InetAddress.ofLiteral("10.2.0.11");
    start(WEB.replace("{interface: eth2}", "{interface: eth2, peers: [10.2.0.11, 10.2.0.12]}"));
    hear(ETH2, PEER2, Frames.GROUP, 200);
    assertNull(instance.status().heardMaster(), "not to the group");
    hear(ETH2, PEER2, us, 200);
    assertEquals("10.2.0.12", instance.status().heardMaster());
    hear(ETH2, InetAddress.ofLiteral("10.2.0.99"), us, 250);
    assertEquals("10.2.0.12", instance.status().heardMaster(), "it is no peer");
    passUntil(4 * SECOND);
    assertEquals(1, fake.packets.size(), "to the one other peer");
  }

  @Test
  void twoEntriesForOneNicAreToldAsNoSecondPath() {
    start(WEB.replace("{interface: eth2}", "{interface: 10.0.0.0/24}"));
    assertTrue(problems().getLast().contains("10.0.0.0/24 is the NIC of another heartbeat"));
    passUntil(4 * SECOND);
    assertEquals("advert 100 eth0", fake.log.getFirst());
    assertTrue(fake.log.stream().filter(line -> line.equals("advert 100 eth0")).count() <= 2);
  }

  @Test
  void theFieldMayComeAndGoWhileItRuns() {
    start(WEB.replace("heartbeats: [{interface: eth0}, {interface: eth2}]", "priority: 100"));
    passUntil(4 * SECOND);
    assertNull(instance.status().heartbeats());
    fake.log.clear();
    instance.update(config(WEB), now);
    assertEquals(State.Master, state());
    assertTrue(fake.log.contains("advert 100 eth2"), fake.log.toString());
  }
}
