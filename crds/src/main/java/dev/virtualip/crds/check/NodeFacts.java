package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.RealServers;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import io.fabric8.kubernetes.api.model.Taint;
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
 * @param schedulable whether an ordinary workload may come to it: it has no NoSchedule or NoExecute
 *     taint. Taints that Kubernetes itself puts on nodes in trouble or under maintenance do not
 *     count
 * @param evicting whether an ordinary workload has to leave it: it has such a NoExecute taint
 * @param addresses its InternalIPs, in the order of the Node object
 */
public record NodeFacts(
    String name,
    Map<String, String> labels,
    boolean schedulable,
    boolean evicting,
    List<String> addresses) {
  private static final String KUBERNETES_TAINTS = "node.kubernetes.io/";

  /** Turns null addresses into an empty list. */
  public NodeFacts {
    addresses = addresses == null ? List.of() : List.copyOf(addresses);
  }

  /** Facts of a node without a NoExecute taint. */
  public NodeFacts(
      String name, Map<String, String> labels, boolean schedulable, List<String> addresses) {
    this(name, labels, schedulable, false, addresses);
  }

  /** Facts of a node without addresses. */
  public NodeFacts(String name, Map<String, String> labels, boolean schedulable) {
    this(name, labels, schedulable, List.of());
  }

  /** The facts of a Node object. */
  public static NodeFacts of(Node node) {
    var labels = node.getMetadata().getLabels();
    return new NodeFacts(
        node.getMetadata().getName(),
        Objects.requireNonNullElse(labels, Map.of()),
        !hasTaint(node, "NoSchedule") && !hasTaint(node, "NoExecute"),
        hasTaint(node, "NoExecute"),
        internalIps(node));
  }

  private static boolean hasTaint(Node node, String effect) {
    var taints = node.getSpec() == null ? null : node.getSpec().getTaints();
    return taints != null
        && taints.stream()
            .filter(taint -> effect.equals(taint.getEffect()))
            .map(Taint::getKey)
            .anyMatch(key -> !Objects.requireNonNullElse(key, "").startsWith(KUBERNETES_TAINTS));
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
    return own.equals(addresses) ? this : with(own);
  }

  /** The same with other addresses. */
  public NodeFacts with(List<String> others) {
    return new NodeFacts(name, labels, schedulable, evicting, others);
  }

  /**
   * Whether the VirtualIP takes part on this node (spec.nodes.selector). Without a selector it
   * comes to schedulable nodes. Where it runs already, as its status tells, a later NoSchedule
   * taint leaves it alone, as Kubernetes leaves pods. A mirrored one selects nobody: who runs it
   * has it from a file.
   */
  public boolean selectedBy(VirtualIp vip) {
    if (vip.mirrored()) {
      return false;
    }
    var selector = vip.getSpec().nodes().selector();
    return selector == null
        ? schedulable || !evicting && isReportedBy(vip)
        : selector.matches(labels);
  }

  /**
   * Whether a virtual server sends this node packets that still have the virtual address
   * (DirectRoute or Tunnel), so that it needs an agent which accepts that. An invalid spec may lack
   * anything.
   */
  public boolean isRealServerOf(VirtualIp vip) {
    return vip.getSpec() != null
        && vip.getSpec().virtualServers().stream()
            .filter(server -> server != null && server.realServers() != null)
            .filter(server -> server.forwarding() != null)
            .filter(server -> server.forwarding() != VirtualServer.Forwarding.Masquerade)
            .anyMatch(server -> isAmong(server.realServers()));
  }

  private boolean isAmong(RealServers servers) {
    boolean named =
        servers.nodes() != null
            && servers.nodes().selector() != null
            && servers.nodes().selector().matches(labels);
    return named
        || servers.addresses().stream()
            .anyMatch(server -> server != null && addresses.contains(server.address()));
  }

  private boolean isReportedBy(VirtualIp vip) {
    var status = vip.getStatus();
    return status != null && status.nodes() != null && status.nodes().get(name) != null;
  }

  /**
   * Problems of a spec that selects no node; empty if it selects one, or has not to.
   *
   * @param nodes all nodes of the cluster
   */
  public static List<Problem> selectionProblems(VirtualIp vip, Collection<NodeFacts> nodes) {
    if (vip.mirrored() || nodes.stream().anyMatch(node -> node.selectedBy(vip))) {
      return List.of();
    }
    var selector = vip.getSpec().nodes().selector();
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
