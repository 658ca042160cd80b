package dev.virtualip.operator.act;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Unknown;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.Drill;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.operator.decide.StatusDecision;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StatusPatchTest {
  private static final Instant NOW = Instant.parse("2026-02-03T04:05:06.789Z");
  private static final String BEFORE = "2026-01-01T00:00:00Z";
  private static final Map<String, NodeStatus> NODES =
      Map.of("a", report(Master, 2), "b", report(Backup, 2));
  private static final List<Condition> READY = List.of(ready("True", BEFORE));
  private static final HandOver ASKED = new HandOver(1, "Upgrade", "t");

  @Test
  void nothingToSayIsNoPatch() {
    var vip = vip(2L, "a", READY, Map.of("b", ASKED));
    assertEquals(Optional.empty(), StatusPatch.of(vip, said(Map.of("b", ASKED))));
  }

  @Test
  void patchHoldsTheOperatorsFieldsAlone() {
    assertEquals(
        Optional.of(
            """
            {"status":{"observedGeneration":2,"conditions":[{"lastTransitionTime":"%s",\
            "status":"True","type":"Ready"}],"master":"a"}}"""
                .formatted(BEFORE)),
        StatusPatch.of(vip(1L, null, null, null), said(Map.of())));
  }

  @Test
  void masterThatNobodyIsGoesAndBackupsAreCounted() {
    var said = new StatusDecision(READY, null, 2, Map.of(), Set.of(), Map.of(), null);
    assertEquals(
        Optional.of("{\"status\":{\"master\":null,\"backups\":2}}"),
        StatusPatch.of(vip(2L, "a", READY, null), said));
  }

  @Test
  void reportsOfNodesThatAreGoneGoAndThoseOfSilentOnesAreMarkedIfNobodyHasWrittenSince() {
    var said =
        new StatusDecision(
            READY, "a", 1, Map.of("a", report(Unknown, 2)), Set.of("b"), Map.of(), null);
    assertEquals(
        Optional.of(
            """
            {"metadata":{"resourceVersion":"7"},"status":{"nodes":{"a":{"state":"Unknown",\
            "priority":100,"acceptedGeneration":2,"since":null,"reason":null,"message":null,\
            "refusedGeneration":null,"refusedReason":null,"transitions":null,"address":null,\
            "heardMaster":null,"speakers":null,"strayAddresses":null,"virtualServers":null,"history":null,"hmac":null,\
            "heartbeats":null},\
            "b":null}}}"""),
        StatusPatch.of(vip(2L, "a", READY, null), said));
  }

  @Test
  void onlyWhatIsAskedAnewOrNoMoreIsWritten() {
    var vip = vip(2L, "a", READY, Map.of("a", ASKED, "b", ASKED, "c", ASKED));
    var now = Map.of("a", ASKED, "b", new HandOver(1, "Upgrade", "t2"));
    assertEquals(
        Optional.of(
            """
            {"status":{"handOvers":{"b":{"priority":1,"reason":"Upgrade","since":"t2"},\
            "c":null}}}"""),
        StatusPatch.of(vip, said(now)));
  }

  @Test
  void aSwitchOverComesAndGoes() {
    var done = new SwitchOver("b", SwitchOver.Result.Done, "b is master");
    var said = new StatusDecision(READY, "a", 1, Map.of(), Set.of(), Map.of(), done);
    assertEquals(
        Optional.of(
            """
            {"status":{"switchOver":{"to":"b","result":"Done","message":"b is master"}}}"""),
        StatusPatch.of(vip(2L, "a", READY, null), said));
    var vip = vip(2L, "a", READY, null);
    vip.setStatus(new VirtualIpStatus(2L, "a", 1, null, NODES, null, done, READY));
    assertEquals(
        Optional.of("{\"status\":{\"switchOver\":null}}"), StatusPatch.of(vip, said(Map.of())));
  }

  @Test
  void aDrillIsLeftToWhoHasMadeIt() {
    var drill =
        new Drill("t", Drill.Kind.Switch, "a", "b", "http://203.0.113.10/", 400L, 0L, 12L, null);
    var vip = vip(2L, "a", READY, null);
    vip.setStatus(new VirtualIpStatus(2L, "a", 1, null, NODES, null, null, drill, READY));
    assertEquals(Optional.empty(), StatusPatch.of(vip, said(Map.of())));
  }

  @Test
  void onlyWordsMayWaitAndOfALaneItsProgress() {
    var words = List.of(READY.getFirst().toBuilder().withMessage("b too").build());
    assertTrue(StatusPatch.mayWait(vip(2L, "a", words, null), said(Map.of())));
    assertFalse(StatusPatch.mayWait(vip(2L, "b", words, null), said(Map.of())));
    assertFalse(StatusPatch.mayWait(vip(2L, "a", words, null), said(Map.of("b", ASKED))));
    var unready = List.of(ready("False", BEFORE));
    assertFalse(StatusPatch.mayWait(vip(1L, "a", READY, null), said(Map.of())));
    assertFalse(StatusPatch.mayWait(vip(2L, "a", unready, null), said(Map.of())));
    var lane = vip(1L, "a", unready, null);
    lane.getMetadata().setLabels(Map.of(PoolServices.LABEL, "lan"));
    assertTrue(StatusPatch.mayWait(lane, said(Map.of())));
    var accepted = READY.getFirst().toBuilder().withType("Accepted").build();
    lane.setStatus(vip(1L, "a", List.of(accepted), null).getStatus());
    assertFalse(StatusPatch.mayWait(lane, said(Map.of())));
  }

  @Test
  void timeMovesWithTheStatusOnly() {
    var other = ready("False", null).toBuilder().withMessage("other").build();
    assertEquals(BEFORE, time(StatusDecision.timed(List.of(ready("True", null)), READY, NOW)));
    assertEquals("2026-02-03T04:05:06Z", time(StatusDecision.timed(List.of(other), READY, NOW)));
    assertEquals(
        "2026-02-03T04:05:06Z", time(StatusDecision.timed(List.of(other), List.of(), NOW)));
  }

  @Test
  void conditionsOfOthersStay() {
    var degraded = ready("True", BEFORE).toBuilder().withType("Degraded").build();
    assertEquals(
        List.of(ready("True", BEFORE), degraded),
        StatusDecision.timed(
            List.of(ready("True", null)), List.of(degraded, ready("True", BEFORE)), NOW));
  }

  private static String time(List<Condition> conditions) {
    return conditions.getFirst().getLastTransitionTime();
  }

  private static StatusDecision said(Map<String, HandOver> handOvers) {
    return new StatusDecision(READY, "a", 1, Map.of(), Set.of(), handOvers, null);
  }

  private static VirtualIp vip(
      Long observed, String master, List<Condition> conditions, Map<String, HandOver> asked) {
    var vip = Vips.edge("web", 77);
    vip.getMetadata().setResourceVersion("7");
    vip.setStatus(new VirtualIpStatus(observed, master, 1, null, NODES, asked, null, conditions));
    return vip;
  }

  private static Condition ready(String status, String time) {
    return new ConditionBuilder()
        .withType("Ready")
        .withStatus(status)
        .withLastTransitionTime(time)
        .build();
  }
}
