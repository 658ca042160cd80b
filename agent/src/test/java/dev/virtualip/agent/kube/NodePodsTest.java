package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.agent.client.MockApi;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EnableKubernetesMockClient(crud = true)
class NodePodsTest {
  KubernetesClient client;
  KubernetesMockServer server;

  /** The token of an agent reads all pods, and asks for no other's. */
  @Test
  void onlyPodsOfThisNodeAreAskedFor() throws InterruptedException {
    try (var pods = new NodePods(MockApi.of(client), "node-a")) {
      pods.readiness("ns", new LabelSelector(Map.of("app", "x"), null));
      var asked = server.takeRequest(10, TimeUnit.SECONDS).getPath();
      assertTrue(asked.startsWith("/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-a"), asked);
    }
  }

  @Test
  void whoFollowsIsToldOfChangesOfReadinessAlone() {
    var selector = new LabelSelector(Map.of("app", "x"), null);
    var told = new CopyOnWriteArrayList<Optional<Readiness>>();
    // The mock server knows no spec.nodeName selector.
    try (var pods = new NodePods(MockApi.of(client), Kinds.PODS)) {
      var unfollow = pods.follow("ns", selector, () -> told.add(pods.readiness("ns", selector)));
      pods.follow(
          "ns",
          selector,
          () -> {
            throw new AssertionError("a defect of one concerns no other");
          });
      Await.until(() -> told.equals(known(Readiness.None)), () -> told);
      create(running("a", "x", "True"));
      Await.until(() -> told.equals(known(Readiness.None, Readiness.Ready)), () -> told);
      create(running("b", "x", "True"));
      create(running("c", "y", "True"));
      edit(running("a", "x", "False"));
      edit(running("b", "x", "False"));
      var all = known(Readiness.None, Readiness.Ready, Readiness.None);
      Await.until(() -> told.equals(all), () -> told);

      unfollow.run();
      edit(running("a", "x", "True"));
      Await.until(() -> !pods.readiness("ns", selector).equals(all.getLast()), () -> told);
      assertEquals(all, told);
    }
  }

  private static List<Optional<Readiness>> known(Readiness... readiness) {
    return Stream.of(readiness).map(Optional::of).toList();
  }

  private void create(Pod pod) {
    client.resource(pod).create();
  }

  private void edit(Pod pod) {
    client.resource(pod).update();
  }

  private static Pod running(String name, String app, String ready) {
    return new PodBuilder(pod("ns", app, ready.equals("True"), false))
        .editMetadata()
        .withName(name)
        .and()
        .build();
  }

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
