package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodePodsTest {
  @ParameterizedTest
  @CsvSource({
    "ns, x, true, false, Ready",
    "no, x, true, false, None",
    "ns, y, true, false, None",
    "ns, x, false, false, None",
    "ns, x, true, true, Terminating",
    "ns, x, false, true, None"
  })
  void aPodIsReadyIfItSaysSoAndStays(
      String namespace, String app, boolean ready, boolean deleted, Readiness expected) {
    assertEquals(expected, readiness(pod(namespace, app, ready, deleted)));
  }

  @Test
  void onePodThatStaysIsEnough() {
    var stays = pod("ns", "x", true, false);
    assertEquals(Readiness.Ready, readiness(pod("ns", "x", true, true), stays));
    assertEquals(Readiness.None, readiness());
  }

  private static Readiness readiness(Pod... pods) {
    var selector = new LabelSelector(Map.of("app", "x"), null);
    return NodePods.readiness(List.of(pods), "ns", selector);
  }

  private static Pod pod(String namespace, String app, boolean ready, boolean deleted) {
    return new PodBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .addToLabels("app", app)
        .withDeletionTimestamp(deleted ? "2026-11-22T00:00:00Z" : null)
        .and()
        .withNewStatus()
        .addNewCondition()
        .withType("Ready")
        .withStatus(ready ? "True" : "False")
        .and()
        .and()
        .build();
  }
}
