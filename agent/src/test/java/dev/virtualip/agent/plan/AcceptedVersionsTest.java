package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.FakeNode;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a node runs when objects are good, bad, in each other's way, or not for it. */
class AcceptedVersionsTest {
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of("edge", "true"), true);
  private static final Nics NICS = new FakeNode().node.network().nics();

  private static VirtualIp vip(String name, int vrid, String more) {
    return of(
        name,
        "vrid: %d, interface: eth0, addresses: [{address: 10.0.0.%d/24}]%s"
            .formatted(vrid, vrid % 250, more));
  }

  private static VirtualIp of(String name, String spec) {
    return Serialization.unmarshal(
        """
        metadata: {name: %s, creationTimestamp: '2026-01-01T00:00:00Z'}
        spec: {%s}
        """
            .formatted(name, spec),
        VirtualIp.class);
  }

  private static AcceptedVersions decide(Map<String, VirtualIp> running, VirtualIp... all) {
    return decide(
        new Desired(Arrays.asList(all), SELF, List.of(), Map.of(), Map.of()), checked(running));
  }

  private static AcceptedVersions decide(Desired desired, Map<String, Result> running) {
    var checked = desired.virtualIps().stream().map(CheckedSpec::check).toList();
    return AcceptedVersions.decide(desired, checked, running, NICS);
  }

  private static Map<String, Result> checked(Map<String, VirtualIp> vips) {
    var checked = new TreeMap<String, Result>();
    vips.forEach((name, vip) -> checked.put(name, CheckedSpec.check(vip)));
    return checked;
  }

  private static String problem(AcceptedVersions versions, String name) {
    return versions.refused().get(name).toString();
  }

  @Test
  void goodOnesRunAndOthersAreNotForThisNode() {
    var far = vip("far", 2, ", nodes: {selector: {matchLabels: {edge: 'no'}}}");
    var versions = decide(Map.of(), vip("web", 1, ""), far);
    assertEquals(Set.of("web"), versions.run().keySet());
    assertEquals(Map.of(), versions.refused());
  }

  @Test
  void whatRunsGoesOnUnderATaintAndKeepsItsVrid() {
    var running = vip("web", 1, "");
    var report = new NodeStatus(null, null, null, null, null, null, null, null);
    running.setStatus(new VirtualIpStatus(null, null, Map.of("node-a", report), null));
    var rival =
        of(
            "late",
            "vrid: 1, interface: 'et*', addresses: [{address: 10.0.9.1/24}]"
                + ", nodes: {selector: {matchLabels: {edge: 'true'}}}");
    var tainted = new NodeFacts("node-a", Map.of("edge", "true"), false);
    var desired = new Desired(List.of(rival, running), tainted, List.of(), Map.of(), Map.of());
    var acceptance = decide(desired, checked(Map.of("web", running)));
    assertEquals(Set.of("web"), acceptance.run().keySet());
    assertTrue(problem(acceptance, "late").contains("taken by VirtualIP web"));
  }

  @Test
  void aBadOneDoesNotRunAndDisturbsNobody() {
    var versions = decide(Map.of(), vip("bad", 256, ""), vip("web", 1, ""));
    assertEquals(Set.of("web"), versions.run().keySet());
    assertTrue(problem(versions, "bad").contains("spec.vrid: 256"));
  }

  @Test
  void aBadEditLeavesWhatRuns() {
    var before = vip("web", 1, "");
    var versions = decide(Map.of("web", before), vip("web", 256, ""));
    assertEquals(before, versions.run().get("web").vip());
    assertTrue(versions.refused().containsKey("web"));
  }

  @Test
  void theOlderOfTwoWins() {
    var versions = decide(Map.of(), vip("b", 1, ""), vip("a", 1, ""));
    assertEquals(Set.of("a"), versions.run().keySet());
    assertTrue(problem(versions, "b").contains("1 on eth0 is taken by VirtualIP a"));
  }

  @Test
  void aYoungerOneTakesNothingFromWhatRunsWhateverItIsCalled() {
    var running = vip("web", 1, "");
    var newcomer = vip("a", 1, "");
    newcomer.getMetadata().setCreationTimestamp("2026-01-02T00:00:00Z");
    var acceptance = decide(Map.of("web", running), newcomer, running);
    assertEquals(checked(Map.of("web", running)), acceptance.run());
    assertEquals(Set.of("a"), acceptance.refused().keySet());
    assertTrue(problem(acceptance, "a").contains("1 on eth0 is taken by VirtualIP web"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"'et?0'", "10.0.0.0/24"})
  void oneNicIsOneNicByWhateverNameItIsCalled(String selector) {
    var a = vip("a", 1, "");
    var b = "vrid: 1, addresses: [{address: 10.0.0.2/24}], interface: " + selector;
    var versions = decide(Map.of(), of("b", b), a);
    assertEquals(Set.of("a"), versions.run().keySet());
    assertTrue(problem(versions, "b").contains("1 on eth0 is taken by VirtualIP a"));
    var elsewhere =
        ", nodes: {selector: {matchExpressions: [{key: edge, operator: DoesNotExist}]}}";
    assertEquals(Map.of(), decide(Map.of(), of("b", b + elsewhere), a).refused());
  }

  @Test
  void aVridMayBeUsedOnEachNic() {
    var b = of("b", "vrid: 1, addresses: [{address: 10.0.0.2/24}], interface: 'et?1'");
    assertEquals(Set.of("a", "b"), decide(Map.of(), b, vip("a", 1, "")).run().keySet());
  }

  @Test
  void whatABadlyEditedOneHoldsStaysTaken() {
    var before = vip("web", 1, "");
    var versions = decide(Map.of("web", before), vip("web", 256, ""), vip("thief", 1, ""));
    assertEquals(Set.of("web"), versions.run().keySet());
    assertTrue(problem(versions, "thief").contains("taken by VirtualIP web"));
  }

  @Test
  void anEditThatWantsWhatAnotherHoldsLeavesBothAsTheyAre() {
    var older = vip("a", 1, "");
    var younger = vip("b", 2, "");
    var versions = decide(Map.of("a", older, "b", younger), vip("a", 2, ""), younger);
    assertEquals(checked(Map.of("a", older, "b", younger)), versions.run());
    assertTrue(problem(versions, "a").contains("2 on eth0 is taken by VirtualIP b"));
    assertTrue(problem(versions, "b").contains("2 on eth0 is taken by VirtualIP a"));
  }

  @Test
  void oneThatFallsBackTakesFromOneThatWantedItsPlace() {
    var running = Map.of("a", vip("a", 1, ""), "b", vip("b", 2, ""), "c", vip("c", 3, ""));
    // a wants what b has, which stays: so b's new version is refused, and c's with it.
    var versions = decide(running, vip("a", 2, ""), vip("b", 300, ""), vip("c", 1, ""));
    assertEquals(checked(running), versions.run());
  }

  @Test
  void membersOfASyncGroupChangeTogether() {
    var group = ", syncGroup: g, priority: %d";
    var a = vip("a", 1, group.formatted(100));
    var b = vip("b", 2, group.formatted(100));
    var running = Map.of("a", a, "b", b);
    var nextA = vip("a", 1, group.formatted(90));
    assertEquals(checked(running), decide(running, nextA, b).run(), "half of an edit");
    var nextB = vip("b", 2, group.formatted(90));
    assertEquals(checked(Map.of("a", nextA, "b", nextB)), decide(running, nextA, nextB).run());
  }

  @Test
  void whatRunsOnIsAskedWhatTheNodeIsAskedNow() {
    var edit = vip("web", 256, "");
    var asked = Map.of("node-a", new HandOver(1, "Upgrade", "t"));
    edit.setStatus(new VirtualIpStatus(null, null, null, null, null, asked, null, null));
    var run = decide(Map.of("web", vip("web", 1, "")), edit).run().get("web").vip();
    assertEquals(1, run.getSpec().vrid());
    assertEquals(asked, run.getStatus().handOvers());
  }

  @Test
  void anEditToANicThatIsNotThereLeavesWhatRuns() {
    var before = vip("web", 1, "");
    var edit = vip("web", 1, ", routes: [{to: default, via: 10.0.0.254, interface: eth9}]");
    var versions = decide(Map.of("web", before), edit);
    assertEquals(before, versions.run().get("web").vip());
    assertEquals(
        "[spec.routes[0].interface: there is no NIC eth9 on node-a (it has eth0, eth1): correct"
            + " the name]",
        problem(versions, "web"));
    assertEquals(
        edit, decide(Map.of(), edit).run().get("web").vip(), "a first version waits for it");
  }

  @Test
  void aNicThatGoesAwayIsNoReasonToRefuseAnEdit() {
    var route = ", routes: [{to: default, via: 10.0.0.254, interface: eth9}]";
    var edit = vip("web", 1, ", priority: 7" + route);
    assertEquals(edit, decide(Map.of("web", vip("web", 1, route)), edit).run().get("web").vip());
  }

  @Test
  void whatTheSourceRefusesIsShown() {
    var problem = new Problem("spec.vridd", "unknown field");
    var desired =
        new Desired(
            List.of(vip("web", 1, "")), SELF, List.of(), Map.of(), Map.of("web", List.of(problem)));
    var versions = decide(desired, Map.of());
    assertEquals(Set.of("web"), versions.run().keySet());
    assertEquals(List.of(problem), versions.refused().get("web"));
  }
}
