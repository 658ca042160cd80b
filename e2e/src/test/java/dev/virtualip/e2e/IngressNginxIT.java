package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Holding;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.LabNode;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Owners;
import dev.virtualip.e2e.lab.Probe;
import dev.virtualip.e2e.lab.Proc;
import dev.virtualip.e2e.lab.Program;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * samples/09-ingress-nginx.yaml as it stands, on an API server with pods that run nginx: a pod that
 * is about to end, an API server that is away, an agent that starts meanwhile.
 */
@InLab
class IngressNginxIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration START = Duration.ofSeconds(120);
  private static final String NAMESPACE = "ingress-nginx";
  private static final String URL = "http://203.0.113.83/";

  /** Of node-b, priority 100 (0.305 s): what it takes over after if node-a lets go at once. */
  private static final Duration SKEW = Duration.ofMillis(250);

  private static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata:
        name: ingress-nginx-controller-NODE
        labels:
          app.kubernetes.io/name: ingress-nginx
          app.kubernetes.io/component: controller
      spec:
        nodeName: NODE
        hostNetwork: true
        automountServiceAccountToken: false
        terminationGracePeriodSeconds: 6
        containers:
          - name: controller
            image: registry.k8s.io/ingress-nginx/controller:v1.12.0
            readinessProbe: {httpGet: {path: /healthz, port: 80}}
      """;

  private Lab lab;
  private ClassicPair pair;
  private Owners owners;
  private ApiServer api;

  @Test
  void theAddressFollowsTheReadyPodAlsoWhileTheApiServerIsAway() throws IOException {
    try (var opened = Lab.open()) {
      lab = opened;
      pair = ClassicPair.build(lab);
      owners = Owners.watch(pair.nodes());
      pair.nginxA().stop();
      pair.nginxB().stop();
      api = ApiServer.start(lab, ClassicPair.CONTROL);
      api.installCrd();
      api.client()
          .resource(
              new NamespaceBuilder().withNewMetadata().withName(NAMESPACE).endMetadata().build())
          .create();
      join(pair.nodeA(), "10.0.0.11", pair.nginxA());
      join(pair.nodeB(), "10.0.0.12", pair.nginxB());
      createPod("node-a");
      createPod("node-b");
      var sample = Files.readString(Lab.root().resolve("samples/09-ingress-nginx.yaml"));
      api.client().resource(Serialization.unmarshal(sample, VirtualIp.class)).create();
      play();
    }
  }

  private void play() {
    var a = agent(pair.nodeA());
    agent(pair.nodeB());
    awaitServedBy(pair.nodeA());
    try (var probe = Probe.start(pair.client(), URL)) {
      // A drain: the pod serves on for its grace period, and the address is gone before.
      var from = Instant.now();
      api.client().pods().inNamespace(NAMESPACE).withName(name("node-a")).delete();
      awaitServedBy(pair.nodeB());
      assertEquals("ok\n", pair.nodeA().get("http://127.0.0.1/healthz"), "it still serves");
      var to = Instant.now();
      if (api.real()) {
        // The embedded one deletes pods at once, without saying so before.
        a.awaitOutput(
            "verdict=Leaving detail=\"each Ready pod in ingress-nginx that matches"
                + " app.kubernetes.io/component=controller,app.kubernetes.io/name=ingress-nginx is"
                + " being deleted\"",
            SOON);
        a.awaitOutput("reason=\"HandedOver\\(PodTerminating\\(controller\\)\\)\"", SOON);
      }
      Await.until(
          "the pod is gone",
          SOON,
          () -> api.client().pods().inNamespace(NAMESPACE).withName(name("node-a")).get() == null);
      a.awaitOutput(
          "detail=\"no Ready pod in ingress-nginx matches"
              + " app.kubernetes.io/component=controller,app.kubernetes.io/name=ingress-nginx\"",
          SOON);
      owners.compareWithKernel(List.of("203.0.113.83"));
      var none = Holding.of(owners.changes(), List.of("203.0.113.83"), from, to).none();
      assertTrue(!api.real() || none.compareTo(SKEW) < 0, "without an owner for " + none);
      var outage = probe.longestOutage(from, to);
      System.out.printf("a pod is drained: client without service for %d ms%n", outage.toMillis());
    }
    createPod("node-a");
    awaitServedBy(pair.nodeA());

    api.down();
    a.stop();
    awaitServedBy(pair.nodeB());
    var restarted = agent(pair.nodeA());
    awaitServedBy(pair.nodeA());
    assertTrue(restarted.output().contains("state=Master"), restarted::output);
    api.up();
  }

  private static String name(String node) {
    return "ingress-nginx-controller-" + node;
  }

  /** A program that stands for the controller: SIGTERM alone does not end it, it drains. */
  private void join(Host host, String address, Nginx nginx) {
    var drains = "trap '' TERM; " + String.join(" ", nginx.command()) + " & wait";
    LabNode.start(
        api,
        host,
        address,
        Map.of("edge", "true"),
        Map.of("ingress-nginx/controller", new Program.Command("sh", "-c", drains)));
  }

  private void createPod(String node) {
    var pod = Serialization.unmarshal(POD.replace("NODE", node), Pod.class);
    // A real server refuses pods until a controller has made the namespace's default account.
    Await.until(
        "the pod of " + node,
        SOON,
        () -> api.client().pods().inNamespace(NAMESPACE).resource(pod).create() != null);
  }

  private Proc agent(Host host) {
    return host.start(
        "virtualip-agent",
        Lab.root().resolve("agent/target/virtualip-agent").toString(),
        "run",
        "--node=" + host.name(),
        "--kubeconfig=" + api.kubeconfig(),
        "--state-dir=" + lab.work().resolve("state-" + host.name()));
  }

  private void awaitServedBy(Host holder) {
    Await.until(
        "served by " + holder, START, () -> pair.client().get(URL), (holder.name() + "\n")::equals);
  }
}
