package dev.virtualip.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AgentRolloutTest {
  private static final Set<String> NODES = Set.of("a", "b", "c");

  @Test
  void nothingHappensWhenAllAreUpToDate() {
    assertEquals(
        "", next("a", pod("a", "new", true), pod("b", "new", true), pod("c", "new", true)));
  }

  @Test
  void backupsGoFirst() {
    assertEquals(
        "b", next("a", pod("a", "old", true), pod("b", "old", true), pod("c", "old", true)));
    assertEquals(
        "c", next("a", pod("a", "old", true), pod("b", "new", true), pod("c", "old", true)));
  }

  @Test
  void masterGoesLast() {
    assertEquals(
        "a", next("a", pod("a", "old", true), pod("b", "new", true), pod("c", "new", true)));
  }

  @Test
  void nextWaitsUntilTheLastOneServes() {
    assertEquals(
        "", next("a", pod("a", "old", true), pod("b", "new", false), pod("c", "old", true)));
    assertEquals("", next("a", pod("a", "old", true), pod("c", "old", true)));
  }

  @Test
  void nextWaitsWhileOneGoes() {
    var going = pod("b", "old", true);
    going.getMetadata().setDeletionTimestamp("2026-01-01T00:00:00Z");
    assertEquals("", next("a", pod("a", "old", true), going, pod("c", "old", true)));
  }

  @Test
  void outdatedOneThatDoesNotServeGoesBeforeAll() {
    assertEquals(
        "c", next("a", pod("a", "old", true), pod("b", "old", true), pod("c", "old", false)));
  }

  @Test
  void podsOfOthersAndOfNodesNotMeantDoNotCount() {
    var unbound = pod(null, "old", false);
    var elsewhere = pod("d", "old", false);
    var pods =
        new ArrayList<>(
            List.of(pod("a", "new", true), pod("b", null, true), pod("c", "new", true), elsewhere));
    pods.add(unbound);
    assertEquals("", next("a", pods.toArray(Pod[]::new)));
  }

  private static String next(String master, Pod... pods) {
    return AgentRollout.next("new", Arrays.asList(pods), NODES, Set.of(master))
        .map(pod -> pod.getSpec().getNodeName())
        .orElse("");
  }

  private static Pod pod(String node, String revision, boolean ready) {
    var pod =
        new PodBuilder()
            .withNewMetadata()
            .withName("pod-" + node)
            .endMetadata()
            .withNewSpec()
            .withNodeName(node)
            .endSpec()
            .withNewStatus()
            .addNewCondition()
            .withType("Ready")
            .withStatus(ready ? "True" : "False")
            .endCondition()
            .endStatus()
            .build();
    if (revision != null) {
      pod.getMetadata().getAnnotations().put(AgentDaemonSet.REVISION, revision);
    }
    return pod;
  }
}
