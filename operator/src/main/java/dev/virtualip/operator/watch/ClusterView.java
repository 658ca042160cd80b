package dev.virtualip.operator.watch;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver.Result;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The cluster as last seen, the only input of all decisions.
 *
 * @param vips the VirtualIPs as stored
 * @param believed the same VirtualIPs by name, with believed reports, see {@link AgentLiveness},
 *     and with what nodes were asked, which their status only shows
 * @param lost by name of the VirtualIP and node, the reports to write in place of those that their
 *     agents do not correct
 * @param pools the VirtualIPPools
 * @param services all Services
 * @param namespaces the labels of each namespace by its name
 * @param daemonSet the agents' DaemonSet, or null
 * @param pods the agents' pods
 * @param written conditions by UID as written last: the cache may lack them and their times
 * @param now the time of the view
 */
public record ClusterView(
    List<VirtualIp> vips,
    Map<String, VirtualIp> believed,
    Map<String, Map<String, NodeStatus>> lost,
    List<Node> nodes,
    List<VirtualIpPool> pools,
    List<Service> services,
    Map<String, Map<String, String>> namespaces,
    DaemonSet daemonSet,
    List<Pod> pods,
    Map<String, List<Condition>> written,
    Instant now) {
  public List<NodeFacts> facts() {
    return nodes.stream().map(NodeFacts::of).toList();
  }

  /** The labels of a namespace; none if it is gone. */
  public Map<String, String> labels(String namespace) {
    return namespaces.getOrDefault(namespace, Map.of());
  }

  /** The conditions of a VirtualIP as written last, or else as stored. */
  public List<Condition> conditions(VirtualIp vip) {
    var status = vip.getStatus();
    var stored =
        status == null || status.conditions() == null ? List.<Condition>of() : status.conditions();
    return written.getOrDefault(vip.getMetadata().getUid(), stored);
  }

  /**
   * A VirtualIP with what nodes are asked, in place of what its status shows. A refused switch-over
   * stays refused also where only the status says so, as after an upgrade: it asks for nothing.
   *
   * @param asked a status with handOvers and switchOver
   */
  static VirtualIp asked(VirtualIp vip, VirtualIpStatus asked) {
    var status = Objects.requireNonNullElse(vip.getStatus(), VirtualIpStatus.EMPTY);
    var shown = status.switchOver();
    boolean stays = asked.switchOver() == null && shown != null && shown.result() == Result.Refused;
    var switchOver = stays ? shown : asked.switchOver();
    if (Objects.equals(status.handOvers(), asked.handOvers())
        && Objects.equals(shown, switchOver)) {
      return vip;
    }
    return vip.withStatus(
        new VirtualIpStatus(
            status.observedGeneration(),
            status.master(),
            status.backups(),
            status.transitions(),
            status.nodes(),
            asked.handOvers(),
            switchOver,
            status.lastDrill(),
            status.conditions()));
  }

  /** The agents' reports, sorted by node name. */
  public static TreeMap<String, NodeStatus> reports(VirtualIp vip) {
    var reports = new TreeMap<String, NodeStatus>();
    if (vip.getStatus() != null && vip.getStatus().nodes() != null) {
      reports.putAll(vip.getStatus().nodes());
      reports.values().removeIf(Objects::isNull);
    }
    return reports;
  }
}
