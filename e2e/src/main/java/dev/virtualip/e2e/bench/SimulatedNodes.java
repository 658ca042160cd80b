package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.Cluster;
import dev.virtualip.kube.ApiCall;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Nodes that exist as objects only, with the label {@code simulated=true}. The heartbeats and
 * reports of their agents are written for them.
 */
public final class SimulatedNodes implements AutoCloseable {
  private final KubernetesClient client;
  private final List<String> names;
  private final ScheduledExecutorService heartbeats = Executors.newScheduledThreadPool(1);

  private SimulatedNodes(KubernetesClient client, List<String> names) {
    this.client = client;
    this.names = List.copyOf(names);
  }

  /** Registers nodes, whose agents are heard of every 5 s until this is closed. */
  public static SimulatedNodes start(KubernetesClient client, List<String> names) {
    var nodes = new SimulatedNodes(client, names);
    names.forEach(nodes::register);
    nodes.heartbeats.scheduleWithFixedDelay(nodes::beat, 0, 5, TimeUnit.SECONDS);
    return nodes;
  }

  private void register(String name) {
    var room =
        Map.of("pods", new Quantity("9"), "cpu", new Quantity("8"), "memory", new Quantity("9Gi"));
    var node =
        new NodeBuilder()
            .withNewMetadata()
            .withName(name)
            .addToLabels("simulated", "true")
            .endMetadata()
            .withNewStatus()
            .withCapacity(room)
            .withAllocatable(room)
            .endStatus()
            .build();
    client.resource(node).create();
  }

  private void beat() {
    for (var name : names) {
      var lease =
          new LeaseBuilder()
              .withNewMetadata()
              .withName("agent-" + name)
              .withNamespace(Cluster.NAMESPACE)
              .addToLabels("app.kubernetes.io/name", Cluster.AGENT)
              .endMetadata()
              .withNewSpec()
              .withHolderIdentity(name)
              .withLeaseDurationSeconds(600)
              .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC))
              .endSpec()
              .build();
      client.resource(lease).forceConflicts().serverSideApply();
    }
  }

  /**
   * Writes the reports of all these nodes about a VirtualIP, in one request.
   *
   * @param generation the generation that they have accepted
   * @param master the one that is master; null: all are backups
   * @throws IllegalStateException if the API server refuses
   */
  public void report(String virtualIp, long generation, String master) {
    var reports =
        names.stream()
            .map(
                name ->
                    """
                    "%s": {"state": "%s", "priority": 100, "reason": "Started",
                     "since": "2026-01-01T00:00:00Z", "acceptedGeneration": %d}\
                    """
                        .formatted(name, name.equals(master) ? "Master" : "Backup", generation))
            .collect(Collectors.joining(",", "{", "}"));
    var first = master == null ? "" : "\"master\": \"%s\", ".formatted(master);
    patch(
        client, virtualIp + "/status", "{\"status\": {%s\"nodes\": %s}}".formatted(first, reports));
  }

  /**
   * A merge patch of a VirtualIP in one request, whereas fabric8's patch reads first.
   *
   * @param path its name, and a subresource
   * @throws IllegalStateException if the API server refuses
   */
  public static void patch(KubernetesClient client, String path, String body) {
    var whole = "apis/virtualip.dev/v1alpha1/virtualips/" + path;
    try {
      var answer = ApiCall.send(client, "PATCH", whole, ApiCall.MERGE_PATCH, body);
      if (!answer.ok()) {
        throw new IllegalStateException(whole + ": " + answer);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(whole, e);
    }
  }

  @Override
  public void close() {
    heartbeats.shutdownNow();
  }
}
