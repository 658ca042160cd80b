package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.Drill.Kind;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.time.Duration;
import java.util.stream.Collectors;

/**
 * A move that can be rehearsed.
 *
 * @param from node that is master
 * @param to node that is to take over
 * @param returns whether the address moves back by itself, once the drill is over
 */
public record DrillPlan(String from, String to, boolean returns) {

  /**
   * The plan for a VirtualIP as it is.
   *
   * @param to node that is to take over, or null for the best backup
   * @param preemptDelay the checked {@code spec.preempt.delay}
   * @throws IllegalStateException if the move could lose service; the message says why
   */
  public static DrillPlan of(VirtualIp vip, Kind kind, String to, Duration preemptDelay) {
    var name = vip.getMetadata().getName();
    var masters = Reports.masters(vip);
    if (masters.size() != 1) {
      throw new IllegalStateException(
          "no drill: %s; see kubectl vip why %s"
              .formatted(
                  masters.isEmpty()
                      ? "no node is master"
                      : String.join(", ", masters) + " are master at once",
                  name));
    }
    var annotations = vip.getMetadata().getAnnotations();
    if (annotations != null && annotations.get(VirtualIp.SWITCH_TO) != null) {
      throw new IllegalStateException(
          "no drill: a switch-over to %s is in force; end it by kubectl vip release %s"
              .formatted(annotations.get(VirtualIp.SWITCH_TO), name));
    }
    var from = masters.getFirst();
    var next = next(vip, from, kind, to);
    boolean returns =
        Boolean.TRUE.equals(vip.getSpec().preempt().enabled())
            && preemptDelay.isZero()
            && priority(vip, from) > priority(vip, next);
    return new DrillPlan(from, next, returns);
  }

  private static int priority(VirtualIp vip, String node) {
    return Reports.priority(Reports.of(vip).get(node));
  }

  private static String next(VirtualIp vip, String from, Kind kind, String to) {
    var best =
        Reports.successor(vip)
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "no drill: no backup can serve; " + others(vip, from)));
    if (to == null || to.equals(best)) {
      return best;
    }
    if (kind != Kind.Switch) {
      throw new IllegalStateException(
          "no drill: when the %s, %s takes over, as the backup of the highest priority:"
                  .formatted(kind == Kind.StopAgent ? "agent stops" : "check fails", best)
              + " leave out --to, or use --kind switch");
    }
    var report = Reports.of(vip).get(to);
    if (report == null || report.state() != State.Backup) {
      throw new IllegalStateException(
          "no drill: %s can't serve: %s"
              .formatted(
                  to,
                  report == null ? "it does not run this VirtualIP" : Reports.described(report)));
    }
    return to;
  }

  private static String others(VirtualIp vip, String master) {
    var others =
        Reports.of(vip).entrySet().stream()
            .filter(report -> !report.getKey().equals(master))
            .map(report -> report.getKey() + ": " + Reports.described(report.getValue()))
            .collect(Collectors.joining("; "));
    return others.isEmpty() ? "there is no other node" : others;
  }
}
