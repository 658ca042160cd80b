package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The promises on a kernel before 5.18, which forgets the mark of each address. */
class OldKernelTest {
  private static final long SECOND = 1_000_000_000L;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);
  private static final IpPrefix VIP = IpPrefix.parse("10.0.0.100/24");
  private static final IpPrefix OWN = IpPrefix.parse("10.0.0.11/24");

  private final FakeNode fake = new FakeNode();
  private final Plan plan = new Plan("node-a");
  private NodeMachine machine = new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
  private long now = 1;

  @BeforeEach
  void anOldKernel() {
    fake.keepsMarks = false;
  }

  private static String vip(String name, int vrid, String nic, String address) {
    return """
    metadata: {name: %s}
    spec: {vrid: %d, interface: '%s', addresses: [{address: %s}]}
    """
        .formatted(name, vrid, nic, address);
  }

  private void pass(long time) {
    now = FakeNode.passUntil(machine, now, now + time);
  }

  private void assertMaster(String name) {
    assertEquals(State.Master, machine.instance(name).stateName());
  }

  /** A DHCP client that binds anew puts the node's own address behind the virtual ones. */
  @Test
  void noVirtualAddressBecomesTheSourceOfAnothersAdverts() {
    var first = vip("a", 1, "eth0", "10.0.0.100/24");
    fake.want(machine, plan, SELF, now, first);
    pass(4 * SECOND);
    assertMaster("a");
    assertEquals(0, fake.bound.get(VIP).protocol(), "the kernel keeps no mark");
    fake.bound.remove(OWN);
    fake.bind(2, "10.0.0.11/24", 0);
    fake.report();
    fake.want(machine, plan, SELF, now, first, vip("b", 2, "eth0", "10.0.0.101/24"));
    pass(4 * SECOND);
    assertMaster("b");
    for (var frame : fake.sent.get("eth0")) {
      Frames.vrrp(frame)
          .ifPresent(advert -> assertEquals(OWN.address(), advert.source(), "of an advert"));
    }
  }

  @Test
  void noVirtualAddressChoosesANic() {
    fake.want(machine, plan, SELF, now, vip("a", 1, "eth0", "203.0.113.10/24"));
    pass(4 * SECOND);
    assertMaster("a");
    fake.report();
    assertEquals(null, fake.node.network().link("203.0.113.0/24"));
    assertEquals("eth0", fake.node.network().link("10.0.0.0/24").name());
  }

  @Test
  void aMasterLetsGoOfWhatItHasPut() {
    fake.want(machine, plan, SELF, now, vip("a", 1, "eth0", "10.0.0.100/24"));
    pass(4 * SECOND);
    assertTrue(fake.bound.containsKey(VIP));
    machine.stop(now);
    assertEquals(Set.of(OWN), fake.bound.keySet());
  }

  /** What is not known to be ours may be somebody else's: it goes when its lease ends. */
  @Test
  void whatAnEarlierLifeHasLeftIsLeftToItsLease() {
    fake.bound.put(VIP, new BoundAddress(2, VIP, 3, 0));
    fake.report();
    machine.start();
    fake.want(machine, plan, SELF, now, vip("a", 1, "eth0", "10.0.0.101/24"));
    pass(6 * SECOND);
    assertTrue(fake.bound.containsKey(VIP));
    assertFalse(fake.log.contains("delete 10.0.0.100/24"), fake.log::toString);
  }

  @Test
  void theVirtualMacsInterfaceHasAMarkThatEveryKernelKeeps() {
    fake.want(
        machine,
        plan,
        SELF,
        now,
        vip("a", 1, "eth0", "10.0.0.100/24").replace("vrid", "virtualMac: true, vrid"));
    pass(4 * SECOND);
    assertMaster("a");
    machine.stop(now);
    assertEquals(Set.of("eth0", "eth1"), fake.links.keySet());
    assertEquals(Set.of(OWN), fake.bound.keySet());
  }
}
