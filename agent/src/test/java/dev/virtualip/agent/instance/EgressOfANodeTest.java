package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.disk.MasterRecord.Master;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Sources are translated in step with the addresses. */
class EgressOfANodeTest {
  private static final long SECOND = 1_000_000_000L;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);
  private static final String EGRESS =
      """
      metadata: {name: out, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: 'eth1*'}]
        egress: {sources: [10.7.0.0/16]}
      """;
  private static final SourceNat NAT =
      new SourceNat(
          "out",
          "eth1",
          InetAddress.ofLiteral("203.0.113.10"),
          List.of(),
          List.of(IpPrefix.parse("10.7.0.0/16")),
          Set.of());

  private final FakeNode fake = new FakeNode();
  private final Plan plan = new Plan("node-a");
  private NodeMachine machine = new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
  private long now = 1;

  private void want(String... yaml) {
    fake.want(machine, plan, SELF, now, yaml);
  }

  private void passUntil(long time) {
    now = FakeNode.passUntil(machine, now, time);
  }

  private void becomeMaster() {
    machine.start();
    want(EGRESS);
    passUntil(5 * SECOND);
    assertEquals(State.Master, machine.statuses().get("out").state());
  }

  @Test
  void whatAnEarlierLifeHasLeftGoesOnUntilItIsKnownWhoResumes() {
    var before = new Master(77, Version.V3, "eth0", List.of("203.0.113.10/24 eth1*"), 100);
    machine = new NodeMachine(Map.of("out", before), Set.of(), fake.node, new NobodyListens());
    var prefix = IpPrefix.parse("203.0.113.10/24");
    fake.bound.put(prefix, new BoundAddress(3, prefix, 4, AddressPort.PROTOCOL));
    machine.start();
    machine.begin(now);
    assertNull(fake.egress.wanted);
    want(EGRESS);
    assertEquals(List.of(NAT), fake.egress.wanted);
  }

  @Test
  void withoutAnEarlierMasterLeftOversGoAtOnce() {
    machine.start();
    machine.begin(now);
    assertEquals(List.of(), fake.egress.wanted);
  }

  @Test
  void aMasterTranslatesByTheNicThatTheSpecMeans() {
    becomeMaster();
    assertEquals(List.of(NAT), fake.egress.wanted);
  }

  @Test
  void aNodeThatIsNotSelectedAnyMoreTranslatesNothing() {
    becomeMaster();
    want();
    assertEquals(List.of(), fake.egress.wanted);
  }

  @Test
  void anEditOfTheSourcesMovesNoAddress() {
    becomeMaster();
    fake.log.clear();
    want(EGRESS.replace("10.7.0.0/16", "10.8.0.0/16").replace("n: 1", "n: 2"));
    passUntil(now + 1);
    assertEquals(List.of(IpPrefix.parse("10.8.0.0/16")), fake.egress.wanted.getFirst().sources());
    assertTrue(fake.log.stream().noneMatch(line -> line.startsWith("delete")), fake.log::toString);
  }

  @Test
  void afterTheEndNothingIsTranslated() {
    becomeMaster();
    machine.stop(now);
    assertEquals(List.of(), fake.egress.wanted);
  }

  @Test
  void theStatusSaysWhyTheKernelDoesNotTranslate() {
    becomeMaster();
    fake.egress.problems = Map.of("out", "the kernel has no nftables");
    machine.begin(now);
    var status = machine.statuses().get("out");
    assertEquals(State.Master, status.state());
    assertTrue(
        status.message().contains("spec.egress: the kernel has no nftables"), status::message);
  }
}
