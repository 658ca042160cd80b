package dev.virtualip.operator;

import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Which nodes need an agent. */
final class AgentPlacement {
  private AgentPlacement() {}

  /**
   * The names of the nodes that at least one VirtualIP selects, in order. A VirtualIP with problems
   * keeps the agents it has: they still serve the generation they accepted last.
   *
   * @param problems by name of the VirtualIP
   */
  static TreeSet<String> nodes(
      Collection<VirtualIp> vips,
      Map<String, List<Problem>> problems,
      Collection<NodeFacts> nodes) {
    var names = new TreeSet<String>();
    for (var vip : vips) {
      var found = problems.get(vip.getMetadata().getName());
      var reports = VirtualIpConditions.reports(vip);
      for (var node : nodes) {
        if (hasSelector(vip, found) && node.selectedBy(vip.getSpec())
            || !found.isEmpty() && reports.containsKey(node.name())) {
          names.add(node.name());
        }
      }
    }
    return names;
  }

  /** Whether the spec says which nodes are meant: on old servers it may hold nulls. */
  private static boolean hasSelector(VirtualIp vip, List<Problem> problems) {
    return vip.getSpec() != null
        && problems.stream().noneMatch(p -> p.path().startsWith("spec.nodes.selector"));
  }
}
