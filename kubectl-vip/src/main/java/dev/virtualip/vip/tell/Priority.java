package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** Why a node's priority is what it is: the arithmetic of keepalived's weights, in words. */
public final class Priority {
  private static final int OWNER = 255;

  private Priority() {}

  /** As in {@code 70 = 100 (spec.priority) - 30 (check disk fails)}. */
  public static String why(VirtualIp vip, String node, NodeStatus report) {
    var spec = vip.getSpec();
    var inForce = report.priority();
    if (inForce == null) {
      return "none yet";
    }
    int base = spec.priorityOn(node);
    var override = spec.nodes().overrideFor(node);
    var own = spec.nodes().spreads() ? "spec.nodes.spread" : "spec.priority";
    var source = override != null && override.priority() != null ? "spec.nodes.overrides" : own;
    var origin = "%d (%s)".formatted(base, source);
    var asked = Reports.asked(vip, node);
    if (asked != null && inForce < base && asked.limit(base) == inForce) {
      return "%d, asked to hand over: %s; else %s".formatted(inForce, asked.reason(), origin);
    }
    if (inForce == 1 && message(report).contains("whenAllFail: KeepMaster")) {
      return "1, its checks fail (whenAllFail: KeepMaster); else " + origin;
    }
    var terms = terms(vip, report);
    if (inForce != sum(base, terms)) {
      return "%d, of %s; a NIC, a session of BFD or a reversed check makes the difference"
          .formatted(inForce, origin);
    }
    return terms.isEmpty()
        ? origin
        : "%d = %s%s"
            .formatted(
                inForce, origin, terms.stream().map(Term::toString).collect(Collectors.joining()));
  }

  /** In a few words for a column, as in {@code 1: Drain(cordoned)}. */
  public static String brief(VirtualIp vip, String node, NodeStatus report) {
    if (report.priority() == null) {
      return "-";
    }
    int base = vip.getSpec().priorityOn(node);
    var asked = Reports.asked(vip, node);
    if (asked != null && report.priority() < base) {
      return report.priority() + ": " + asked.reason();
    }
    return report.priority() == base
        ? Integer.toString(base)
        : "%d of %d".formatted(report.priority(), base);
  }

  /** What a check, a NIC or a router adds. */
  private record Term(String of, int added) {
    @Override
    public String toString() {
      return " %s %d (%s)".formatted(added > 0 ? "+" : "-", Math.abs(added), of);
    }
  }

  private static int sum(int base, List<Term> terms) {
    return terms.isEmpty()
        ? base
        : Math.clamp(base + terms.stream().mapToInt(Term::added).sum(), 1, OWNER - 1);
  }

  /**
   * What is added, NICs and routers taken for up, as the status does not tell of them. An address
   * owner and members of a sync group have no weights.
   */
  private static List<Term> terms(VirtualIp vip, NodeStatus report) {
    var spec = vip.getSpec();
    var terms = new ArrayList<Term>();
    if (spec.syncGroup() != null || Objects.equals(report.priority(), OWNER)) {
      return terms;
    }
    for (var check : spec.healthChecks()) {
      var fails = fails(check, report) ? " fails" : "";
      terms.add(new Term("check " + check.name() + fails, added(check, report)));
    }
    for (var nic : spec.trackInterfaces()) {
      terms.add(up("NIC " + nic.name(), nic.weight(), nic.reverse()));
    }
    for (var router : spec.trackedRouters()) {
      terms.add(up("BFD with " + router.address(), router.weight(), router.reverse()));
    }
    terms.removeIf(term -> term.added() == 0);
    return terms;
  }

  private static Term up(String of, int weight, boolean reverse) {
    int added = Math.max(weight, 0);
    return new Term(of, reverse ? -added : added);
  }

  private static int added(HealthCheck check, NodeStatus report) {
    int weight = check.weight();
    int added = fails(check, report) ? Math.min(weight, 0) : Math.max(weight, 0);
    return check.reverse() ? -added : added;
  }

  /** Whether a check with a weight fails. Of a reversed one the status does not tell. */
  private static boolean fails(HealthCheck check, NodeStatus report) {
    return message(report).contains("check " + check.name() + ": ");
  }

  private static String message(NodeStatus report) {
    return Objects.requireNonNullElse(report.message(), "");
  }
}
