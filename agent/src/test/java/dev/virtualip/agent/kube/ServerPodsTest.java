package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The mock server answers every list with an error. */
@EnableKubernetesMockClient
class ServerPodsTest {
  private static final Set<PodSelector> WEB =
      Set.of(new PodSelector("shop", new LabelSelector(Map.of("app", "web"), null)));

  KubernetesClient client;

  private final AtomicInteger changes = new AtomicInteger();

  @Test
  void allElseGoesOnWhereTheApiServerRefuses() {
    try (var pods = new ServerPods(client, changes::incrementAndGet, Duration.ofMillis(50))) {
      assertFalse(pods.follow(WEB), "a first answer is on its way");
      Await.until(() -> changes.get() == 1, changes::toString);
      Await.until(() -> pods.follow(WEB), () -> "still waiting");
      assertEquals(Map.of(), pods.pods(), "not known, which is not none");
    }
  }

  @Test
  void nothingIsWatchedAfterTheEnd() {
    var pods = new ServerPods(client, changes::incrementAndGet, ServerPods.PATIENCE);
    pods.close();
    assertFalse(pods.follow(WEB));
  }

  @Test
  void ofAPodItKeepsTheFacts() {
    var pod =
        new PodBuilder()
            .withNewMetadata()
            .withNamespace("shop")
            .withName("web-0")
            .addToLabels("app", "web")
            .addToAnnotations("long", "text")
            .withDeletionTimestamp("2026-11-22T00:00:00Z")
            .and()
            .withNewStatus()
            .addNewPodIP("10.1.0.2")
            .addNewCondition()
            .withType("Ready")
            .withStatus("True")
            .withMessage("long text")
            .and()
            .and()
            .build();
    var store = new PodStore();
    store.put(store.getKey(pod), pod);
    var kept = store.get("shop/web-0");
    assertEquals(new PodFacts("web-0", List.of("10.1.0.2"), true, true), PodFacts.of(kept));
    assertEquals(Map.of(), kept.getMetadata().getAnnotations());
    assertNull(kept.getStatus().getConditions().getFirst().getMessage());
  }
}
