package dev.virtualip.operator;

import static dev.virtualip.crds.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
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

  @Test
  void nothingToSayIsNoPatch() {
    assertEquals(Optional.empty(), StatusPatch.of(vip(2L, "a", READY), READY, Set.of("a", "b")));
  }

  @Test
  void patchHoldsTheOperatorsFieldsAlone() {
    assertEquals(
        Optional.of(
            """
            {"status":{"observedGeneration":2,"conditions":[{"lastTransitionTime":"%s",\
            "status":"True","type":"Ready"}],"master":"a"}}"""
                .formatted(BEFORE)),
        StatusPatch.of(vip(1L, null, null), READY, Set.of("a", "b")));
  }

  @Test
  void masterThatNobodyIsGoes() {
    var vip = Vips.edge("web", 77);
    vip.setStatus(new VirtualIpStatus(2L, "a", Map.of("b", report(Backup, 2)), READY));
    assertEquals(
        Optional.of("{\"status\":{\"master\":null}}"), StatusPatch.of(vip, READY, Set.of("b")));
  }

  @Test
  void reportsOfNodesThatAreGoneGo() {
    assertEquals(
        Optional.of("{\"status\":{\"nodes\":{\"b\":null}}}"),
        StatusPatch.of(vip(2L, "a", READY), READY, Set.of("a")));
  }

  @Test
  void timeMovesWithTheStatusOnly() {
    var other = ready("False", null).toBuilder().withMessage("other").build();
    assertEquals(BEFORE, time(StatusPatch.timed(List.of(ready("True", null)), READY, NOW)));
    assertEquals("2026-02-03T04:05:06Z", time(StatusPatch.timed(List.of(other), READY, NOW)));
    assertEquals("2026-02-03T04:05:06Z", time(StatusPatch.timed(List.of(other), List.of(), NOW)));
  }

  @Test
  void conditionsOfOthersStay() {
    var degraded = ready("True", BEFORE).toBuilder().withType("Degraded").build();
    assertEquals(
        List.of(ready("True", BEFORE), degraded),
        StatusPatch.timed(
            List.of(ready("True", null)), List.of(degraded, ready("True", BEFORE)), NOW));
  }

  private static String time(List<Condition> conditions) {
    return conditions.getFirst().getLastTransitionTime();
  }

  private static VirtualIp vip(Long observed, String master, List<Condition> conditions) {
    var vip = Vips.edge("web", 77);
    vip.setStatus(new VirtualIpStatus(observed, master, NODES, conditions));
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
