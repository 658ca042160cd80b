package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.check.Validator;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What an earlier CRD has let in, today's reads, shows and lets be edited. The earlier ones, with
 * the samples of their time, are in {@code crds/released}; {@code make release} adds its own.
 */
@InLab
class CrdUpgradeIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String CRD = "virtualips.virtualip.dev";

  /** Has what an agent and an operator write. */
  private static final String STATUS =
      """
      {"status": {"observedGeneration": 1, "master": "node-a",
       "nodes": {"node-a": {"state": "Master", "priority": 100, "reason": "MasterDown",
                            "since": "2026-01-01T00:00:00Z", "acceptedGeneration": 1}},
       "conditions": [{"type": "Ready", "status": "True", "reason": "Serving", "message": "m",
                       "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}
      """;

  static Stream<Path> released() throws IOException {
    try (var folders = Files.list(Lab.root().resolve("crds/released"))) {
      return folders.filter(Files::isDirectory).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("released")
  void objectsOutliveTheUpgradeOfTheirCrd(Path release) {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    try (var lab = Lab.open()) {
      var api = ApiServer.real(lab, "127.0.0.1");
      install(api, release.resolve(CRD + ".yaml"));
      api.kubectl("create", "-f", release.resolve("objects.yaml").toString());
      stored(api)
          .keySet()
          .forEach(
              name ->
                  api.client()
                      .resources(VirtualIp.class)
                      .withName(name)
                      .subresource("status")
                      .patch(PatchContext.of(PatchType.JSON_MERGE), STATUS));
      var before = stored(api);
      assertFalse(before.isEmpty());

      install(api, Lab.root().resolve("crds/" + CRD + ".yaml"));
      Await.until(
          "the new schema is served",
          SOON,
          () -> api.kubectl("explain", "vip.spec.dns"),
          text -> text.contains("hostnames"));

      var after = stored(api);
      assertEquals(before.keySet(), after.keySet());
      before.forEach((name, object) -> assertKept(object, after.get(name)));
      for (var vip : api.client().resources(VirtualIp.class).list().getItems()) {
        var name = vip.getMetadata().getName();
        assertEquals(List.of(), Validator.problems(vip.getSpec()), name);
        assertEquals("node-a", vip.getStatus().master(), name);
      }
      api.kubectl("label", "vip", "--all", "upgraded=true");
    }
  }

  /** As an upgrade does it: kubectl apply over what is there. */
  private static void install(ApiServer api, Path crd) {
    api.kubectl("apply", "--validate=false", "-f", crd.toString());
    api.awaitEstablished(CRD);
  }

  private static Map<String, GenericKubernetesResource> stored(ApiServer api) {
    return api
        .client()
        .genericKubernetesResources("virtualip.dev/v1alpha1", "VirtualIP")
        .list()
        .getItems()
        .stream()
        .collect(Collectors.toMap(vip -> vip.getMetadata().getName(), Function.identity()));
  }

  /** Nothing of it is lost or different; new fields may have got their defaults. */
  private static void assertKept(
      GenericKubernetesResource before, GenericKubernetesResource after) {
    for (var part : List.of("spec", "status")) {
      Object old = before.get(part);
      assertEquals(old, common(old, after.get(part)), before.getMetadata().getName() + " " + part);
    }
  }

  /** What {@code after} has of {@code before}, for maps at any depth. */
  private static Object common(Object before, Object after) {
    if (before instanceof Map<?, ?> old && after instanceof Map<?, ?> now) {
      return old.keySet().stream()
          .filter(now::containsKey)
          .collect(Collectors.toMap(key -> key, key -> common(old.get(key), now.get(key))));
    }
    if (before instanceof List<?> old && after instanceof List<?> now && old.size() == now.size()) {
      return IntStream.range(0, old.size()).mapToObj(i -> common(old.get(i), now.get(i))).toList();
    }
    return after;
  }
}
