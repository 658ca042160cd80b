package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.virtualip.crds.schema.VirtualIpStatus.Drill.Kind;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class DrillPlanTest {
  private static DrillPlan plan(String patch, Kind kind, String to) {
    return DrillPlan.of(Web.vip(patch), kind, to, Duration.ZERO);
  }

  private static String refusal(String patch, Kind kind, String to) {
    return assertThrows(IllegalStateException.class, () -> plan(patch, kind, to)).getMessage();
  }

  @Test
  void theBestBackupTakesOverAndTheBetterNodeComesBack() {
    assertEquals(new DrillPlan("node-a", "node-b", true), plan("{}", Kind.Switch, null));
    assertEquals(
        new DrillPlan("node-a", "node-b", false),
        plan("{spec: {preempt: {enabled: false}}}", Kind.Switch, "node-b"));
  }

  @Test
  void whoCannotServeIsNoSuccessor() {
    var failed =
        "{status: {nodes: {node-b: {state: Fault, reason: CheckFailed(nginx), message: refused}}}}";
    assertEquals(
        "no drill: no backup can serve; node-b: Fault (CheckFailed(nginx)): refused",
        refusal(failed, Kind.StopAgent, null));
    assertEquals(
        "no drill: node-x can't serve: it does not run this VirtualIP",
        refusal("{}", Kind.Switch, "node-x"));
  }

  @Test
  void whenAnAgentStopsVrrpDecides() {
    var third = "{status: {nodes: {node-c: {state: Backup, priority: 10}}}}";
    assertEquals("node-c", plan(third, Kind.Switch, "node-c").to());
    assertEquals(
        "no drill: when the agent stops, node-b takes over, as the backup of the highest priority:"
            + " leave out --to, or use --kind switch",
        refusal(third, Kind.StopAgent, "node-c"));
  }

  @Test
  void noDrillWithoutExactlyOneMasterOrDuringASwitchOver() {
    assertEquals(
        "no drill: no node is master; see kubectl vip why web",
        refusal("{status: {nodes: {node-a: {state: Init}}}}", Kind.Switch, null));
    assertEquals(
        "no drill: a switch-over to node-b is in force; end it by kubectl vip release web",
        refusal("{metadata: {annotations: {virtualip.dev/switch-to: node-b}}}", Kind.Switch, null));
  }
}
