package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A virtual router with a MAC of its own, on a node in memory. */
class VirtualMacTest {
  private static final long SECOND = 1_000_000_000L;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);
  private static final String SPEC =
      """
      metadata: {name: web}
      spec:
        vrid: 77
        interface: eth0
        virtualMac: true
        addresses: [{address: 10.0.0.100/24}, {address: 203.0.113.10/24}]
      """;
  private static final String MAKE = "make vip4-2-77 00:00:5e:00:01:4d";
  private static final IpPrefix VIP = IpPrefix.parse("10.0.0.100/24");

  private final FakeNode fake = new FakeNode();
  private final Plan plan = new Plan("node-a");
  private NodeMachine machine = new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
  private long now = 1;

  private VrrpInstance run(String yaml) {
    fake.want(machine, plan, SELF, now, yaml);
    return machine.instance("web");
  }

  private VrrpInstance becomeMaster(String yaml) {
    run(yaml);
    pass(4 * SECOND);
    assertEquals(State.Master, machine.instance("web").stateName());
    return machine.instance("web");
  }

  private void pass(long time) {
    now = FakeNode.passUntil(machine, now, now + time);
  }

  private List<String> sources() {
    return fake.sent.get("eth0").stream()
        .map(frame -> HexFormat.ofDelimiter(":").formatHex(frame, 6, 12))
        .distinct()
        .toList();
  }

  @Test
  void aMasterMakesTheInterfaceBeforeItBindsAndABackupHasNone() {
    var instance = run(SPEC);
    assertEquals(State.Backup, instance.stateName());
    assertEquals(List.of(), fake.log.stream().filter(line -> line.startsWith("make")).toList());
    pass(4 * SECOND);
    int made = fake.log.indexOf(MAKE);
    assertTrue(
        made >= 0 && made < fake.log.indexOf("put 10.0.0.100/24 lease 4"), fake.log::toString);
    assertEquals(fake.links.get("vip4-2-77").index(), fake.bound.get(VIP).linkIndex());
  }

  @Test
  void advertsAndAnnouncementsHaveTheVirtualMac() {
    becomeMaster(SPEC);
    assertEquals(List.of("00:00:5e:00:01:4d"), sources());
  }

  @Test
  void advertsMayHaveTheNicsOwnMac() {
    becomeMaster(SPEC + "  vmacXmitBase: true\n");
    assertEquals(List.of("02:00:00:00:00:02", "00:00:5e:00:01:4d"), sources());
  }

  @Test
  void ofIpv6ItIsAnother() {
    fake.bind(2, "fe80::b/64", 0);
    fake.report();
    becomeMaster(SPEC.replaceAll("addresses.*", "addresses: [{address: 'fe80::61/64'}]"));
    assertEquals(List.of("00:00:5e:00:02:4d"), sources());
    assertEquals("00:00:5e:00:02:4d", fake.links.get("vip6-2-77").mac().toString());
  }

  @Test
  void whatIsReleasedLeavesTheInterfaceUntilTheNodeIsReadNext() {
    becomeMaster(SPEC);
    fake.log.clear();
    fake.want(machine, plan, SELF, now);
    assertFalse(fake.bound.containsKey(VIP));
    assertFalse(fake.log.contains("remove vip4-2-77"), "nobody waits for that");
    becomeMasterOfNothing();
    assertTrue(fake.log.contains("remove vip4-2-77"), fake.log::toString);
  }

  /** Another VirtualIP keeps the node reading. */
  private void becomeMasterOfNothing() {
    fake.want(machine, plan, SELF, now, SPEC.replace("virtualMac: true", "virtualMac: false"));
    pass(6 * SECOND);
  }

  @Test
  void theInterfaceGoesWithTheAgent() {
    becomeMaster(SPEC);
    machine.stop(now);
    assertEquals("remove vip4-2-77", fake.log.getLast());
    assertEquals(Set.of("eth0", "eth1"), fake.links.keySet());
  }

  /** As {@code ip link del} does; the new one has another index. */
  @Test
  void anInterfaceThatSomebodyRemovesIsMadeAnewWithAllThatWasOnIt() {
    var instance = becomeMaster(SPEC);
    var gone = fake.links.remove("vip4-2-77");
    fake.link("eth2", 4, true);
    fake.bound.values().removeIf(bound -> bound.linkIndex() == gone.index());
    fake.log.clear();
    pass(6 * SECOND);
    assertEquals(State.Master, instance.stateName());
    assertTrue(fake.log.contains(MAKE), fake.log::toString);
    assertEquals(fake.links.get("vip4-2-77").index(), fake.bound.get(VIP).linkIndex());
  }

  @Test
  void whatAnEarlierLifeHasLeftIsRemovedIfNobodyWantsIt() {
    leave("vip4-2-9", 9, AddressPort.PROTOCOL);
    fake.report();
    machine.start();
    run(SPEC);
    assertFalse(fake.links.containsKey("vip4-2-9"));
  }

  /** Its virtual routers are its own. */
  @Test
  void anotherAgentsInterfaceStays() {
    leave("vip4-2-9", 9, AddressPort.PROTOCOL == 112 ? 113 : 112);
    fake.report();
    machine.start();
    run(SPEC);
    assertTrue(fake.links.containsKey("vip4-2-9"));
  }

  private void leave(String name, int vrid, int mark) {
    var mac = Link.HardwareAddress.ofVirtualRouter(vrid, false);
    var virtual = new Link.Virtual(2, mark, true);
    fake.links.put(name, new Link(50, name, true, mac, 1500, List.of(), 0, virtual));
  }

  @Test
  void withoutMacvlanItIsAFaultBeforeTheElection() {
    fake.virtualMacObstacle = "the kernel has no macvlan: load the module macvlan";
    var status = run(SPEC).status();
    assertEquals("VirtualMacNotAvailable(eth0)", status.reason());
    assertEquals(fake.virtualMacObstacle, status.message());
    fake.virtualMacObstacle = null;
    pass(12 * SECOND);
    assertEquals(State.Master, machine.instance("web").stateName());
  }

  @Test
  void aTunnelHasNoVirtualMac() {
    fake.link("eth0", 2, true, new int[0]);
    fake.report();
    assertEquals("NotEthernet(eth0)", run(SPEC).status().reason().split(",")[0]);
  }

  @Test
  void anAddressOfTheNodeItselfIsAFaultAsElsewhere() {
    fake.bind(2, "10.0.0.100/24", 0);
    fake.report();
    assertEquals("AddressInUse(10.0.0.100)", run(SPEC).status().reason());
  }

  /** The NIC itself reaches only gateways of its own networks. */
  @Test
  void aRouteGoesByTheInterfaceThatReachesItsGateway() {
    becomeMaster(
        SPEC
            + "  routes: [{to: 198.51.100.0/24, via: 203.0.113.1}, {to: 192.0.2.0/24, via:"
            + " 10.0.0.1}]\n");
    int virtual = fake.links.get("vip4-2-77").index();
    assertEquals(
        List.of(virtual, 2), fake.installed.stream().map(InstalledRoute::linkIndex).toList());
  }

  @Test
  void noFieldNamesTheInterface() {
    becomeMaster(SPEC);
    fake.report();
    var nics = fake.node.network().nics();
    assertEquals("eth0, eth1", nics.names());
    assertEquals("eth0", nics.link("*").name());
    assertEquals(null, nics.link("vip4-2-77"));
  }
}
