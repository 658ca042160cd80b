package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.OwnedAddresses;
import dev.virtualip.crds.check.Pools;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.check.VridAllocation;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPoolStatus;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.operator.watch.ClusterView;
import dev.virtualip.operator.watch.DrainTrigger;
import io.fabric8.kubernetes.api.model.Node;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * All decisions from one view of the cluster; pure. VirtualIPs conflict with each other and share
 * the agents, so all are decided together.
 *
 * @param statuses the operator's part of each VirtualIP's status by name, in the view's order
 * @param vrids VRIDs to write into specs, by name; the status of such a VirtualIP waits for that
 * @param movedVrids by name, who uses the VRID that one of these had
 * @param pools the status of each VirtualIPPool by name
 * @param placement the nodes that need an agent
 * @param services what becomes of the Services, and the VirtualIPs made for them
 * @param dns the records to publish
 * @param turn the next step of the upgrade of the agents
 * @param rebalances whether a lane is being moved, or waits to be
 */
public record Decisions(
    Map<String, StatusDecision> statuses,
    Map<String, Integer> vrids,
    Map<String, String> movedVrids,
    Map<String, VirtualIpPoolStatus> pools,
    TreeSet<String> placement,
    ServiceDecisions services,
    DnsDecision dns,
    AgentRollout.Turn turn,
    boolean rebalances) {

  /**
   * Decides about everything in a view.
   *
   * @param drainOn triggers that make a node hand over
   * @param revision the revision that agents have to have
   * @param apiServer the address by which pods reach the API server, or null
   * @param servicesWithoutClass whether Services without a class are served
   * @param resting lanes that are not to be moved now, see {@link RebalanceRest}
   */
  public static Decisions of(
      ClusterView view,
      List<DrainTrigger> drainOn,
      String revision,
      InetAddress apiServer,
      boolean servicesWithoutClass,
      Set<String> resting) {
    var basis = Basis.of(view, drainOn, revision, apiServer, resting);
    var statuses = new LinkedHashMap<String, StatusDecision>();
    var vrids = basis.allocated().vrids();
    view.vips().forEach(vip -> statuses.put(vip.getMetadata().getName(), basis.status(vip)));
    var dns = DnsDecision.of(basis.checked(), basis.problems());
    var services =
        ServiceDecisions.of(
            view, basis.allowed().all(), basis.own(), basis.problems(), servicesWithoutClass);
    return new Decisions(
        statuses,
        vrids,
        basis.allocated().moved(),
        basis.pools(),
        basis.placement(),
        services,
        dns,
        basis.turn(),
        basis.rebalance().waits());
  }

  /** Whether to decide again soon even without a change, because a step waits for time to pass. */
  public boolean unsettled() {
    return turn != AgentRollout.Turn.NONE
        || rebalances
        || statuses.values().stream().anyMatch(status -> !status.handOvers().isEmpty());
  }

  /** Facts about the whole cluster, by which the status of each VirtualIP is decided. */
  private record Basis(
      ClusterView view,
      Pools allowed,
      OwnedAddresses own,
      VridAllocation allocated,
      List<Result> checked,
      Map<String, List<Problem>> problems,
      Map<String, List<Problem>> owned,
      List<NodeFacts> facts,
      Map<String, String> drains,
      Map<String, SwitchOver> switchOvers,
      Rebalance rebalance,
      TreeSet<String> placement,
      AgentRollout.Turn turn,
      Set<String> outdated,
      Set<String> names,
      Set<String> staffed) {

    static Basis of(
        ClusterView view,
        List<DrainTrigger> drainOn,
        String revision,
        InetAddress apiServer,
        Set<String> resting) {
      var facts = view.facts();
      var allowed = Pools.of(view.pools());
      var own = new OwnedAddresses(facts, apiServer);
      var allocated =
          VridAllocation.of(
              view.vips(),
              allowed,
              ForeignRouters.ofNewOnes(view.believed().values(), facts, view.now()));
      var checked =
          view.vips().stream()
              .map(vip -> CheckedSpec.check(allocated.apply(vip)).withVip(vip))
              .map(allowed::judge)
              .map(allocated::explain)
              .toList();
      var owned = owned(checked, facts, own);
      var problems = problems(view, checked, owned);
      // Agents that run from files are asked for nothing.
      var believed =
          view.believed().values().stream().filter(Predicate.not(VirtualIp::mirrored)).toList();
      var drains = drains(view.nodes(), drainOn);
      var placement = AgentPlacement.nodes(believed, problems, facts);
      var turn =
          AgentRollout.turn(
              revision, view.pods(), placement, believed, facts, drains.keySet(), view.now());
      var switchOvers =
          SwitchOvers.of(view.believed().values(), refused(problems), facts, drains, turn.node());
      var unmoved = new HashSet<>(resting);
      unmoved.addAll(switchOvers.keySet());
      return new Basis(
          view,
          allowed,
          own,
          allocated,
          checked,
          problems,
          owned,
          facts,
          drains,
          switchOvers,
          Rebalance.of(
              believed,
              refused(problems),
              drains.keySet(),
              turn != AgentRollout.Turn.NONE,
              unmoved,
              view.now()),
          placement,
          turn,
          AgentRollout.outdated(revision, view.pods()),
          facts.stream().map(NodeFacts::name).collect(Collectors.toSet()),
          view.pods().stream().map(pod -> pod.getSpec().getNodeName()).collect(Collectors.toSet()));
    }

    /**
     * Addresses of VirtualIPs that the cluster has for its own, as problems, by name. A mirrored
     * one may well be the address by which the API server is reached.
     */
    private static Map<String, List<Problem>> owned(
        List<Result> checked, List<NodeFacts> facts, OwnedAddresses own) {
      var ofNodes = new OwnedAddresses(facts, null);
      var owned = new HashMap<String, List<Problem>>();
      for (var vip : checked) {
        var judge = vip.vip().mirrored() ? ofNodes : own;
        owned.put(vip.name(), vip.isGood() ? judge.problems(vip.spec()) : List.of());
      }
      return owned;
    }

    /**
     * What keeps each VirtualIP from being accepted. A Node's own address does so only when the
     * VirtualIP comes: of one that was accepted, a kubelet has taken a virtual address for its
     * node's own, and what is served stays so.
     */
    private static Map<String, List<Problem>> problems(
        ClusterView view, List<Result> checked, Map<String, List<Problem>> owned) {
      var problems = new HashMap<>(Conflicts.among(checked));
      for (var vip : checked) {
        if (problems.get(vip.name()).isEmpty()
            && !vip.vip().mirrored()
            && !VirtualIpConditions.isAccepted(vip.vip(), view.conditions(vip.vip()))) {
          problems.put(vip.name(), owned.get(vip.name()));
        }
      }
      return problems;
    }

    private static Set<String> refused(Map<String, List<Problem>> problems) {
      return problems.keySet().stream()
          .filter(name -> !problems.get(name).isEmpty())
          .collect(Collectors.toSet());
    }

    Map<String, VirtualIpPoolStatus> pools() {
      var accepted = checked.stream().filter(vip -> problems.get(vip.name()).isEmpty()).toList();
      var byName =
          allowed.all().stream().collect(Collectors.toMap(CheckedPool::name, Function.identity()));
      var statuses = new TreeMap<String, VirtualIpPoolStatus>();
      for (var pool : view.pools()) {
        var name = pool.getMetadata().getName();
        statuses.put(name, PoolUse.status(pool, byName.get(name), accepted, view.now()));
      }
      return statuses;
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
      var switchTo = SwitchOvers.inForce(switchOver) ? switchOver.to() : null;
      // Never what somebody has switched over.
      boolean rebalanced = name.equals(rebalance.vip());
      var wanted =
          new HandOvers.Wanted(
              drains,
              turn.node(),
              turn.begins(),
              outdated,
              rebalanced ? rebalance.to() : switchTo,
              rebalanced);
      var handOvers =
          vip.mirrored() ? Map.<String, HandOver>of() : HandOvers.of(vip, wanted, view.now());
      var conditions = new ArrayList<>(VirtualIpConditions.of(vip, problems.get(name), facts));
      boolean selectable = AgentPlacement.hasSelector(vip, problems.get(name));
      conditions.addAll(Health.of(vip, selectable, facts, handOvers, owned.get(name)));
      return new StatusDecision(
          StatusDecision.timed(conditions, view.conditions(stored), view.now()),
          VirtualIpConditions.master(vip),
          VirtualIpStatus.backups(ClusterView.reports(vip)),
          view.lost().getOrDefault(name, Map.of()),
          gone(stored, selectable),
          handOvers,
          switchOver);
    }

    /** Nodes that no longer exist, or no longer have an agent that could remove its own report. */
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
