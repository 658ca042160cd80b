package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Init;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Unknown;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.operator.watch.ClusterView;
import dev.virtualip.operator.watch.DrainTrigger;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DecisionsTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final List<DrainTrigger> CORDON = DrainTrigger.parse("cordon");
  private static final VirtualIp WEB =
      Vips.reported(
          Vips.edge("web", 77), "a", Map.of("a", report(Master, 2), "b", report(Backup, 2)));

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

  private static Decisions decide(ClusterView view) {
    return Decisions.of(view, CORDON, "1");
  }

  private static StatusDecision status(Decisions decisions) {
    return decisions.statuses().get("web");
  }

  private static ClusterView view(VirtualIp vip, List<Node> nodes) {
    return view(vip, nodes, Map.of(), Map.of());
  }

  private static ClusterView view(
      VirtualIp vip,
      List<Node> nodes,
      Map<String, Map<String, NodeStatus>> lost,
      Map<String, List<Condition>> written) {
    return new ClusterView(
        List.of(vip), Map.of("web", vip), lost, nodes, null, List.of(), written, NOW);
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

  private static Node cordoned(String name) {
    return node(name).edit().editSpec().withUnschedulable(true).endSpec().build();
  }
}
