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
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
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
    return lease("agent-" + node, node, renewed);
  }

  private static Lease lease(String name, String node, long renewed) {
    return new LeaseBuilder()
        .withNewMetadata()
        .withName(name)
        .endMetadata()
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
    return believed(vip, node);
  }

  private String believed(VirtualIp vip, String node) {
    return described(ClusterView.reports(liveness.believed(vip).vip()).get(node));
  }

  private static String described(NodeStatus report) {
    return VirtualIpConditions.described(report);
  }

  /** What is written in place of agents' reports. */
  private String written(long at, VirtualIp vip) {
    now = at * SECOND;
    liveness.listen(List.of());
    return liveness.believed(vip).lost().entrySet().stream()
        .map(lost -> lost.getKey() + " " + described(lost.getValue()))
        .collect(Collectors.joining(", "));
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
    assertEquals("Backup", believed(vip, "b"));
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
  void theLeaseOfOneAgentIsNoSignOfLifeOfAnother() {
    beat("a", 0);
    now = 14 * SECOND;
    liveness.beat(lease("agent-b", "a", 14));
    var vip = vip(Map.of("a", report(Master, 2)));
    assertEquals("Unknown (HeartbeatStopped)", state(15, vip, "a"));
    liveness.forget(lease("agent-b", "a", 14));
    assertEquals("Unknown (HeartbeatStopped)", state(15, vip, "a"));
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
    assertEquals("Unknown (AgentNotReady)", believed(vip, "a"));
    assertEquals("it has not been started", whyNotReady());
    pod.getStatus().setContainerStatuses(List.of(ended(1, 137)));
    liveness.listen(List.of(pod));
    assertEquals("it ended with exit code 137", whyNotReady());
    pod.getStatus().setContainerStatuses(List.of(running(3, 137, false)));
    liveness.listen(List.of(pod));
    assertEquals(
        "it has run since 2026-01-01T00:00:03Z, after one that ended with exit code 137",
        whyNotReady());
    assertTrue(beat("a", 4));
    liveness.listen(List.of(pod));
    assertEquals("Master", believed(vip, "a"), "the probe is late, it is not");
  }

  private String whyNotReady() {
    return liveness.silent().get("a").message().replace("the agent on a is not ready: ", "");
  }

  @Test
  void anAgentWhoseKubeletIsDeadIsBelieved() {
    var vip = vip(Map.of("a", report(Master, 2)));
    beat("a", 0);
    now = 2 * SECOND;
    // What the node controller does: the pod is not ready, and the container is as it was.
    var pod = Vips.pod("a", "old", false);
    pod.getStatus().setContainerStatuses(List.of(running(3, 137, true)));
    liveness.listen(List.of(pod));
    assertEquals("Master", believed(vip, "a"));
    assertEquals(
        "its container is, and the pod is not: does the node's kubelet run?",
        AgentPods.trouble(pod));
  }

  private static ContainerStatus ended(long at, int exitCode) {
    return new ContainerStatusBuilder()
        .withNewState()
        .withNewTerminated()
        .withExitCode(exitCode)
        .withFinishedAt(START.plusSeconds(at).toInstant().toString())
        .endTerminated()
        .endState()
        .build();
  }

  /** One that runs since a time, after one that had ended. */
  private static ContainerStatus running(long since, int exitCode, boolean ready) {
    return new ContainerStatusBuilder()
        .withReady(ready)
        .withLastState(ended(since - 2, exitCode).getState())
        .withNewState()
        .withNewRunning(START.plusSeconds(since).toInstant().toString())
        .endState()
        .build();
  }

  @Test
  void anAgentThatIsBeingEndedSpeaksForItselfToTheLast() {
    var vip = vip(Map.of("a", report(Master, 2)));
    beat("a", 0);
    var pod = Vips.pod("a", "old", false);
    pod.getMetadata().setDeletionTimestamp("2026-01-01T00:00:00Z");
    liveness.listen(List.of(pod));
    assertEquals("Master", believed(vip, "a"), "it says so when it ends");
  }

  @Test
  void ofTwoMastersTheOneThatWasNotHeardOfSinceIsProbablyGone() {
    beat("a", 0);
    beat("b", 0);
    var before = vip(Map.of("a", report(Master, 2), "b", report(Backup, 2)));
    assertEquals("Master", state(1, before, "a"));
    var after = vip(Map.of("a", report(Master, 2), "b", report(Master, 2)));
    assertEquals("Unknown (Superseded)", state(4, after, "a"));
    assertEquals("Master", believed(after, "b"));
    beat("a", 5);
    assertEquals("Master", state(5, after, "a"), "it lives, so there are two");
    assertEquals("Master", believed(after, "b"));
  }

  @Test
  void whatAMasterThatIsGoneSaidLastIsCorrectedWithTheMove() {
    beat("a", 0);
    beat("b", 0);
    written(1, vip(Map.of("a", report(Master, 2), "b", report(Backup, 2))));
    var moved = vip(Map.of("a", report(Master, 2), "b", report(Master, 2)));
    assertEquals("", written(4, moved), "who is alive says so itself, and soon");
    assertEquals(OptionalLong.of(SECOND), liveness.untilNextSilence());
    assertEquals("a Unknown (Superseded)", written(5, moved));
    var unknown = liveness.believed(moved).lost().get("a");
    var corrected = vip(Map.of("a", unknown, "b", report(Master, 2)));
    assertEquals("", written(6, corrected), "once");
  }

  @Test
  void ofTwoMastersBothAreBelievedOnceBothAreHeardOf() {
    beat("a", 0);
    beat("b", 0);
    written(1, vip(Map.of("a", report(Master, 2), "b", report(Backup, 2))));
    var two = vip(Map.of("a", report(Master, 2), "b", report(Master, 2)));
    assertEquals("", written(4, two));
    assertEquals("a Unknown (Superseded)", written(5, two));
    var unknown = liveness.believed(two).lost().get("a");
    written(6, vip(Map.of("a", unknown, "b", report(Master, 2))));
    beat("a", 7);
    assertEquals("", written(7, two), "it contradicts, and neither takes the other's place");
    assertEquals("Master", believed(two, "a"));
    assertEquals("Master", believed(two, "b"));
  }

  @Test
  void anOperatorThatSeesTwoMastersFirstBelievesTheOneThatBecameItLast() {
    beat("a", 0);
    beat("b", 0);
    var first = since("2026-01-01T00:00:01Z");
    var last = since("2026-01-01T00:00:02Z");
    assertEquals("Unknown (Superseded)", state(1, vip(Map.of("a", first, "b", last)), "a"));
    assertEquals("Unknown (Superseded)", state(1, vip(Map.of("b", first, "c", last)), "b"));
  }

  private static NodeStatus since(String time) {
    return new NodeStatus(Master, 100, time, "MasterDown", null, 2L, null, null);
  }
}
