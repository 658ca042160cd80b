package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.operator.watch.ClusterView;
import dev.virtualip.operator.watch.DrainTrigger;
import io.fabric8.kubernetes.api.model.Node;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * All that follows from a view of the cluster; pure. VirtualIPs take things away from each other
 * and share the agents, so one view decides about all.
 *
 * @param statuses the operator's part of each VirtualIP's status by name, in the view's order
 * @param placement the nodes that need an agent
 * @param dns the records to publish
 * @param turn how far the upgrade of the agents is
 */
public record Decisions(
    Map<String, StatusDecision> statuses,
    TreeSet<String> placement,
    DnsDecision dns,
    AgentRollout.Turn turn) {

  /**
   * Decides about all that is in view.
   *
   * @param drainOn what makes a node hand over
   * @param revision what agents have to run
   */
  public static Decisions of(ClusterView view, List<DrainTrigger> drainOn, String revision) {
    var basis = Basis.of(view, drainOn, revision);
    var statuses = new LinkedHashMap<String, StatusDecision>();
    view.vips().forEach(vip -> statuses.put(vip.getMetadata().getName(), basis.status(vip)));
    var dns = DnsDecision.of(basis.checked(), basis.problems());
    return new Decisions(statuses, basis.placement(), dns, basis.turn());
  }

  /** Whether to decide again soon although nothing may change: something takes its time. */
  public boolean unsettled() {
    return turn != AgentRollout.Turn.NONE
        || statuses.values().stream().anyMatch(status -> !status.handOvers().isEmpty());
  }

  /** What concerns the whole cluster, and what the status of each VirtualIP goes by. */
  private record Basis(
      ClusterView view,
      List<Result> checked,
      Map<String, List<Problem>> problems,
      List<NodeFacts> facts,
      Map<String, String> drains,
      Map<String, SwitchOver> switchOvers,
      TreeSet<String> placement,
      AgentRollout.Turn turn,
      Set<String> outdated,
      Set<String> names,
      Set<String> staffed) {

    static Basis of(ClusterView view, List<DrainTrigger> drainOn, String revision) {
      var facts = view.facts();
      var checked = view.vips().stream().map(CheckedSpec::check).toList();
      var problems = Conflicts.among(checked);
      var believed = view.believed().values();
      var drains = drains(view.nodes(), drainOn);
      var placement = AgentPlacement.nodes(believed, problems, facts);
      var turn =
          AgentRollout.turn(
              revision, view.pods(), placement, believed, facts, drains.keySet(), view.now());
      return new Basis(
          view,
          checked,
          problems,
          facts,
          drains,
          SwitchOvers.of(believed, facts, drains, turn.node()),
          placement,
          turn,
          AgentRollout.outdated(revision, view.pods()),
          facts.stream().map(NodeFacts::name).collect(Collectors.toSet()),
          view.pods().stream().map(pod -> pod.getSpec().getNodeName()).collect(Collectors.toSet()));
    }

    private static Map<String, String> drains(List<Node> nodes, List<DrainTrigger> drainOn) {
      var drains = new TreeMap<String, String>();
      nodes.forEach(
          node ->
              DrainTrigger.cause(drainOn, node)
                  .ifPresent(cause -> drains.put(node.getMetadata().getName(), cause)));
      return drains;
    }

    StatusDecision status(VirtualIp stored) {
      var name = stored.getMetadata().getName();
      var vip = view.believed().get(name);
      var switchOver = switchOvers.get(name);
      var wanted =
          new HandOvers.Wanted(
              drains,
              turn.node(),
              turn.begins(),
              outdated,
              SwitchOvers.inForce(switchOver) ? switchOver.to() : null);
      var handOvers = HandOvers.of(vip, wanted, view.now());
      var conditions = new ArrayList<>(VirtualIpConditions.of(vip, problems.get(name), facts));
      boolean selectable = AgentPlacement.hasSelector(vip, problems.get(name));
      conditions.addAll(Health.of(vip, selectable, facts, handOvers));
      return new StatusDecision(
          StatusDecision.timed(conditions, view.conditions(stored), view.now()),
          VirtualIpConditions.master(vip),
          VirtualIpStatus.backups(ClusterView.reports(vip)),
          view.lost().getOrDefault(name, Map.of()),
          gone(stored, selectable),
          handOvers,
          switchOver);
    }

    /** Nodes that are gone, or have no agent any more that could take its own report away. */
    private Set<String> gone(VirtualIp stored, boolean selectable) {
      var gone = new HashSet<String>();
      ClusterView.reports(stored)
          .forEach(
              (node, report) -> {
                boolean ended = report.state() == State.Init || report.state() == State.Unknown;
                boolean left =
                    ended
                        && selectable
                        && !staffed.contains(node)
                        && facts.stream()
                            .noneMatch(f -> f.name().equals(node) && f.selectedBy(stored));
                if (!names.contains(node) || left) {
                  gone.add(node);
                }
              });
      return gone;
    }
  }
}
