package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.agent.kube.KubernetesSource;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.PodResource;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What an agent hears of pods that are real servers, from the API server itself. */
@InLab
class PodServersIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private static final String WEB =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 51
        interface: eth0
        addresses: [{address: 203.0.113.10/24}]
        virtualServers:
          - name: http
            port: 80
            forwarding: Masquerade
            realServers:
              pods:
                namespace: default
                selector:
                  matchLabels: {app: web}
                  matchExpressions: [{key: tier, operator: NotIn, values: [canary]}]
      """;

  private final AtomicReference<Desired> told = new AtomicReference<>();

  @Test
  void podsServeWhileTheyAreReadyAndAreKnownUntilTheyAreGone() throws IOException {
    assumeTrue(ApiServer.realAvailable(), "the embedded API server ignores matchExpressions");
    try (var lab = Lab.open();
        var api = ApiServer.real(lab, "127.0.0.1")) {
      api.installCrd();
      var client = api.client();
      client.resource(new NodeBuilder().withNewMetadata().withName("n").and().build()).create();
      client.resource(WEB).create();
      var a = create(client, "a", "stable");
      create(client, "b", "canary");
      var agents = dev.virtualip.agent.client.ApiServer.of(api.kubeconfig());
      try (agents;
          var source = new KubernetesSource(agents, "n", "default", told::set)) {
        source.start(_ -> {});
        await("a[]");
        ready(a, "10.1.0.1", "True");
        await("a[10.1.0.1] ready");
        ready(create(client, "c", "stable"), "10.1.0.3", "True");
        await("a[10.1.0.1] ready, c[10.1.0.3] ready");
        ready(a, "10.1.0.1", "False");
        await("a[10.1.0.1], c[10.1.0.3] ready");
        client.pods().inNamespace("default").withName("c").withGracePeriod(600).delete();
        await("a[10.1.0.1], c[10.1.0.3] ready terminating");
        client.pods().inNamespace("default").withName("c").withGracePeriod(0).delete();
        await("a[10.1.0.1]");
        client.pods().inNamespace("default").withName("a").edit(PodServersIT::canary);
        await("");
      }
    }
  }

  private static Pod canary(Pod pod) {
    return new PodBuilder(pod).editMetadata().addToLabels("tier", "canary").and().build();
  }

  private static PodResource create(KubernetesClient client, String name, String tier) {
    var pod =
        new PodBuilder()
            .withNewMetadata()
            .withNamespace("default")
            .withName(name)
            .addToLabels("app", "web")
            .addToLabels("tier", tier)
            .and()
            .withNewSpec()
            .withNodeName("elsewhere")
            .addNewContainer()
            .withName("nginx")
            .withImage("nginx")
            .and()
            .and()
            .build();
    client.resource(pod).create();
    return client.pods().inNamespace("default").withName(name);
  }

  private static void ready(PodResource pod, String address, String ready) {
    pod.editStatus(
        before ->
            new PodBuilder(before)
                .withNewStatus()
                .withPhase("Running")
                .withPodIP(address)
                .addNewPodIP(address)
                .addNewCondition()
                .withType("Ready")
                .withStatus(ready)
                .and()
                .and()
                .build());
  }

  private void await(String expected) {
    Await.until("pods " + expected, SOON, this::pods, expected::equals);
  }

  private String pods() {
    var desired = told.get();
    return desired == null
        ? "nothing"
        : desired.pods().values().stream()
            .flatMap(List::stream)
            .map(
                pod ->
                    pod.name()
                        + pod.addresses()
                        + (pod.ready() ? " ready" : "")
                        + (pod.terminating() ? " terminating" : ""))
            .collect(Collectors.joining(", "));
  }
}
