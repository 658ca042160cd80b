package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodePodsTest {
  @ParameterizedTest
  @CsvSource({
    "ns, x, true, false, true",
    "no, x, true, false, false",
    "ns, y, true, false, false",
    "ns, x, false, false, false",
    "ns, x, true, true, false"
  })
  void aPodIsReadyIfItSaysSoAndStays(
      String namespace, String app, boolean ready, boolean deleted, boolean expected) {
    var pod =
        new PodBuilder()
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
    var selector = new LabelSelector(Map.of("app", "x"), null);
    assertEquals(expected, NodePods.serves(pod, "ns", selector));
  }
}
