package dev.virtualip.operator.decide;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.watch.ClusterView;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Decides which nodes are asked to hand over a VirtualIP and to take a low priority. Requests only
 * ever lower a priority: VRRP alone decides which node is master. No node is asked while no other
 * node could serve.
 */
public final class HandOvers {
  public static final int LAST_RESORT = 1;
  private static final int RANK_MAX = 10;
  private static final String DRAIN = "Drain(";
  private static final String UPGRADE = "Upgrade";
  private static final String UPGRADE_LATER = "UpgradeLater";

  /**
   * A master that stays master although another node could serve is asked again after this time.
   */
  private static final Duration AGAIN = Duration.ofSeconds(30);

  /** For so long a master is not asked while a node does not say that it stands back. */
  private static final Duration NOTED = Duration.ofSeconds(2);

  private final Map<String, NodeStatus> reports;
  private final Map<String, HandOver> before;
  private final Wanted wanted;
  private final Instant now;
  private final Set<String> fit;
  private final Map<String, HandOver> asked = new TreeMap<>();

  /**
   * Why nodes have to hand over.
   *
   * @param drains nodes that are drained, and why
   * @param upgrading the node whose agent is being replaced, or null
   * @param upgradeBegins whether its old agent still runs
   * @param outdated nodes whose agents have yet to be replaced
   * @param switchTo the node that has to be master by a switch-over or a rebalancing, or null
   * @param rebalances whether it is a rebalancing
   */
  public record Wanted(
      Map<String, String> drains,
      String upgrading,
      boolean upgradeBegins,
      Set<String> outdated,
      String switchTo,
      boolean rebalances) {
    private String switchReason() {
      return (rebalances ? REBALANCE : "SwitchOver(") + switchTo + ")";
    }
  }

  /** How the reason of a move of a lane begins. */
  static final String REBALANCE = "Rebalance(";

  private HandOvers(VirtualIp vip, Wanted wanted, Instant now) {
    this.reports = ClusterView.reports(vip);
    this.before = present(vip);
    this.wanted = wanted;
    this.now = now;
    this.fit =
        reports.entrySet().stream()
            .filter(report -> Health.serves(report.getValue()))
            .map(Map.Entry::getKey)
            .filter(node -> !wanted.drains().containsKey(node) && !node.equals(wanted.upgrading()))
            .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * All requests, by node.
   *
   * @param vip the VirtualIP with believed reports and its present requests
   */
  public static Map<String, HandOver> of(VirtualIp vip, Wanted wanted, Instant now) {
    var handOvers = new HandOvers(vip, wanted, now);
    handOvers.drain();
    handOvers.switchOver();
    handOvers.upgrade();
    handOvers.endBestFirst(vip);
    handOvers.askMasterLast();
    return handOvers.asked;
  }

  /** The present requests, by node. */
  public static Map<String, HandOver> present(VirtualIp vip) {
    var present = new TreeMap<String, HandOver>();
    if (vip.getStatus() != null && vip.getStatus().handOvers() != null) {
      present.putAll(vip.getStatus().handOvers());
      present.values().removeIf(Objects::isNull);
    }
    return present;
  }

  /** Whether a request takes its node out of service for a time: a drain or an upgrade. */
  public static boolean takesOut(HandOver asked) {
    var reason = Objects.requireNonNullElse(asked.reason(), "");
    return isUpgrade(asked) || reason.startsWith(DRAIN);
  }

  public static boolean isUpgrade(HandOver asked) {
    return UPGRADE.equals(asked.reason());
  }

  /**
   * Whether a backup still reports the priority of a request that has ended. If checks or NICs can
   * change priorities this is unknown, and the result is false.
   */
  public static boolean stillLimited(VirtualIp vip, String node, NodeStatus report) {
    var spec = vip.getSpec();
    return spec != null
        && report.state() == State.Backup
        && !present(vip).containsKey(node)
        && Objects.equals(report.acceptedGeneration(), vip.getMetadata().getGeneration())
        && report.priority() != null
        && report.priority() <= RANK_MAX
        && spec.priorityOn(node) > RANK_MAX
        && hasFixedPriorities(spec);
  }

  private static boolean hasFixedPriorities(VirtualIpSpec spec) {
    return spec.whenAllFail() != HealthCheck.WhenAllFail.KeepMaster
        && spec.healthChecks().stream().allMatch(check -> check.weight() == 0)
        && spec.trackInterfaces().stream().allMatch(nic -> nic.weight() == 0)
        && spec.trackedRouters().stream().allMatch(router -> router.weight() == 0);
  }

  /**
   * Of the requests that end together, that of the best node ends first, and the others' when it
   * has taken note. A lower node that learns of it before an advert, and the best one after it,
   * would be master in between.
   */
  private void endBestFirst(VirtualIp vip) {
    var ending = new TreeSet<>(before.keySet());
    ending.retainAll(fit);
    ending.removeAll(asked.keySet());
    if (ending.isEmpty() || vip.getSpec() == null || !hasFixedPriorities(vip.getSpec())) {
      return;
    }
    boolean noted = fit.stream().noneMatch(node -> stillLimited(vip, node, reports.get(node)));
    if (noted) {
      ending.stream().max(Comparator.comparingInt(vip.getSpec()::priorityOn)).map(ending::remove);
    }
    ending.forEach(node -> asked.put(node, before.get(node)));
  }

  /**
   * A master is asked to hand over when the nodes that shall not follow say that they stand back. A
   * node that learned of its own request after the hand-over's skew might follow.
   */
  private void askMasterLast() {
    if (asked.entrySet().stream().anyMatch(e -> awaited(e.getKey(), e.getValue()))) {
      asked.keySet().removeIf(node -> isMaster(node) && !before.containsKey(node));
    }
  }

  private boolean awaited(String node, HandOver request) {
    var report = reports.get(node);
    return report != null
        && report.state() == State.Backup
        && (report.priority() == null || report.priority() > request.priority())
        && since(request).plus(NOTED).isAfter(now);
  }

  private void drain() {
    if (!fit.isEmpty()) {
      wanted.drains().forEach((node, cause) -> ask(node, LAST_RESORT, DRAIN + cause + ")"));
    }
  }

  /**
   * A hand-over that has begun goes on whatever happens to the other nodes: the agent may already
   * be gone.
   */
  private void upgrade() {
    var node = wanted.upgrading();
    boolean begun = before.containsKey(node == null ? "" : node) && isUpgrade(before.get(node));
    boolean begins =
        wanted.upgradeBegins()
            && !fit.isEmpty()
            && reports.containsKey(node)
            && Health.serves(reports.get(node));
    if (node != null && (begun || begins)) {
      ask(node, LAST_RESORT, UPGRADE);
      upgradeLater(node);
    }
  }

  /**
   * While a master is being upgraded, lowers the priority of nodes that were not upgraded yet: a
   * node that was upgraded takes over. Otherwise the successor would have to hand over again at its
   * own upgrade.
   */
  private void upgradeLater(String node) {
    boolean moves =
        isMaster(node) || before.values().stream().anyMatch(o -> UPGRADE_LATER.equals(o.reason()));
    if (moves && !wanted.outdated().containsAll(fit)) {
      fit.stream()
          .filter(other -> wanted.outdated().contains(other) && !asked.containsKey(other))
          .filter(other -> !isMaster(other) && !other.equals(wanted.switchTo()))
          .forEach(other -> ask(other, LAST_RESORT + 1, UPGRADE_LATER));
    }
  }

  private boolean isMaster(String node) {
    return reports.containsKey(node) && reports.get(node).state() == State.Master;
  }

  /** Asks all other nodes to take priorities below the new master's, in their present order. */
  private void switchOver() {
    var to = wanted.switchTo();
    if (to == null || !fit.contains(to)) {
      return;
    }
    var others = new HashSet<>(reports.keySet());
    others.remove(to);
    others.removeAll(asked.keySet());
    int rank = LAST_RESORT;
    var ordered =
        others.stream()
            .sorted(Comparator.comparingInt(this::ownPriority).thenComparing(node -> node))
            .toList();
    for (var node : ordered) {
      ask(node, Math.min(rank++, RANK_MAX), wanted.switchReason());
    }
  }

  /**
   * The priority by which nodes are ordered. A node with a request reports that priority, so the
   * request keeps its place in the order.
   */
  private int ownPriority(String node) {
    var own = before.get(node);
    return own != null && own.priority() != null
        ? own.priority()
        : Objects.requireNonNullElse(reports.get(node).priority(), 0);
  }

  private void ask(String node, int priority, String reason) {
    if (!reports.containsKey(node) && !before.containsKey(node)) {
      return;
    }
    var last = before.get(node);
    boolean same =
        last != null
            && Objects.equals(last.reason(), reason)
            && Objects.equals(last.priority(), priority)
            && last.since() != null;
    var since = same && !tooLong(node, last) ? last.since() : text(now);
    asked.put(node, new HandOver(priority, reason, since));
  }

  private boolean tooLong(String node, HandOver last) {
    return isMaster(node) && !fit.isEmpty() && since(last).plus(AGAIN).isBefore(now);
  }

  public static Instant since(HandOver asked) {
    return asked.since() == null ? Instant.EPOCH : Instant.parse(asked.since());
  }

  private static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.MILLIS).toString();
  }
}
