package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.operator.watch.AgentLiveness;
import dev.virtualip.operator.watch.ClusterView;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

/** Decides which nodes need an agent. */
public final class AgentPlacement {
  private AgentPlacement() {}

  /**
   * The names of the nodes that at least one VirtualIP selects, or sends packets with its address
   * as a real server, in order. A VirtualIP with problems keeps the agents it has: they still serve
   * the generation they accepted last. A node that is not selected any more keeps its agent until
   * that has handed over and has taken its report away. A mirrored VirtualIP has other agents.
   *
   * @param vips with the reports that are to be believed
   * @param problems by name of the VirtualIP
   */
  public static TreeSet<String> nodes(
      Collection<VirtualIp> vips,
      Map<String, List<Problem>> problems,
      Collection<NodeFacts> nodes) {
    var names = new TreeSet<String>();
    for (var vip : vips) {
      if (vip.mirrored()) {
        continue;
      }
      var found = problems.get(vip.getMetadata().getName());
      var reports = ClusterView.reports(vip);
      for (var node : nodes) {
        boolean selected =
            hasSelector(vip, found) && node.selectedBy(vip) || node.isRealServerOf(vip);
        var report = reports.get(node.name());
        if (selected || report != null && stays(vip, report, found, nodes)) {
          names.add(node.name());
        }
      }
    }
    return names;
  }

  private static boolean stays(
      VirtualIp vip, NodeStatus report, List<Problem> problems, Collection<NodeFacts> nodes) {
    return AgentLiveness.isLive(report) || !problems.isEmpty() || unselects(vip, report, nodes);
  }

  /**
   * Whether the newest version, which the agent has not accepted yet, selects no node at all. That
   * is taken for a slip.
   */
  private static boolean unselects(VirtualIp vip, NodeStatus report, Collection<NodeFacts> nodes) {
    return !Objects.equals(report.acceptedGeneration(), vip.getMetadata().getGeneration())
        && !NodeFacts.selectionProblems(vip, nodes).isEmpty();
  }

  /**
   * Whether the spec has a usable node selector: on old API servers it may contain nulls. That of a
   * mirrored one is for the nodes that have its file.
   */
  public static boolean hasSelector(VirtualIp vip, List<Problem> problems) {
    return vip.getSpec() != null
        && !vip.mirrored()
        && problems.stream().noneMatch(p -> p.path().startsWith("spec.nodes.selector"));
  }
}
