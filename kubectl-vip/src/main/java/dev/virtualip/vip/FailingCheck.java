package dev.virtualip.vip;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A check that a VirtualIP gets for a moment, and that fails where this program wants it to: it is
 * a fault of the node whose agent's pod has a label. So nothing that clients need is touched, and
 * what an interrupted drill leaves behind keeps one node from serving at most.
 */
final class FailingCheck {
  /** Name of the check. */
  static final String NAME = "vip-drill";

  /** Label of a pod; its value is the uid of the VirtualIP. */
  static final String LABEL = "virtualip.dev/drill";

  private static final String CHECKS = "/spec/healthChecks";

  private final KubernetesClient client;
  private final String namespace;

  /**
   * Checks of VirtualIPs whose agents are in a namespace.
   *
   * @param namespace that of the agents
   */
  FailingCheck(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /** Whether a VirtualIP has the check. */
  static boolean isIn(VirtualIp vip) {
    return vip.getSpec().healthChecks().stream().map(HealthCheck::name).anyMatch(NAME::equals);
  }

  /** Adds the check, which is good on all nodes; returns when those that take part know it. */
  void add(VirtualIp vip, SwitchOver switchOver) {
    if (vip.getSpec().healthChecks().size() >= VirtualIpSpec.CHECKS_MAX) {
      throw new IllegalStateException("no drill: there is no room for one more check in the spec");
    }
    boolean first = vip.getSpec().healthChecks().isEmpty();
    var value = first ? JsonNodeFactory.instance.arrayNode().add(check(vip)) : check(vip);
    var operation = JsonNodeFactory.instance.objectNode().put("op", "add");
    operation.put("path", first ? CHECKS : CHECKS + "/-").set("value", value);
    var generation =
        patch(vip.getMetadata().getName(), JsonNodeFactory.instance.arrayNode().add(operation))
            .getMetadata()
            .getGeneration();
    switchOver.await(
        vip.getMetadata().getName(),
        now -> Reports.of(now).values().stream().allMatch(report -> knows(report, generation)),
        "not all nodes have the check " + NAME + " of the drill");
  }

  private ObjectNode check(VirtualIp vip) {
    var check = JsonNodeFactory.instance.objectNode().put("name", NAME).put("reverse", true);
    var pod = check.putObject("pod").put("namespace", namespace);
    pod.putObject("selector").putObject("matchLabels").put(LABEL, vip.getMetadata().getUid());
    return check;
  }

  private static boolean knows(NodeStatus report, Long generation) {
    boolean takesPart = report.state() == State.Master || report.state() == State.Backup;
    return !takesPart
        || report.acceptedGeneration() != null
            && report.acceptedGeneration() >= Objects.requireNonNullElse(generation, 0L);
  }

  /** Makes the check fail where an agent's pod is. */
  void fail(VirtualIp vip, Pod agent) {
    label(agent, vip.getMetadata().getUid());
  }

  /** Makes the check good everywhere; returns whether it failed anywhere. */
  boolean recover(VirtualIp vip) {
    var labelled =
        client
            .pods()
            .inNamespace(namespace)
            .withLabel(LABEL, vip.getMetadata().getUid())
            .list()
            .getItems();
    labelled.forEach(pod -> label(pod, null));
    return !labelled.isEmpty();
  }

  private void label(Pod pod, String value) {
    var patch = JsonNodeFactory.instance.objectNode();
    patch.putObject("metadata").putObject("labels").put(LABEL, value);
    client.resource(pod).patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
  }

  /** Makes it good, and removes it; returns whether there was anything. */
  boolean remove(VirtualIp vip) {
    var name = vip.getMetadata().getName();
    boolean any = recover(vip);
    var checks = Connection.one(client, name).getSpec().healthChecks();
    for (int i = 0; i < checks.size(); i++) {
      if (NAME.equals(checks.get(i).name())) {
        var path = CHECKS + "/" + i;
        // Somebody else may edit the list at the same time.
        var test = Map.of("op", "test", "path", path + "/name", "value", NAME);
        var remove = Map.of("op", "remove", "path", checks.size() == 1 ? CHECKS : path);
        patch(
            name,
            client
                .getKubernetesSerialization()
                .convertValue(List.of(test, remove), ArrayNode.class));
        return true;
      }
    }
    return any;
  }

  private VirtualIp patch(String name, ArrayNode operations) {
    return client
        .resources(VirtualIp.class)
        .withName(name)
        .patch(PatchContext.of(PatchType.JSON), operations.toString());
  }
}
