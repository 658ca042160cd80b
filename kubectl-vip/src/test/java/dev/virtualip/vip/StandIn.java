package dev.virtualip.vip;

import com.fasterxml.jackson.databind.JsonNode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.tell.Web;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * Operator and agents of VirtualIP {@code web} on node-a and node-b: they obey the annotation and
 * the label of a drain, and follow an agent's pod that is deleted.
 */
final class StandIn implements AutoCloseable {
  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  private final KubernetesClient client;
  private final ExecutorService one = Executors.newSingleThreadExecutor();

  /** What the operator answers to a switch-over to a node. */
  private final Map<String, String> refusals;

  private String answered;
  private Long accepted = 1L;
  private boolean failing;
  private int moves;

  /** Makes the objects, and obeys. */
  StandIn(KubernetesClient client, Map<String, String> refusals) {
    this.client = client;
    this.refusals = refusals;
    create(client);
    watch(client.resources(VirtualIp.class)::watch, this::vip);
    client.nodes().watch(onModified(node -> drained(node.getMetadata().getLabels())));
    client.pods().inNamespace("virtualip-system").watch(onDeleted());
  }

  private interface Watching {
    void watch(Watcher<VirtualIp> watcher);
  }

  private static void watch(Watching watching, Consumer<VirtualIp> consumer) {
    watching.watch(onModified(consumer));
  }

  /** The objects, without anybody who obeys. */
  static void create(KubernetesClient client) {
    client.resource(Web.vip()).create();
    for (var name : List.of("node-a", "node-b")) {
      client
          .resource(
              new NodeBuilder()
                  .withNewMetadata()
                  .withName(name)
                  .addToLabels("edge", "true")
                  .endMetadata()
                  .build())
          .create();
      client.resource(agent(name)).create();
    }
  }

  private static Pod agent(String node) {
    return new PodBuilder()
        .withNewMetadata()
        .withName("virtualip-agent-" + node)
        .withNamespace("virtualip-system")
        .addToLabels("app.kubernetes.io/name", "virtualip-agent")
        .endMetadata()
        .withNewSpec()
        .withNodeName(node)
        .endSpec()
        .build();
  }

  /** A kubeconfig that leads to a server. */
  static Path kubeconfig(String server, Path folder) {
    var file = folder.resolve("kubeconfig");
    try {
      return Files.writeString(
          file,
          """
          apiVersion: v1
          kind: Config
          current-context: mock
          contexts: [{name: mock, context: {cluster: mock, user: me}}]
          clusters: [{name: mock, cluster: {server: '%s'}}]
          users: [{name: me, user: {}}]
          """
              .formatted(server));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static <T> Watcher<T> onModified(Consumer<T> consumer) {
    return new Watcher<>() {
      @Override
      public void eventReceived(Action action, T object) {
        if (action == Action.MODIFIED) {
          consumer.accept(object);
        }
      }

      @Override
      public void onClose(WatcherException cause) {
        // The test has ended.
      }
    };
  }

  private Watcher<Pod> onDeleted() {
    return new Watcher<>() {
      @Override
      public void eventReceived(Action action, Pod pod) {
        if (action == Action.MODIFIED) {
          one.execute(() -> check(pod.getMetadata().getLabels().get(FailingCheck.LABEL) != null));
        }
        if (action == Action.DELETED) {
          one.execute(
              () -> {
                moveTo("node-b", null);
                moveTo("node-a", null);
              });
        }
      }

      @Override
      public void onClose(WatcherException cause) {
        // The test has ended.
      }
    };
  }

  private void vip(VirtualIp vip) {
    one.execute(() -> answer(SwitchOver.to(vip)));
    one.execute(() -> accept(vip.getMetadata().getGeneration()));
  }

  /** Agents take each edit. */
  private void accept(Long generation) {
    if (!Objects.equals(generation, accepted)) {
      accepted = generation;
      patch(
          """
          {"status":{"nodes":{"node-a":{"acceptedGeneration":%d},"node-b":{"acceptedGeneration":%1$d}}}}"""
              .formatted(generation));
    }
  }

  private void answer(String to) {
    if (Objects.equals(to, answered)) {
      return;
    }
    answered = to;
    if (to == null) {
      moveTo("node-a", "null");
    } else if (refusals.containsKey(to)) {
      patch(
          """
          {"status":{"switchOver":{"to":"%s","result":"Refused","message":"%s"}}}"""
              .formatted(to, refusals.get(to)));
    } else {
      moveTo(
          to,
          """
          {"to":"%s","result":"Done","message":"%1$s is master"}"""
              .formatted(to));
    }
  }

  /** The check of a drill fails on node-a, or is good again. */
  private void check(boolean fails) {
    if (fails != failing && FailingCheck.isIn(vip())) {
      failing = fails;
      moveTo(fails ? "node-b" : "node-a", null);
    }
  }

  private void drained(Map<String, String> labels) {
    if (labels != null && "true".equals(labels.get("virtualip.dev/drain"))) {
      one.execute(() -> moveTo("node-b", null));
    }
  }

  private void moveTo(String node, String switchOver) {
    var other = node.equals("node-a") ? "node-b" : "node-a";
    moves++;
    patch(
        """
        {"status":{"master":"%s",%s"nodes":{"%1$s":{"state":"Master","transitions":%d},\
        "%s":{"state":"Backup","transitions":%3$d}}}}"""
            .formatted(
                node,
                switchOver == null ? "" : "\"switchOver\":" + switchOver + ",",
                moves,
                other));
  }

  void patch(String json) {
    client.resources(VirtualIp.class).withName("web").subresource("status").patch(MERGE, json);
  }

  /** The status as the server has it. */
  JsonNode status() {
    return client.getKubernetesSerialization().convertValue(vip().getStatus(), JsonNode.class);
  }

  /** The node in the annotation, or null; the mock server keeps what is patched to null. */
  String switchTo() {
    return SwitchOver.to(vip());
  }

  /** The object as the server has it. */
  VirtualIp vip() {
    return client.resources(VirtualIp.class).withName("web").get();
  }

  @Override
  public void close() {
    one.shutdownNow();
  }
}
