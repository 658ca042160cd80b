package dev.virtualip.operator.watch;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Init;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.operator.decide.VirtualIpConditions;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Seconds of the test's own clock. */
class AgentLivenessTest {
  private static final long SECOND = 1_000_000_000L;
  private static final ZonedDateTime START = ZonedDateTime.parse("2026-01-01T00:00:00Z");

  private long now;
  private final AgentLiveness liveness = new AgentLiveness(() -> now);

  private boolean beat(String node, long at) {
    now = at * SECOND;
    return liveness.beat(lease(node, at));
  }

  private static Lease lease(String node, long renewed) {
    return new LeaseBuilder()
        .withNewSpec()
        .withHolderIdentity(node)
        .withLeaseDurationSeconds(15)
        .withRenewTime(START.plusSeconds(renewed))
        .endSpec()
        .build();
  }

  private String state(long at, VirtualIp vip, String node) {
    now = at * SECOND;
    liveness.listen(List.of());
    return described(liveness.believed(vip), node);
  }

  private static String described(VirtualIp vip, String node) {
    return VirtualIpConditions.described(ClusterView.reports(vip).get(node));
  }

  private static VirtualIp vip(Map<String, NodeStatus> reports) {
    return Vips.reported(Vips.edge("web", 77), null, reports);
  }

  @Test
  void aMasterWhoseHeartbeatStopsIsUnknownWhenItsLeaseEnds() {
    var vip = vip(Map.of("a", report(Master, 2), "b", report(Backup, 2)));
    beat("a", 0);
    beat("b", 4);
    assertEquals("Master", state(14, vip, "a"));
    assertEquals(OptionalLong.of(SECOND), liveness.untilNextSilence());
    assertEquals("Unknown (HeartbeatStopped)", state(15, vip, "a"));
    assertEquals("Backup", described(liveness.believed(vip), "b"));
    assertEquals(
        "the agent on a has not been heard of for 15 s", liveness.silent().get("a").message());
    assertTrue(beat("a", 20), "it is back, and that is news");
    assertEquals("Master", state(20, vip, "a"));
    assertFalse(beat("a", 25));
  }

  @Test
  void theSameRenewalSeenAgainIsNone() {
    beat("a", 0);
    now = 14 * SECOND;
    liveness.beat(lease("a", 0));
    assertEquals("Unknown (HeartbeatStopped)", state(15, vip(Map.of("a", report(Master, 2))), "a"));
  }

  @Test
  void anAgentWithoutHeartbeatIsBelieved() {
    assertEquals("Master", state(1_000, vip(Map.of("a", report(Master, 2))), "a"));
    beat("a", 0);
    liveness.forget(lease("a", 0));
    assertEquals("Master", state(1_000, vip(Map.of("a", report(Master, 2))), "a"));
  }

  @Test
  void anAgentThatSaidItEndsIsLeftAtThat() {
    beat("a", 0);
    assertEquals("Init", state(1_000, vip(Map.of("a", report(Init, 2))), "a"));
  }

  @Test
  void anAgentThatIsNotReadyIsUnknownUntilItIsHeardOfAgain() {
    var vip = vip(Map.of("a", report(Master, 2)));
    beat("a", 0);
    now = SECOND;
    var pod = Vips.pod("a", "new", false);
    liveness.listen(List.of(pod));
    assertEquals("Unknown (AgentNotReady)", described(liveness.believed(vip), "a"));
    assertEquals(
        "the agent on a is not ready: it is starting", liveness.silent().get("a").message());
    assertTrue(beat("a", 2));
    liveness.listen(List.of(pod));
    assertEquals("Master", described(liveness.believed(vip), "a"), "the probe is late, it is not");
  }

  @Test
  void anAgentThatIsBeingEndedSpeaksForItselfToTheLast() {
    var vip = vip(Map.of("a", report(Master, 2)));
    beat("a", 0);
    var pod = Vips.pod("a", "old", false);
    pod.getMetadata().setDeletionTimestamp("2026-01-01T00:00:00Z");
    liveness.listen(List.of(pod));
    assertEquals("Master", described(liveness.believed(vip), "a"), "it says so when it ends");
  }

  @Test
  void ofTwoMastersTheOneThatWasNotHeardOfSinceIsProbablyGone() {
    beat("a", 0);
    beat("b", 0);
    var before = vip(Map.of("a", report(Master, 2), "b", report(Backup, 2)));
    assertEquals("Master", state(1, before, "a"));
    var after = vip(Map.of("a", report(Master, 2), "b", report(Master, 2)));
    assertEquals("Unknown (Superseded)", state(4, after, "a"));
    assertEquals("Master", described(liveness.believed(after), "b"));
    beat("a", 5);
    assertEquals("Master", state(5, after, "a"), "it lives, so there are two");
    assertEquals("Master", described(liveness.believed(after), "b"));
  }
}
