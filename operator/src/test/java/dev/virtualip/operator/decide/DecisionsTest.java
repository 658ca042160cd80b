package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Init;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Unknown;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolStatus;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.Speaker;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.operator.watch.ClusterView;
import dev.virtualip.operator.watch.DrainTrigger;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DecisionsTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final List<DrainTrigger> CORDON = DrainTrigger.parse("cordon");
  private static final InetAddress API_SERVER = IpPrefix.parseAddress("203.0.113.1");
  private static final VirtualIp WEB =
      Vips.reported(
          Vips.edge("web", 77), "a", Map.of("a", report(Master, 2), "b", report(Backup, 2)));

  private List<VirtualIpPool> pools = List.of();

  @Test
  void aDrainedMasterIsAskedToHandOverAtTheTimeOfTheView() {
    var decisions = decide(view(WEB, List.of(cordoned("a"), node("b"))));
    var asked = new HandOver(1, "Drain(cordoned)", "2026-01-02T03:04:05Z");
    assertEquals(Map.of("a", asked), status(decisions).handOvers());
    assertTrue(decisions.unsettled());
  }

  @Test
  void whereAllIsWellNothingIsAsked() {
    var decisions = decide(view(WEB, List.of(node("a"), node("b"))));
    assertEquals(Map.of(), status(decisions).handOvers());
    assertEquals("a", status(decisions).master());
    assertEquals(Set.of("a", "b"), decisions.placement());
    assertFalse(decisions.unsettled());
  }

  /** With the API server's address. Its agents are not the operator's, who but tells of them. */
  @Test
  void aMirroredVirtualIpIsToldOfAndNothingIsAskedOrPlaced() {
    var vip = Vips.edge("web", 1);
    vip.getMetadata().setAnnotations(Map.of(VirtualIp.MIRRORED_FROM, "a"));
    vip = Vips.reported(vip, "a", Map.of("a", report(Master, 2), "b", report(Backup, 2)));
    var decisions = decide(view(vip, List.of(cordoned("a"), node("b"))));
    assertEquals(Set.of(), decisions.placement());
    assertEquals(Map.of(), status(decisions).handOvers());
    assertEquals(Set.of(), status(decisions).gone());
    var conditions = status(decisions).conditions();
    assertEquals(
        "True Accepted: mirrored: it runs from files on a, b", text(conditions, "Accepted"));
    assertEquals("True Serving: a is master", text(conditions, "Ready"));
    assertEquals("False AllNodesServe: 2 of 2 nodes can serve", text(conditions, "Degraded"));
    assertEquals("False NoStrays", text(conditions, "StrayAddresses").split(":")[0]);
  }

  @Test
  void whoLacksAVridGetsOneAndIsPlacedAsIfItHadIt() {
    var vip = Vips.edge("web", 77);
    var without = Serialization.asJson(vip.getSpec()).replaceFirst("\"vrid\" ?: ?77,", "");
    vip.setSpec(Serialization.unmarshal(without, VirtualIpSpec.class));
    assertNull(vip.getSpec().vrid());
    var decisions = decide(view(vip, List.of(node("a"), node("b"))));
    assertEquals(Set.of("web"), decisions.vrids().keySet());
    assertEquals(Set.of("a", "b"), decisions.placement());
    assertEquals("True Accepted", text(status(decisions).conditions(), "Accepted").split(":")[0]);
  }

  private VirtualIp heardFrom(String foreign, Long transitions, String masterSince) {
    var vip = Vips.edge("web", 77);
    vip.getMetadata().setAnnotations(Map.of(VirtualIp.VRID_ALLOCATED, "77"));
    var report =
        new NodeStatus(
            Master,
            100,
            masterSince,
            null,
            null,
            2L,
            null,
            null,
            null,
            null,
            null,
            List.of(new Speaker(foreign, "OtherAddresses")),
            null,
            null,
            null,
            null);
    vip.setStatus(
        new VirtualIpStatus(null, "a", null, transitions, Map.of("a", report), null, null, null));
    return vip;
  }

  @Test
  void aForeignRouterMovesAnAllocatedVridOnlyAtTheBeginning() {
    var nodes = List.of(node("a"), having("192.0.2.2"));
    var soon = NOW.minusSeconds(20).toString();
    var late = NOW.minusSeconds(90).toString();
    var moved = decide(view(heardFrom("192.0.2.9", 1L, soon), nodes));
    assertEquals(
        Map.of("web", "192.0.2.9 (OtherAddresses) uses the same VRID, heard by a"),
        moved.movedVrids());
    assertEquals(Set.of("web"), moved.vrids().keySet());
    var never = decide(view(heardFrom("192.0.2.9", null, late), nodes));
    assertEquals(Set.of("web"), never.movedVrids().keySet(), "it has never served");
    assertEquals(Map.of(), decide(view(heardFrom("192.0.2.9", 1L, late), nodes)).vrids());
    assertEquals(Map.of(), decide(view(heardFrom("192.0.2.9", 2L, soon), nodes)).vrids());
    assertEquals(Map.of(), decide(view(heardFrom("192.0.2.2", 1L, soon), nodes)).vrids(), "a node");
  }

  @Test
  void theSameViewLeadsToTheSameDecisions() {
    var view = view(WEB, List.of(cordoned("a"), node("b")));
    assertEquals(decide(view), decide(view));
  }

  @Test
  void aSilentNodeIsWrittenAsUnknown() {
    var lost = Map.of("b", report(Unknown, 2, "HeartbeatStopped", "no heartbeat"));
    var decisions = decide(view(WEB, List.of(node("a"), node("b")), Map.of("web", lost), Map.of()));
    assertEquals(lost, status(decisions).unknown());
  }

  @Test
  void theReportOfANodeThatIsGoneIsRemoved() {
    assertEquals(Set.of("b"), status(decide(view(WEB, List.of(node("a"))))).gone());
  }

  @Test
  void anEndedReportIsRemovedOnceItsNodeIsNotSelectedAndHasNoAgent() {
    var vip =
        Vips.reported(
            Vips.edge("web", 77), "a", Map.of("a", report(Master, 2), "b", report(Init, 2)));
    var unselected = node("b").edit().editMetadata().removeFromLabels("edge").endMetadata().build();
    assertEquals(Set.of("b"), status(decide(view(vip, List.of(node("a"), unselected)))).gone());
    assertEquals(Set.of(), status(decide(view(vip, List.of(node("a"), node("b"))))).gone());
  }

  @Test
  void theTimeOfAConditionIsTheOneWrittenLastThoughTheCacheLagsBehind() {
    var first = status(decide(view(WEB, List.of(node("a"), node("b"))))).conditions();
    var earlier =
        first.stream()
            .map(c -> new ConditionBuilder(c).withLastTransitionTime("2026-01-01T00:00:00Z"))
            .map(ConditionBuilder::build)
            .toList();
    var written = Map.of(WEB.getMetadata().getUid(), earlier);
    var again = decide(view(WEB, List.of(node("a"), node("b")), Map.of(), written));
    assertEquals(earlier, status(again).conditions());
  }

  @Test
  void aNewVirtualIpThatWantsANodesOwnAddressIsRefused() {
    var conditions =
        status(decide(view(WEB, List.of(node("a"), having("203.0.113.77"))))).conditions();
    assertEquals(
        "False Invalid: spec.addresses[0].address: 203.0.113.77 is the InternalIP of Node b: use an"
            + " address that no host has",
        text(conditions, "Accepted"));
    assertEquals("True OwnedByCluster", text(conditions, "StrayAddresses").split(":")[0]);
  }

  @Test
  void aNewVirtualIpThatWantsTheAddressOfTheApiServerIsRefused() {
    var vip = Vips.reported(Vips.edge("web", 1), null, Map.of());
    assertEquals(
        "False Invalid: spec.addresses[0].address: 203.0.113.1 is the address by which pods reach"
            + " the API server: use an address that no host has",
        text(status(decide(view(vip, List.of(node("a"))))).conditions(), "Accepted"));
  }

  /** A kubelet that starts on the master may take the virtual address for its node's. */
  @Test
  void whatWasAcceptedStaysSoThoughANodeComesToReportItsAddress() {
    var nodes = List.of(node("a"), having("203.0.113.77"));
    var accepted = status(decide(view(WEB, List.of(node("a"), node("b"))))).conditions();
    var written = Map.of(WEB.getMetadata().getUid(), accepted);
    var conditions = status(decide(view(WEB, nodes, Map.of(), written))).conditions();
    assertEquals("True Accepted", text(conditions, "Accepted").split(":")[0]);
    assertEquals("True Serving", text(conditions, "Ready").split(":")[0]);
    assertEquals("True OwnedByCluster", text(conditions, "StrayAddresses").split(":")[0]);
  }

  private static VirtualIpPool pool(String addresses) {
    return Serialization.unmarshal(
        """
        metadata: {name: team-a, uid: p, generation: 3}
        spec: {addresses: [%s]}
        """
            .formatted(addresses),
        VirtualIpPool.class);
  }

  @Test
  void aVirtualIpOutsideAllPoolsIsNotAccepted() {
    pools = List.of(pool("192.0.2.0/24"));
    var decisions = decide(view(WEB, List.of(node("a"), node("b"))));
    assertEquals(
        "False OutsidePools: spec.addresses[0].address: 203.0.113.77/24 is outside of VirtualIPPool"
            + " team-a, which allows 192.0.2.0-192.0.2.255",
        text(status(decisions).conditions(), "Accepted"));
    var status = decisions.pools().get("team-a");
    assertEquals(0, status.used());
    assertEquals(256, status.free());
    assertEquals(List.of(), status.virtualIPs());
  }

  @Test
  void thePoolTellsWhatIsUsedAndByWhom() {
    pools = List.of(pool("203.0.113.0/25, 203.0.113.64/26, '2001:db8::/64'"));
    var decisions = decide(view(WEB, List.of(node("a"), node("b"))));
    assertEquals("True", text(status(decisions).conditions(), "Accepted").split(" ")[0]);
    var status = decisions.pools().get("team-a");
    assertEquals(1, status.used());
    assertEquals(VirtualIpPoolStatus.FREE_MAX, status.free());
    assertEquals(List.of("web"), status.virtualIPs());
    assertEquals(3, status.observedGeneration());
    assertEquals("True Accepted: VirtualIPs may use it", text(status.conditions(), "Accepted"));
  }

  @Test
  void addressesInTwoRangesOfAPoolCountOnce() {
    pools = List.of(pool("203.0.113.0/25, 203.0.113.64/26, 203.0.113.120-203.0.113.129"));
    var status = decide(view(WEB, List.of(node("a")))).pools().get("team-a");
    assertEquals(129, status.free());
  }

  @Test
  void aPoolThatCannotBeReadSaysWhy() {
    pools = List.of(pool("203.0.113.1/24"));
    var status = decide(view(WEB, List.of(node("a")))).pools().get("team-a");
    assertTrue(
        text(status.conditions(), "Accepted").startsWith("False Invalid: spec.addresses[0]: "));
  }

  private static String text(List<Condition> conditions, String type) {
    return conditions.stream()
        .filter(c -> c.getType().equals(type))
        .map(c -> c.getStatus() + " " + c.getReason() + ": " + c.getMessage())
        .findFirst()
        .orElseThrow();
  }

  private static Decisions decide(ClusterView view) {
    return Decisions.of(view, CORDON, "1", API_SERVER, false, Set.of());
  }

  private static StatusDecision status(Decisions decisions) {
    return decisions.statuses().get("web");
  }

  private ClusterView view(VirtualIp vip, List<Node> nodes) {
    return view(vip, nodes, Map.of(), Map.of());
  }

  private ClusterView view(
      VirtualIp vip,
      List<Node> nodes,
      Map<String, Map<String, NodeStatus>> lost,
      Map<String, List<Condition>> written) {
    return new ClusterView(
        List.of(vip),
        Map.of("web", vip),
        lost,
        nodes,
        pools,
        List.of(),
        Map.of(),
        null,
        List.of(),
        written,
        NOW);
  }

  private static Node node(String name) {
    return new NodeBuilder()
        .withNewMetadata()
        .withName(name)
        .addToLabels("edge", "true")
        .endMetadata()
        .withNewSpec()
        .endSpec()
        .build();
  }

  /** Node b, with this InternalIP. */
  private static Node having(String internalIp) {
    return node("b")
        .edit()
        .withNewStatus()
        .addNewAddress(internalIp, "InternalIP")
        .endStatus()
        .build();
  }

  private static Node cordoned(String name) {
    return node(name).edit().editSpec().withUnschedulable(true).endSpec().build();
  }
}
