package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Init;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.pod;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.watch.AgentPods;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AgentRolloutTest {
  private static final Set<String> NODES = Set.of("a", "b", "c");
  private static final Instant NOW = Instant.parse("2026-01-01T00:01:00Z");
  private static final HandOver ASKED = new HandOver(1, "Upgrade", "2026-01-01T00:00:59Z");

  private final Map<String, NodeStatus> reports = new HashMap<>();
  private final Map<String, HandOver> asked = new HashMap<>();
  private final Set<String> drained = new HashSet<>();

  @BeforeEach
  void aIsMaster() {
    node("a", Master);
    node("b", Backup);
    node("c", Backup);
  }

  private void node(String name, State state) {
    reports.put(name, report(state, 2));
  }

  /** Whose turn it is and what is done, in few words. */
  private String turn(Pod... pods) {
    var web = Vips.asked(Vips.reported(Vips.edge("web", 77), "a", reports), asked);
    return turn(List.of(web), pods);
  }

  private String turn(List<VirtualIp> vips, Pod... pods) {
    var facts = NODES.stream().map(n -> new NodeFacts(n, Map.of("edge", "true"), true)).toList();
    var turn = AgentRollout.turn("new", Arrays.asList(pods), NODES, vips, facts, drained, NOW);
    var words = new ArrayList<String>();
    if (turn.node() != null) {
      words.add(turn.node() + (turn.begins() ? " begins" : ""));
    }
    if (turn.replace() != null) {
      words.add("replace " + turn.replace().getSpec().getNodeName());
    }
    if (turn.waitsFor() != null) {
      words.add(turn.waitsFor());
    }
    return String.join("; ", words);
  }

  private static Pod[] pods(String a, String b, String c) {
    return new Pod[] {pod("a", a, true), pod("b", b, true), pod("c", c, true)};
  }

  @Test
  void nothingHappensWhenAllAreUpToDate() {
    assertEquals("", turn(pods("new", "new", "new")));
  }

  @Test
  void backupsGoFirstAndAreAskedNotToTakeOver() {
    assertEquals("b begins; b is asked to hand over", turn(pods("old", "old", "old")));
    asked.put("b", ASKED);
    assertEquals("b begins; replace b", turn(pods("old", "old", "old")));
  }

  @Test
  void theNextOneWaitsUntilTheLastOneServesAgain() {
    asked.put("b", ASKED);
    node("b", Init);
    assertEquals(
        "b; the agent on b is being replaced", turn(pod("a", "old", true), pod("c", "old", true)));
    assertEquals(
        "b; the new agent on b is not ready: it has not been started",
        turn(pod("a", "old", true), pod("b", "new", false), pod("c", "old", true)));
    assertEquals(
        "b; the new agent on b can't serve VirtualIP web: Init", turn(pods("old", "new", "old")));
    node("b", Backup);
    assertEquals("", turn(pods("old", "new", "old")), "what it was asked is taken back first");
    asked.clear();
    assertEquals("c begins; c is asked to hand over", turn(pods("old", "new", "old")));
  }

  /** Its successor would be one that is preempted a moment later. */
  @Test
  void nobodyHandsOverBeforeTheLastOneTakesPartAsBefore() {
    reports.put("b", limited(1));
    assertEquals(
        "b does not take part in VirtualIP web with its own priority yet",
        turn(pods("old", "new", "new")));
    reports.put("b", limited(100));
    assertEquals("a begins; a is asked to hand over", turn(pods("old", "new", "new")));
    reports.put("b", limited(1));
    asked.put("b", new HandOver(1, "Drain(cordoned)", "t"));
    assertEquals("a begins; a is asked to hand over", turn(pods("old", "new", "new")), "drained");
  }

  @Test
  void aPriorityThatChecksLowerIsNotWaitedFor() {
    var weighed =
        Vips.vip(
            "web",
            77,
            "{selector: {matchLabels: {edge: 'true'}}}\n"
                + "  healthChecks: [{name: disk, tcp: {port: 1}, weight: -99}]");
    reports.put("b", limited(1));
    Vips.reported(weighed, "a", reports);
    assertEquals(
        "a begins; a is asked to hand over", turn(List.of(weighed), pods("old", "new", "new")));
  }

  private static NodeStatus limited(int priority) {
    return new NodeStatus(Backup, priority, null, null, null, 2L, null, null);
  }

  @Test
  void theMasterGoesLastAndNotBeforeItsSuccessorIsMaster() {
    assertEquals("a begins; a is asked to hand over", turn(pods("old", "new", "new")));
    asked.put("a", ASKED);
    assertEquals("a begins; a hands over web", turn(pods("old", "new", "new")));
    node("a", Backup);
    assertEquals("a begins; a hands over web", turn(pods("old", "new", "new")));
    node("b", Master);
    assertEquals("a begins; replace a", turn(pods("old", "new", "new")));
  }

  @Test
  void anAgentTooOldToBeAskedIsReplacedAllTheSame() {
    asked.put("a", new HandOver(1, "Upgrade", "2026-01-01T00:00:44Z"));
    assertEquals("a begins; replace a", turn(pods("old", "new", "new")));
  }

  @Test
  void aMasterWithoutAnybodyToFollowStays() {
    node("b", Fault);
    node("c", Fault);
    assertEquals("no other node can take over web from a", turn(pods("old", "new", "new")));
    node("b", Backup);
    drained.add("b");
    assertEquals("no other node can take over web from a", turn(pods("old", "new", "new")));
  }

  @Test
  void aMasterThatIsTheOnlyNodeIsReplacedAtOnce() {
    var alone = Vips.vip("web", 77, "{selector: {matchLabels: {only: a}}}");
    Vips.reported(alone, "a", Map.of("a", report(Master, 2)));
    assertEquals("a begins; replace a", turn(List.of(alone), pods("old", "new", "new")));
  }

  @Test
  void aNodeThatServesNothingIsReplacedAtOnce() {
    node("c", Fault);
    assertEquals("c begins; replace c", turn(pods("new", "new", "old")));
  }

  @Test
  void nobodyIsReplacedWhileOneIsMissingOrGoes() {
    assertEquals("no agent runs on b", turn(pod("a", "old", true), pod("c", "old", true)));
    var going = pod("b", "old", true);
    going.getMetadata().setDeletionTimestamp("2026-01-01T00:00:00Z");
    assertEquals(
        "the agent on b is not ready: it is being deleted",
        turn(pod("a", "old", true), going, pod("c", "old", true)));
    assertEquals(
        "the agent on b is not ready: it has not been started",
        turn(pod("a", "old", true), pod("b", "new", false), pod("c", "old", true)));
  }

  @Test
  void anOutdatedOneThatDoesNotServeGoesBeforeAll() {
    node("c", State.Unknown);
    assertEquals(
        "c begins; replace c",
        turn(pod("a", "old", true), pod("b", "old", true), pod("c", "old", false)));
  }

  @Test
  void podsOfOthersAndOfNodesNotMeantDoNotCount() {
    var pods =
        List.of(
            pod("a", "new", true),
            pod("b", null, true),
            pod("c", "new", true),
            pod("d", "old", false),
            pod(null, "old", false));
    assertEquals("", turn(pods.toArray(Pod[]::new)));
  }

  @Test
  void troubleIsToldInKubernetesWords() {
    var pod =
        pod("a", "new", false)
            .edit()
            .editStatus()
            .addNewContainerStatus()
            .withNewState()
            .withNewWaiting("no such image", "ImagePullBackOff")
            .endState()
            .endContainerStatus()
            .endStatus()
            .build();
    assertEquals("ImagePullBackOff: no such image", AgentPods.trouble(pod));
  }

  @Test
  void betweenTwoCrashesTheLastOneIsTold() {
    var pod =
        pod("a", "new", false)
            .edit()
            .editStatus()
            .addNewContainerStatus()
            .withNewState()
            .withNewRunning("2026-01-01T00:00:00Z")
            .endState()
            .withNewLastState()
            .withNewTerminated()
            .withExitCode(3)
            .endTerminated()
            .endLastState()
            .endContainerStatus()
            .endStatus()
            .build();
    assertEquals(
        "it has run since 2026-01-01T00:00:00Z, after one that ended with exit code 3",
        AgentPods.trouble(pod));
  }

  @Test
  void whoHasYetToBeReplacedIsKnown() {
    assertEquals(
        Set.of("a", "c"), AgentRollout.outdated("new", Arrays.asList(pods("old", "new", "old"))));
  }
}
