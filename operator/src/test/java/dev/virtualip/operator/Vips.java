package dev.virtualip.operator;

import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.HandOver;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;

/** VirtualIPs and nodes for tests. */
final class Vips {
  static final NodeFacts A = new NodeFacts("a", Map.of("edge", "true"), true);
  static final NodeFacts B = new NodeFacts("b", Map.of("edge", "true"), true);
  static final NodeFacts C = new NodeFacts("c", Map.of(), true);
  static final NodeFacts TAINTED = new NodeFacts("t", Map.of(), false);

  private Vips() {}

  /** A VirtualIP of generation 2 that selects nodes by {@code edge=true}. */
  static VirtualIp edge(String name, int vrid) {
    return vip(name, vrid, "{selector: {matchLabels: {edge: 'true'}}}");
  }

  /**
   * A VirtualIP of generation 2.
   *
   * @param nodes YAML of spec.nodes
   */
  static VirtualIp vip(String name, int vrid, String nodes) {
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
  static VirtualIp asked(VirtualIp vip, Map<String, HandOver> handOvers) {
    var status = vip.getStatus();
    vip.setStatus(
        new VirtualIpStatus(
            null, status.master(), null, null, status.nodes(), handOvers, null, null));
    return vip;
  }

  /** The VirtualIP with what its agents report. */
  static VirtualIp reported(VirtualIp vip, String master, Map<String, NodeStatus> nodes) {
    vip.setStatus(new VirtualIpStatus(null, master, nodes, null));
    return vip;
  }

  static NodeStatus report(State state, long acceptedGeneration) {
    return report(state, acceptedGeneration, null, null);
  }

  static NodeStatus report(State state, long acceptedGeneration, String reason, String message) {
    return new NodeStatus(state, 100, null, reason, message, acceptedGeneration, null, null);
  }
}
