package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.watch.AgentPods;
import dev.virtualip.operator.watch.ClusterView;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The upgrade of the agents: one node at a time, backups before masters. Each node hands over
 * before its agent is replaced, so that an upgrade moves each address once. The node whose turn it
 * is stands in the requests to nodes, so that any operator can continue.
 */
public final class AgentRollout {
  /**
   * How long to wait for a hand-over. An agent that takes longer is probably too old to know the
   * request.
   */
  private static final Duration HAND_OVER = Duration.ofSeconds(15);

  private final String revision;
  private final List<Pod> pods;
  private final Set<String> nodes;
  private final Collection<VirtualIp> vips;
  private final Collection<NodeFacts> facts;
  private final Set<String> drained;
  private final Instant now;

  /**
   * The next step of the upgrade.
   *
   * @param node the node whose turn it is, or null
   * @param begins whether its old agent still exists
   * @param replace the pod to delete, so that it is replaced by an up-to-date one; or null
   * @param waitsFor what the upgrade waits for, or null
   */
  public record Turn(String node, boolean begins, Pod replace, String waitsFor) {
    public static final Turn NONE = new Turn(null, false, null, null);

    private static Turn waits(String node, boolean begins, String why) {
      return new Turn(node, begins, null, why);
    }
  }

  private AgentRollout(
      String revision,
      Collection<Pod> pods,
      Set<String> nodes,
      Collection<VirtualIp> vips,
      Collection<NodeFacts> facts,
      Set<String> drained,
      Instant now) {
    this.revision = revision;
    this.nodes = nodes;
    this.vips = vips;
    this.facts = facts;
    this.drained = drained;
    this.now = now;
    this.pods =
        pods.stream()
            .filter(pod -> pod.getSpec().getNodeName() != null)
            .filter(pod -> nodes.contains(pod.getSpec().getNodeName()))
            .toList();
  }

  /**
   * The next step of the upgrade.
   *
   * @param revision the revision that agents have to have
   * @param pods the agents' pods
   * @param nodes the nodes that need an agent
   * @param vips all VirtualIPs, with believed reports
   * @param facts all nodes
   * @param drained nodes that have to hand over anyway
   */
  public static Turn turn(
      String revision,
      Collection<Pod> pods,
      Set<String> nodes,
      Collection<VirtualIp> vips,
      Collection<NodeFacts> facts,
      Set<String> drained,
      Instant now) {
    var rollout = new AgentRollout(revision, pods, nodes, vips, facts, drained, now);
    var begun = rollout.begun();
    return begun.isEmpty() ? rollout.next() : rollout.goOn(begun.first());
  }

  /** The nodes whose agents have another revision. */
  public static Set<String> outdated(String revision, Collection<Pod> pods) {
    return pods.stream()
        .filter(pod -> outdated(revision, pod))
        .map(pod -> pod.getSpec().getNodeName())
        .filter(Objects::nonNull)
        .collect(Collectors.toSet());
  }

  /**
   * Nodes whose turn it is. More than one is possible only if two operators worked at the same
   * time.
   */
  private TreeSet<String> begun() {
    return vips.stream()
        .flatMap(vip -> HandOvers.present(vip).entrySet().stream())
        .filter(asked -> HandOvers.isUpgrade(asked.getValue()))
        .map(Map.Entry::getKey)
        .filter(nodes::contains)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Turn goOn(String node) {
    var pod = pods.stream().filter(p -> p.getSpec().getNodeName().equals(node)).findFirst();
    if (pod.isEmpty() || pod.get().isMarkedForDeletion()) {
      return Turn.waits(node, false, "the agent on %s is being replaced".formatted(node));
    }
    if (outdated(pod.get())) {
      var holding = vips.stream().filter(vip -> pending(vip, node) && !overdue(vip, node)).toList();
      return holding.isEmpty()
          ? new Turn(node, true, pod.get(), null)
          : Turn.waits(node, true, "%s hands over %s".formatted(node, names(holding)));
    }
    if (!AgentPods.ready(pod.get())) {
      return Turn.waits(
          node,
          false,
          "the new agent on %s is not ready: %s".formatted(node, AgentPods.trouble(pod.get())));
    }
    var unwell =
        vips.stream()
            .filter(vip -> HandOvers.present(vip).containsKey(node))
            .filter(vip -> HandOvers.isUpgrade(HandOvers.present(vip).get(node)))
            .flatMap(vip -> unwell(vip, node).stream())
            .findFirst();
    return unwell.map(why -> Turn.waits(node, false, why)).orElse(Turn.NONE);
  }

  /**
   * The problem of a new agent that cannot serve a VirtualIP which the old agent could. An agent
   * without a report about it no longer runs it, and has no problem.
   */
  private static Optional<String> unwell(VirtualIp vip, String node) {
    var report = ClusterView.reports(vip).get(node);
    return report == null || Health.serves(report)
        ? Optional.empty()
        : Optional.of(
            "the new agent on %s can't serve VirtualIP %s: %s"
                .formatted(
                    node, vip.getMetadata().getName(), VirtualIpConditions.described(report)));
  }

  private static boolean holds(VirtualIp vip, String node) {
    var report = ClusterView.reports(vip).get(node);
    return report != null && report.state() == State.Master;
  }

  /**
   * Whether the old agent is still needed: its node is master, or was master and has no successor
   * yet.
   */
  private static boolean pending(VirtualIp vip, String node) {
    var asked = HandOvers.present(vip).get(node);
    boolean handedOver = asked != null && HandOvers.isUpgrade(asked);
    return holds(vip, node) || handedOver && VirtualIpConditions.masters(vip).isEmpty();
  }

  /**
   * Whether not to wait for a hand-over any longer: the request is too old, or there is no other
   * node for the VirtualIP.
   */
  private boolean overdue(VirtualIp vip, String node) {
    var asked = HandOvers.present(vip).get(node);
    boolean late = asked != null && HandOvers.since(asked).plus(HAND_OVER).isBefore(now);
    return late || others(vip, node).isEmpty();
  }

  private List<NodeFacts> others(VirtualIp vip, String node) {
    return facts.stream()
        .filter(other -> !other.name().equals(node))
        .filter(
            other ->
                ClusterView.reports(vip).containsKey(other.name())
                    || vip.getSpec() != null && other.selectedBy(vip))
        .toList();
  }

  private Turn next() {
    var next =
        pods.stream()
            .filter(this::outdated)
            .min(
                Comparator.comparing(AgentPods::ready)
                    .thenComparing(pod -> held(pod.getSpec().getNodeName()).size())
                    .thenComparing(pod -> pod.getSpec().getNodeName()));
    if (next.isEmpty()) {
      return Turn.NONE;
    }
    var incomplete = incomplete().or(this::limited);
    if (incomplete.isPresent()) {
      return Turn.waits(null, false, incomplete.get());
    }
    var node = next.get().getSpec().getNodeName();
    var stuck =
        held(node).stream()
            .filter(vip -> !others(vip, node).isEmpty() && !anotherServes(vip, node))
            .toList();
    if (!stuck.isEmpty()) {
      return Turn.waits(
          null, false, "no other node can take over %s from %s".formatted(names(stuck), node));
    }
    boolean asks =
        vips.stream()
            .anyMatch(
                vip ->
                    anotherServes(vip, node)
                        && ClusterView.reports(vip).containsKey(node)
                        && Health.serves(ClusterView.reports(vip).get(node)));
    return asks
        ? Turn.waits(node, true, "%s is asked to hand over".formatted(node))
        : new Turn(node, true, next.get(), null);
  }

  private List<VirtualIp> held(String node) {
    return vips.stream().filter(vip -> holds(vip, node)).toList();
  }

  private boolean anotherServes(VirtualIp vip, String node) {
    return ClusterView.reports(vip).entrySet().stream()
        .filter(report -> !report.getKey().equals(node) && !drained.contains(report.getKey()))
        .anyMatch(report -> Health.serves(report.getValue()));
  }

  /**
   * The reason to wait while any node has no ready agent. An outdated agent that is not ready is no
   * reason.
   */
  private Optional<String> incomplete() {
    var missing = new TreeSet<>(nodes);
    pods.forEach(pod -> missing.remove(pod.getSpec().getNodeName()));
    if (!missing.isEmpty()) {
      return Optional.of("no agent runs on " + String.join(", ", missing));
    }
    return pods.stream()
        .filter(pod -> pod.isMarkedForDeletion() || !outdated(pod) && !AgentPods.ready(pod))
        .findFirst()
        .map(
            pod ->
                "the agent on %s is not ready: %s"
                    .formatted(pod.getSpec().getNodeName(), AgentPods.trouble(pod)));
  }

  /**
   * The reason to wait for a node that still reports the priority of an ended request. If it were
   * passed over now, another node would take over, and would soon be preempted.
   */
  private Optional<String> limited() {
    for (var vip : vips) {
      for (var report : ClusterView.reports(vip).entrySet()) {
        if (HandOvers.stillLimited(vip, report.getKey(), report.getValue())) {
          return Optional.of(
              "%s does not take part in VirtualIP %s with its own priority yet"
                  .formatted(report.getKey(), vip.getMetadata().getName()));
        }
      }
    }
    return Optional.empty();
  }

  private static String names(Collection<VirtualIp> vips) {
    return vips.stream().map(vip -> vip.getMetadata().getName()).collect(Collectors.joining(", "));
  }

  private boolean outdated(Pod pod) {
    return outdated(revision, pod);
  }

  private static boolean outdated(String revision, Pod pod) {
    var runs = pod.getMetadata().getAnnotations().get(AgentDaemonSet.REVISION);
    return runs != null && !runs.equals(revision);
  }
}
