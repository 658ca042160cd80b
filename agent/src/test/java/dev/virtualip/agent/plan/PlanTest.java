package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.FakeNode;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a plan remembers of the one before: results of checks, of specs that are the same. */
class PlanTest {
  private static final Nics NICS = new FakeNode().node.network().nics();

  private final Plan plan = new Plan("node-a");

  private static VirtualIp vip(String name, int generation, int vrid) {
    return Serialization.unmarshal(
        """
        metadata: {name: %s, generation: %d}
        spec: {vrid: %d, interface: eth0, addresses: [{address: 10.0.0.%d/24}]}
        """
            .formatted(name, generation, vrid, vrid % 250),
        VirtualIp.class);
  }

  private PlanChange change(VirtualIp... vips) {
    return change(List.of(), vips);
  }

  private PlanChange change(List<NodeFacts> nodes, VirtualIp... vips) {
    var self = new NodeFacts("node-a", Map.of(), true);
    return plan.change(new Desired(List.of(vips), self, nodes, Map.of(), Map.of()), NICS);
  }

  private static VirtualIp unicast() {
    var unicast = vip("a", 1, 1);
    unicast.setSpec(
        Serialization.unmarshal(
            """
            vrid: 1
            interface: eth0
            addresses: [{address: 10.0.0.1/24}]
            transport: {mode: Unicast}
            """,
            VirtualIpSpec.class));
    return unicast;
  }

  private static NodeFacts node(String name, String... internalIps) {
    return new NodeFacts(name, Map.of(), true, List.of(internalIps));
  }

  /** Case 5 of the field: two nodes that hear each other no more are both master. */
  @Test
  void aVirtualAddressIsNoPeerThoughANodeReportsItAsItsOwn() {
    var unicast = unicast();
    var other = vip("b", 1, 2);
    var nodes =
        List.of(
            node("node-a", "10.0.0.11"),
            node("node-b", "10.0.0.1", "10.0.0.12"),
            node("node-c", "2001:db8::c", "10.0.0.2", "10.0.0.13"),
            node("node-d", "10.0.0.2"));
    assertEquals(
        Set.of("10.0.0.11", "10.0.0.12", "10.0.0.13"),
        change(nodes, unicast, other).run().get("a").config().members().stream()
            .map(IpPrefix::text)
            .collect(Collectors.toSet()));
  }

  /** With two nodes and no other address, none of them was master while it was reported. */
  @Test
  void aNodeKeepsItsAddressWhileItsKubeletReportsAVirtualOne() {
    var unicast = unicast();
    var good = List.of(node("node-a", "10.0.0.11"), node("node-b", "10.0.0.12"));
    var before = change(good, unicast).run().get("a").config();
    assertFalse(before.hasOutsiders());
    var bad = List.of(node("node-a", "10.0.0.1"), node("node-b", "10.0.0.12"));
    assertTrue(change(bad, unicast).isEmpty(), "nothing has changed");
  }

  @Test
  void aNodeWithoutAddressIsAnOutsider() {
    var unicast = unicast();
    var nodes = List.of(node("node-a", "10.0.0.11"), node("node-b", "10.0.0.1"));
    assertTrue(change(nodes, unicast).run().get("a").config().hasOutsiders());
  }

  private PlanChange change(Map<PodSelector, List<PodFacts>> pods, VirtualIp... vips) {
    var self = new NodeFacts("node-a", Map.of(), true);
    var desired = new Desired(List.of(vips), self, List.of(), Map.of(), Map.of());
    return plan.change(desired.with(pods), NICS);
  }

  private PlanChange change(String pool, VirtualIp... vips) {
    var self = new NodeFacts("node-a", Map.of(), true);
    var desired = new Desired(List.of(vips), self, List.of(), Map.of(), Map.of());
    return plan.change(desired.with(List.of(pool(pool))), NICS);
  }

  private static VirtualIpPool pool(String spec) {
    return Serialization.unmarshal("metadata: {name: pool}\nspec: " + spec, VirtualIpPool.class);
  }

  @Test
  void whatNoPoolAllowsIsNotRun() {
    var change = change("{addresses: [10.0.0.1]}", vip("a", 1, 1), vip("b", 1, 2));
    assertEquals(Set.of("a"), change.run().keySet());
    assertEquals(
        "[spec.addresses[0].address: 10.0.0.2/24 is outside of VirtualIPPool pool, which allows"
            + " 10.0.0.1]",
        change.refused().get("b").problems().toString());
    change = change("{addresses: [10.0.0.0/24]}", vip("a", 1, 1), vip("b", 1, 2));
    assertEquals(Set.of("b"), change.run().keySet(), "the pool allows it now");
  }

  @Test
  void whatNoPoolAllowsTakesNothingFromOthers() {
    var change = change("{addresses: [10.0.0.0/24], vrids: ['2']}", vip("a", 1, 1), vip("b", 1, 2));
    assertEquals(Set.of("b"), change.run().keySet());
  }

  /** A slip in a pool ends no service. */
  @Test
  void whatRunsGoesOnWhenItsPoolNoLongerAllowsIt() {
    change("{addresses: [10.0.0.0/24]}", vip("a", 1, 1));
    var change = change("{addresses: [10.0.1.0/24]}", vip("a", 1, 1));
    assertEquals(Set.of(), change.leave());
    assertEquals(1, change.run().get("a").refused().problems().size());
    assertEquals(Set.of("a"), plan.running().keySet());
  }

  /** A VirtualIP of other nodes, of which this one is a real server. */
  private static VirtualIp served(String uid, int vrid, int address) {
    return Serialization.unmarshal(
        """
        metadata: {name: far, uid: %s, creationTimestamp: '2026-01-01T00:00:00Z'}
        spec:
          vrid: %d
          interface: eth0
          addresses: [{address: 10.0.0.%d/24}]
          nodes: {selector: {matchLabels: {edge: 'true'}}}
          virtualServers:
            - name: http
              port: 80
              forwarding: DirectRoute
              realServers: {addresses: [{address: 10.0.0.11}]}
        """
            .formatted(uid, vrid, address),
        VirtualIp.class);
  }

  private static String accepted(PlanChange change) {
    return change.realServerSides().stream()
        .flatMap(side -> side.addresses().stream())
        .map(IpPrefix::toString)
        .collect(Collectors.joining(" "));
  }

  /** The master goes on to send it packets, in the version that it accepted last. */
  @Test
  void aRealServerGoesOnWhenAPoolNoLongerAllowsTheVirtualIp() {
    var change = change("{addresses: [10.0.0.0/24]}", served("u", 7, 7));
    assertEquals("10.0.0.7/32", accepted(change));
    assertTrue(change("{addresses: [10.0.1.0/24]}", served("u", 7, 7)).isEmpty());
    assertTrue(change("{addresses: [10.0.1.0/24]}", served("u", 7, 8)).isEmpty());
    change = change("{addresses: [10.0.0.0/24]}", served("u", 7, 8));
    assertEquals("10.0.0.8/32", accepted(change));
  }

  @Test
  void aRealServerGoesOnAfterAnEditThatIsBadOrConflicts() {
    var older = vip("a", 1, 1);
    assertEquals("10.0.0.7/32", accepted(change(older, served("u", 7, 7))));
    assertTrue(change(older, served("u", 256, 8)).isEmpty(), "no VRID");
    assertTrue(change(older, served("u", 7, 1)).isEmpty(), "the address of a");
    assertEquals("10.0.0.8/32", accepted(change(older, served("u", 7, 8))));
  }

  @Test
  void aRealServerForgetsAVirtualIpThatIsDeleted() {
    var small = "{addresses: [10.0.1.0/24]}";
    change("{addresses: [10.0.0.0/24]}", served("u", 7, 7));
    assertEquals("", accepted(change(small)));
    assertTrue(change(small, served("u", 7, 7)).isEmpty(), "it was never accepted since");
    change("{addresses: [10.0.0.0/24]}", served("u", 7, 7));
    assertEquals("", accepted(change(small, served("another", 7, 7))), "made anew");
  }

  @Test
  void aRealServerThatBeginsAnewAcceptsNothingThatNoPoolAllows() {
    assertTrue(change("{addresses: [10.0.1.0/24]}", served("u", 7, 7)).isEmpty());
  }

  @Test
  void anAddressThatIsServedElsewhereIsNoPeerThoughAPoolRefusesItNow() {
    var nodes = List.of(node("node-a", "10.0.0.11"), node("node-b", "10.0.0.7", "10.0.0.12"));
    var before = change(nodes, unicast(), served("u", 7, 7)).run().get("a").config();
    assertEquals(2, before.members().size());
    var self = new NodeFacts("node-a", Map.of(), true);
    var vips = List.of(unicast(), served("u", 7, 7));
    var desired = new Desired(vips, self, nodes, Map.of(), Map.of());
    var change = plan.change(desired.with(List.of(pool("{addresses: [10.0.0.1]}"))), NICS);
    assertTrue(change.isEmpty(), "the members are what they were");
  }

  private static VirtualIp ofPods() {
    var vip = vip("a", 1, 1);
    vip.setSpec(
        Serialization.unmarshal(
            """
            vrid: 1
            interface: eth0
            addresses: [{address: 10.0.0.1/24}]
            virtualServers:
              - name: http
                port: 80
                forwarding: Masquerade
                realServers: {pods: {namespace: shop, selector: {matchLabels: {app: web}}}}
            """,
            VirtualIpSpec.class));
    return vip;
  }

  private static Map<PodSelector, List<PodFacts>> pods(boolean... ready) {
    var pods = new ArrayList<PodFacts>();
    for (int i = 0; i < ready.length; i++) {
      pods.add(
          new PodFacts(
              "p" + i, List.of("10.1.%d.%d".formatted(i / 256, i % 256)), ready[i], false));
    }
    return Map.of(new PodSelector("shop", new LabelSelector(Map.of("app", "web"), null)), pods);
  }

  private static int servers(PlanChange change) {
    return change.run().get("a").config().virtualServers().getFirst().servers().size();
  }

  @Test
  void aChangeOfPodsChangesTheServersAlone() {
    var vip = ofPods();
    var other = vip("b", 1, 2);
    var before = change(pods(true, true), vip, other).run().get("a").config();
    assertTrue(change(pods(true, true), vip, other).isEmpty());
    var change = change(pods(true, false), vip, other);
    assertEquals(Set.of("a"), change.run().keySet());
    assertEquals(1, servers(change));
    var config = change.run().get("a").config();
    assertEquals(before, config.with(1, before.virtualServers(), before.egress()));
    assertTrue(change(pods(true, false), vip, other).isEmpty());
  }

  private static VirtualIp withEgress() {
    var vip = ofPods();
    vip.setSpec(
        Serialization.unmarshal(
            """
            vrid: 1
            interface: eth0
            addresses: [{address: 203.0.113.10/24, interface: eth1}, {address: '2001:db8::10/64', advertised: false}]
            egress:
              pods: [{namespace: shop, selector: {matchLabels: {app: web}}}]
              sources: [10.7.0.0/16]
              except: [10.244.0.0/16, 'fd00:244::/48']
            """,
            VirtualIpSpec.class));
    return vip;
  }

  @Test
  void sourcesAreThePodsThatHaveAnAddressReadyOrNot() {
    var config = change(pods(true, false), withEgress()).run().get("a").config();
    assertEquals(
        List.of(
            new SourceNat(
                "a",
                "eth1",
                InetAddress.ofLiteral("203.0.113.10"),
                List.of(IpPrefix.parse("10.244.0.0/16")),
                List.of(IpPrefix.parse("10.7.0.0/16")),
                Set.of(InetAddress.ofLiteral("10.1.0.0"), InetAddress.ofLiteral("10.1.0.1"))),
            new SourceNat(
                "a",
                "eth0",
                InetAddress.ofLiteral("2001:db8::10"),
                List.of(IpPrefix.parse("fd00:244::/48")),
                List.of(),
                Set.of())),
        config.egress());
    var next = change(pods(true), withEgress()).run().get("a").config();
    assertEquals(1, next.egress().getFirst().pods().size());
    assertEquals(config, next.with(1, next.virtualServers(), config.egress()));
  }

  /** As after a start from the last good configuration, while the API server does not list them. */
  @Test
  void podsThatAreNotKnownNowAreWhatTheyWere() {
    change(pods(true, true), ofPods());
    assertTrue(change(Map.<PodSelector, List<PodFacts>>of(), ofPods()).isEmpty());
    assertEquals(0, servers(change(pods(), ofPods())));
  }

  @Test
  void anObjectWithTheSameSpecIsStillTheNewOne() {
    change(vip("a", 1, 1));
    assertEquals(2, change(vip("a", 2, 1)).run().get("a").config().generation());
    assertEquals(2, plan.running().get("a").getMetadata().getGeneration());
  }

  @Test
  void anEditOfOneChangesThatOneAlone() {
    change(vip("a", 1, 1), vip("b", 1, 2));
    assertEquals(Set.of("b"), change(vip("a", 1, 1), vip("b", 2, 3)).run().keySet());
    assertTrue(change(vip("a", 1, 1), vip("b", 2, 3)).isEmpty());
  }

  @Test
  void aSpecThatStaysBadStaysRefusedUntilItIsMended() {
    change(vip("a", 1, 256));
    assertTrue(change(vip("a", 1, 256)).isEmpty());
    assertEquals(Set.of("a"), plan.refused());
    assertEquals(Set.of("a"), change(vip("a", 2, 1)).run().keySet());
  }
}
