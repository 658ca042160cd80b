package dev.virtualip.vip.tell;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.Lease;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.Durations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How long a failover takes at most, from a cause at the master until the successor has announced
 * the addresses. The formulas are those of docs/protocol.md, docs/bfd.md and docs/checks.md.
 *
 * @param cause what happens to the master
 * @param detection until the successor has been told of it, or has missed the master
 * @param decision how long the successor leaves it to better ones
 * @param bind from its decision until the kernel has the addresses
 * @param announce from then on until each address has been announced
 */
public record Budget(
    String cause, Duration detection, Duration decision, Duration bind, Duration announce) {
  /** What a LAN and a busy agent take, where the successor has not taken over yet: benchmarks. */
  private static final Duration TYPICAL_BIND = Duration.ofMillis(4);

  private static final Duration TYPICAL_ANNOUNCE = Duration.ofMillis(1);

  /** What a step of priority adds to the time that a backup waits after a resignation. */
  private static final Duration SUCCESSION_STEP = Duration.ofNanos(100_000);

  private static final Duration SUCCESSION_MIN = Duration.ofMillis(2);

  /** Time to the next check after a failure that was seen at once. */
  private static final Duration WATCHED_RETRY = Duration.ofMillis(10);

  private static final int PRIORITIES = 256;

  /** All parts together. */
  public Duration total() {
    return detection.plus(decision).plus(bind).plus(announce);
  }

  /**
   * One budget for each cause: the agent stops, what a check asks ends or hangs, a NIC is down, the
   * node is lost.
   *
   * @param master name of the master's node; empty if it is any
   * @param priority the successor's in force, 1 to 255
   * @param successor its report, whose last takeover tells what binding takes; null if there is
   *     none
   */
  public static List<Budget> of(
      CheckedSpec spec, String master, int priority, NodeStatus successor) {
    var budgets = new ArrayList<Budget>();
    var followed = new Followed(spec, best(spec, master), priority, successor);
    budgets.add(followed.resigned("the agent stops", Duration.ZERO));
    for (var check : spec.spec().healthChecks()) {
      if (check.weight() == 0 && !check.reverse()) {
        budgets.add(followed.resigned("check %s: it ends".formatted(check.name()), ends(check)));
        if (noticesHangs(check)) {
          budgets.add(
              followed.resigned("check %s: it hangs".formatted(check.name()), hangs(check)));
        }
      }
    }
    var adverts = spec.spec().interfaceOn(master);
    budgets.add(followed.silent("NIC %s down (adverts)".formatted(adverts)));
    for (var nic : otherNics(spec, master, adverts)) {
      budgets.add(followed.resigned("NIC %s down".formatted(nic), spec.linkDownDelay()));
    }
    budgets.add(followed.silent("the node is lost"));
    return budgets;
  }

  /** The priority that the master has without its checks; the best there is, if that is unknown. */
  private static int best(CheckedSpec checked, String master) {
    var spec = checked.spec();
    if (!master.isEmpty()) {
      return spec.priorityOn(master);
    }
    return spec.nodes().spreads() ? PRIORITIES - 1 : spec.priority();
  }

  /** A line for each, with headings, two spaces inside. */
  public static List<String> table(List<Budget> budgets) {
    var table = new Table("  CAUSE", "DETECTION", "DECISION", "BIND", "ANNOUNCE", "TOGETHER");
    for (var budget : budgets) {
      table.row(
          "  " + budget.cause(),
          Times.text(budget.detection()),
          Times.text(budget.decision()),
          Times.text(budget.bind()),
          Times.text(budget.announce()),
          Times.text(budget.total()));
    }
    return table.lines();
  }

  /** Whether the successor's own last takeover says what binding takes. */
  static boolean isMeasured(NodeStatus successor) {
    return takeover(successor) != null;
  }

  private static Took takeover(NodeStatus successor) {
    return successor == null || successor.history() == null
        ? null
        : successor.history().stream()
            .filter(change -> change != null && change.to() == State.Master)
            .map(Took::of)
            .filter(took -> took.parts().containsKey("bound"))
            .findFirst()
            .orElse(null);
  }

  private static Set<String> otherNics(CheckedSpec spec, String master, String adverts) {
    var nics = new LinkedHashSet<String>();
    Stream.concat(
            spec.addresses().stream().map(a -> spec.interfaceOn(master, a.interfaceName())),
            spec.spec().trackInterfaces().stream()
                .filter(nic -> nic.weight() == 0)
                .map(nic -> nic.name()))
        .forEach(nics::add);
    nics.remove(adverts);
    return nics;
  }

  /** What a check asks has ended: its connection or process is gone, its port is closed. */
  private static Duration ends(HealthCheck check) {
    if (check.watches()) {
      return between(check, WATCHED_RETRY).multipliedBy(check.fall() - 1L);
    }
    var interval = Durations.parse(check.interval());
    var answer = check.ping() == null ? Duration.ZERO : Durations.parse(check.timeout());
    return interval
        .plus(between(check, interval).multipliedBy(check.fall() - 1L))
        .plus(answer.multipliedBy(check.fall()));
  }

  /** What a check asks accepts and never answers. */
  private static Duration hangs(HealthCheck check) {
    var interval = Durations.parse(check.interval());
    var timeout = Durations.parse(check.timeout());
    var next =
        check.retryInterval() != null
            ? timeout.plus(Durations.parse(check.retryInterval()))
            : interval.compareTo(timeout) > 0 ? interval : timeout;
    return interval.plus(next.multipliedBy(check.fall() - 1L)).plus(timeout);
  }

  private static Duration between(HealthCheck check, Duration otherwise) {
    return check.retryInterval() == null ? otherwise : Durations.parse(check.retryInterval());
  }

  private static boolean noticesHangs(HealthCheck check) {
    return check.http() != null
        || check.udp() != null
        || check.dns() != null
        || check.smtp() != null
        || check.exec() != null;
  }

  /** How a successor follows a master. */
  private record Followed(CheckedSpec spec, int best, int priority, NodeStatus successor) {
    /** The master sends priority 0. */
    Budget resigned(String cause, Duration detection) {
      return budget(cause, detection, isExclusive() ? skew() : succession());
    }

    /** The master falls silent. */
    Budget silent(String cause) {
      boolean missed = spec.bfd() != null && !isExclusive();
      return missed
          ? budget(cause, spec.bfd().interval().multipliedBy(spec.bfd().multiplier()), succession())
          : budget(cause, spec.advertInterval().multipliedBy(3), skew());
    }

    private Budget budget(String cause, Duration detection, Duration decision) {
      var took = takeover(successor);
      return took == null
          ? new Budget(cause, detection, decision, TYPICAL_BIND, TYPICAL_ANNOUNCE)
          : new Budget(
              cause,
              detection,
              decision,
              took.part("bound"),
              took.parts().getOrDefault("announced", took.part("bound")).minus(took.part("bound")));
    }

    private boolean isExclusive() {
      return spec.spec().lease().policy() == Lease.Policy.Exclusive;
    }

    private Duration skew() {
      var whole = spec.spec().vrrpVersion() == 2 ? Duration.ofSeconds(1) : spec.advertInterval();
      return whole.multipliedBy(PRIORITIES - priority).dividedBy(PRIORITIES);
    }

    private Duration succession() {
      boolean preempts = spec.spec().preempt().enabled() && spec.preemptDelay().isZero();
      int steps = (preempts && priority <= best ? best : PRIORITIES) - priority;
      var wait = SUCCESSION_MIN.plus(SUCCESSION_STEP.multipliedBy(steps));
      return wait.compareTo(skew()) < 0 ? wait : skew();
    }
  }
}
