package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.client.MockApi;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import java.time.Duration;
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
    try (var pods =
        new ServerPods(MockApi.of(client), changes::incrementAndGet, Duration.ofMillis(50))) {
      assertFalse(pods.follow(WEB), "a first answer is on its way");
      Await.until(() -> changes.get() == 1, changes::toString);
      Await.until(() -> pods.follow(WEB), () -> "still waiting");
      assertEquals(Map.of(), pods.pods(), "not known, which is not none");
    }
  }

  @Test
  void nothingIsWatchedAfterTheEnd() {
    var pods = new ServerPods(MockApi.of(client), changes::incrementAndGet, ServerPods.PATIENCE);
    pods.close();
    assertFalse(pods.follow(WEB));
  }
}
