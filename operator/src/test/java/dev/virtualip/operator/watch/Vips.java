package dev.virtualip.operator.watch;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.decide.AgentDaemonSet;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** VirtualIPs and nodes for tests. */
public final class Vips {
  public static final NodeFacts A = new NodeFacts("a", Map.of("edge", "true"), true);
  public static final NodeFacts B = new NodeFacts("b", Map.of("edge", "true"), true);
  public static final NodeFacts C = new NodeFacts("c", Map.of(), true);
  public static final NodeFacts TAINTED = new NodeFacts("t", Map.of(), false);

  private Vips() {}

  /** A VirtualIP of generation 2 that selects nodes by {@code edge=true}. */
  public static VirtualIp edge(String name, int vrid) {
    return vip(name, vrid, "{selector: {matchLabels: {edge: 'true'}}}");
  }

  /**
   * A VirtualIP of generation 2.
   *
   * @param nodes YAML of spec.nodes
   */
  public static VirtualIp vip(String name, int vrid, String nodes) {
    return Serialization.unmarshal(
        """
        metadata: {name: %s, uid: uid-%s, generation: 2, creationTimestamp: '2026-01-01T00:00:00Z'}
        spec:
          vrid: %d
          interface: eth0
          addresses: [{address: 203.0.113.%d/24}]
          nodes: %s
        """
            .formatted(name, name, vrid, vrid, nodes),
        VirtualIp.class);
  }

  /** The VirtualIP with what was asked before. */
  public static VirtualIp asked(VirtualIp vip, Map<String, HandOver> handOvers) {
    var status = vip.getStatus();
    vip.setStatus(
        new VirtualIpStatus(
            null, status.master(), null, null, status.nodes(), handOvers, null, null));
    return vip;
  }

  /** The VirtualIP with what its agents report. */
  public static VirtualIp reported(VirtualIp vip, String master, Map<String, NodeStatus> nodes) {
    vip.setStatus(new VirtualIpStatus(null, master, nodes, null));
    return vip;
  }

  /** Their problems by name. */
  public static Map<String, List<Problem>> problems(VirtualIp... vips) {
    return Conflicts.among(Stream.of(vips).map(CheckedSpec::check).toList());
  }

  public static NodeStatus report(State state, long acceptedGeneration) {
    return report(state, acceptedGeneration, null, null);
  }

  public static NodeStatus report(
      State state, long acceptedGeneration, String reason, String message) {
    return new NodeStatus(state, 100, null, reason, message, acceptedGeneration, null, null);
  }

  /** An agent's pod; without a revision, it is one that nobody replaces. */
  public static Pod pod(String node, String revision, boolean ready) {
    var pod =
        new PodBuilder()
            .withNewMetadata()
            .withName("pod-" + node)
            .withUid("uid-" + node)
            .endMetadata()
            .withNewSpec()
            .withNodeName(node)
            .endSpec()
            .withNewStatus()
            .addNewCondition()
            .withType("Ready")
            .withStatus(ready ? "True" : "False")
            .endCondition()
            .endStatus()
            .build();
    if (revision != null) {
      pod.getMetadata().getAnnotations().put(AgentDaemonSet.REVISION, revision);
    }
    return pod;
  }
}
