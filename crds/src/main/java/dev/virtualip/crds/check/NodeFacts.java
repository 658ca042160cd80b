package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import java.net.InetAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The facts about a node that decide whether a VirtualIP selects it, and its addresses as a peer.
 *
 * @param name name of the Node object
 * @param labels its labels
 * @param schedulable whether an ordinary workload may run there: it has no NoSchedule or NoExecute
 *     taint. Taints that Kubernetes itself puts on nodes in trouble or under maintenance do not
 *     count
 * @param addresses its InternalIPs, in the order of the Node object
 */
public record NodeFacts(
    String name, Map<String, String> labels, boolean schedulable, List<String> addresses) {
  private static final String KUBERNETES_TAINTS = "node.kubernetes.io/";

  /** Turns null addresses into an empty list. */
  public NodeFacts {
    addresses = addresses == null ? List.of() : List.copyOf(addresses);
  }

  /** Facts of a node without addresses. */
  public NodeFacts(String name, Map<String, String> labels, boolean schedulable) {
    this(name, labels, schedulable, List.of());
  }

  /** The facts of a Node object. */
  public static NodeFacts of(Node node) {
    var taints = node.getSpec() == null ? null : node.getSpec().getTaints();
    boolean schedulable =
        taints == null
            || taints.stream()
                .allMatch(
                    taint ->
                        "PreferNoSchedule".equals(taint.getEffect())
                            || Objects.requireNonNullElse(taint.getKey(), "")
                                .startsWith(KUBERNETES_TAINTS));
    var labels = node.getMetadata().getLabels();
    return new NodeFacts(
        node.getMetadata().getName(),
        Objects.requireNonNullElse(labels, Map.of()),
        schedulable,
        internalIps(node));
  }

  private static List<String> internalIps(Node node) {
    if (node.getStatus() == null || node.getStatus().getAddresses() == null) {
      return List.of();
    }
    return node.getStatus().getAddresses().stream()
        .filter(address -> "InternalIP".equals(address.getType()))
        .map(NodeAddress::getAddress)
        .filter(NodeFacts::isAddress)
        .toList();
  }

  private static boolean isAddress(String text) {
    try {
      return text != null && IpPrefix.parseAddress(text) != null;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  /** The same without addresses that are virtual ones, which a kubelet may take for its node's. */
  public NodeFacts without(Set<InetAddress> virtual) {
    var own =
        addresses.stream()
            .filter(address -> !virtual.contains(IpPrefix.parseAddress(address)))
            .toList();
    return own.equals(addresses) ? this : new NodeFacts(name, labels, schedulable, own);
  }

  /** Whether the VirtualIP takes part on this node (spec.nodes.selector). */
  public boolean selectedBy(VirtualIpSpec spec) {
    var selector = spec.nodes().selector();
    return selector == null ? schedulable : selector.matches(labels);
  }

  /**
   * Problems of a spec that selects no node; empty if it selects one.
   *
   * @param nodes all nodes of the cluster
   */
  public static List<Problem> selectionProblems(VirtualIpSpec spec, Collection<NodeFacts> nodes) {
    if (nodes.stream().anyMatch(node -> node.selectedBy(spec))) {
      return List.of();
    }
    var selector = spec.nodes().selector();
    if (selector == null) {
      return List.of(
          new Problem(
              Problem.Kind.NoNodeSelected,
              "spec.nodes",
              ("each of the %d nodes has a NoSchedule or NoExecute taint; remove the taint from"
                      + " one, or select nodes by label in spec.nodes.selector")
                  .formatted(nodes.size())));
    }
    var labels =
        selector.matchLabels().isEmpty()
            ? "KEY=VALUE"
            : new TreeMap<>(selector.matchLabels())
                .entrySet().stream()
                    .map(label -> label.getKey() + "=" + label.getValue())
                    .collect(Collectors.joining(" "));
    return List.of(
        new Problem(
            Problem.Kind.NoNodeSelected,
            "spec.nodes.selector",
            ("matches none of the %d nodes; label a node, as in kubectl label node NAME %s, or"
                    + " change the selector")
                .formatted(nodes.size(), labels)));
  }
}
