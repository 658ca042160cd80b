package dev.virtualip.operator.decide;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.operator.watch.ClusterView;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Moves lanes back to the nodes that hashing gives them: lanes do not preempt, so after a node's
 * return they would stay with the others. One at a time, each by a hand-over without loss, and only
 * between nodes that have been quiet for a while. Pure: what it waits for is in the reports.
 *
 * @param vip the VirtualIP that is moved, or null
 * @param to the node that is to be its master, or null
 * @param waits whether a move waits for time to pass
 */
record Rebalance(String vip, String to, boolean waits) {
  /** Nothing is to be moved. */
  static final Rebalance NONE = new Rebalance(null, null, false);

  /** How long both nodes of a move, and the masters of all lanes, have been what they are. */
  static final Duration QUIET = Duration.ofSeconds(30);

  /** A node that has not become master after so long is not waited for any more. */
  private static final Duration TRIED = Duration.ofMinutes(1);

  /**
   * The next move.
   *
   * @param vips all VirtualIPs, with believed reports and the present requests
   * @param refused names of those that are not accepted
   * @param drained nodes that are drained
   * @param upgrades whether the agents are being replaced: that moves lanes enough
   * @param pinned names of those that somebody has switched over, or that rest, see {@link
   *     RebalanceRest}
   */
  static Rebalance of(
      Collection<VirtualIp> vips,
      Set<String> refused,
      Set<String> drained,
      boolean upgrades,
      Set<String> pinned,
      Instant now) {
    var lanes =
        vips.stream()
            .filter(vip -> Lanes.poolOf(vip) != null && vip.getSpec() != null)
            .filter(vip -> vip.getSpec().nodes().spreads() && !vip.getSpec().preempt().enabled())
            .filter(vip -> !refused.contains(vip.getMetadata().getName()))
            .sorted(Comparator.comparing(vip -> vip.getMetadata().getName()))
            .toList();
    var astray =
        lanes.stream()
            .filter(vip -> !pinned.contains(vip.getMetadata().getName()))
            .filter(vip -> isAstray(vip, drained))
            .filter(vip -> !isInVain(vip, now))
            .toList();
    if (astray.isEmpty() || upgrades) {
      return NONE;
    }
    var begun = astray.stream().filter(vip -> !HandOvers.present(vip).isEmpty()).findFirst();
    if (begun.isPresent()) {
      return move(begun.get(), drained);
    }
    return lanes.stream().allMatch(vip -> isQuiet(vip, now))
        ? move(astray.get((int) (now.getEpochSecond() / 60 % astray.size())), drained)
        : new Rebalance(null, null, true);
  }

  private static Rebalance move(VirtualIp vip, Set<String> drained) {
    return new Rebalance(vip.getMetadata().getName(), best(vip, drained), true);
  }

  /** Whether it has one master, and another node that can serve has a higher priority. */
  private static boolean isAstray(VirtualIp vip, Set<String> drained) {
    var masters = VirtualIpConditions.masters(vip);
    var best = best(vip, drained);
    return best != null && masters.size() == 1 && !masters.equals(List.of(best));
  }

  private static String best(VirtualIp vip, Set<String> drained) {
    return ClusterView.reports(vip).entrySet().stream()
        .filter(report -> Health.serves(report.getValue()) && !drained.contains(report.getKey()))
        .map(Map.Entry::getKey)
        .max(Comparator.comparingInt(vip.getSpec()::priorityOn))
        .orElse(null);
  }

  /**
   * Nobody followed, perhaps as adverts do not arrive: it is let be, and others have their turn.
   */
  private static boolean isInVain(VirtualIp vip, Instant now) {
    return HandOvers.present(vip).values().stream().anyMatch(asked -> isInVain(asked, now));
  }

  static boolean isInVain(HandOver asked, Instant now) {
    return HandOvers.since(asked).plus(TRIED).isBefore(now);
  }

  private static boolean isQuiet(VirtualIp vip, Instant now) {
    return ClusterView.reports(vip).values().stream()
        .filter(Health::serves)
        .map(NodeStatus::since)
        .filter(Objects::nonNull)
        .allMatch(since -> Instant.parse(since).plus(QUIET).isBefore(now));
  }
}
