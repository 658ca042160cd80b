package dev.virtualip.agent.instance;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.EffectivePriority;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.TrackedRouter;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.values.IpPrefix;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The health checks of one virtual router, and how they and tracked NICs change its priority. Used
 * by the event loop's thread only; times are its nanoseconds.
 */
final class InstanceChecks {
  private static final Logger LOG = LoggerFactory.getLogger(InstanceChecks.class);

  private final Node node;
  private final LinkStates links;
  private final Map<HealthCheck, AutoCloseable> runners = new LinkedHashMap<>();
  private final Map<String, CheckState> states = new LinkedHashMap<>();

  /** Tracked routers that count as passed until there is news of them. */
  private final Set<TrackedRouter> presumed = new HashSet<>();

  private List<TrackedRouter> routers = List.of();

  InstanceChecks(Node node, LinkStates links) {
    this.node = node;
    this.links = links;
  }

  /**
   * Starts new checks and stops removed ones; unchanged checks keep running.
   *
   * @param takesPart whether the router takes part, or its earlier life did a moment ago: then a
   *     new check counts as passed until its first result
   */
  void run(InstanceConfig config, boolean takesPart) {
    stop(config.name(), Set.copyOf(config.healthChecks()));
    for (var check : config.healthChecks()) {
      if (!runners.containsKey(check)) {
        // A router that takes part must not stop because a check was added and has no result yet.
        states.put(
            check.name(),
            takesPart
                ? CheckState.of(check, check.reverse() ? Verdict.Failed : Verdict.Good, "")
                : CheckState.initial(check));
        runners.put(check, node.checks().start(config.name(), ScheduledCheck.ofNode(check)));
      }
    }
    trackRouters(config.bfd() == null ? List.of() : config.bfd().routers(), takesPart);
  }

  private void trackRouters(List<TrackedRouter> tracked, boolean takesPart) {
    presumed.retainAll(tracked);
    if (takesPart) {
      tracked.stream().filter(router -> !routers.contains(router)).forEach(presumed::add);
    }
    routers = tracked;
  }

  /** Stops all checks. */
  void stop(String vip) {
    stop(vip, Set.of());
  }

  private void stop(String vip, Set<HealthCheck> kept) {
    var stopped = new HashSet<>(runners.keySet());
    stopped.removeAll(kept);
    for (var check : stopped) {
      try {
        runners.remove(check).close();
      } catch (Exception e) {
        LOG.warn("check_not_stopped vip={} check={}", vip, check.name(), e);
      }
      states.remove(check.name());
      node.metrics().forgetCheck(vip, check.name());
    }
  }

  /**
   * Notes a new state of a check.
   *
   * @return false if that check is no longer run
   */
  boolean take(String vip, CheckState state) {
    if (!states.containsKey(state.name())) {
      return false;
    }
    states.put(state.name(), state);
    switch (state.verdict()) {
      case Unknown -> node.metrics().forgetVerdict(vip, state.name());
      case Good, Leaving -> node.metrics().check(vip, state.name(), null);
      case Failed -> node.metrics().check(vip, state.name(), state.detail());
    }
    LOG.info(
        "check vip={} check={} verdict={} detail=\"{}\"",
        vip,
        state.name(),
        state.verdict(),
        state.detail());
    return true;
  }

  /** Adds the faults that checks cause: reason and detail. */
  void addFaults(EffectivePriority effective, Map<Reason, String> faults) {
    for (var fault : effective.faults()) {
      faults.put(
          fault,
          fault.kind() == Kind.CheckGood
              ? "check " + fault.argument() + " is good, and reverse is set"
              : detail(fault.argument()));
    }
  }

  private String detail(String name) {
    return states.containsKey(name)
        ? states.get(name).detail()
        : "there is no session of BFD with the router: see docs/bfd.md";
  }

  /** Messages for checks that fail without being a fault. */
  Stream<String> failingBeside(List<Reason> faults) {
    return states.values().stream()
        .filter(check -> check.verdict() == Verdict.Failed || check.verdict() == Verdict.Leaving)
        .filter(check -> !check.reverse())
        .filter(check -> !faults.contains(new Reason(Kind.CheckFailed, check.name())))
        .map(check -> "check " + check.name() + ": " + check.detail());
  }

  /** The configured priority, changed by checks and tracked NICs. */
  EffectivePriority effective(InstanceConfig config, long now) {
    return EffectivePriority.of(config.priority(), weighed(config, now));
  }

  /**
   * Checks and tracked NICs that count for the priority. In a sync group those with a weight are
   * left out, as in keepalived: the members' priorities would drift apart.
   */
  private List<CheckState> weighed(InstanceConfig config, long now) {
    var weighed = new ArrayList<CheckState>();
    states.values().stream()
        .filter(check -> check.weight() == 0 || config.syncGroup() == null)
        .forEach(weighed::add);
    for (var router : routers) {
      if (router.weight() == 0 || config.syncGroup() == null) {
        weighed.add(state(router));
      }
    }
    if (config.syncGroup() == null) {
      for (var tracked : config.trackInterfaces()) {
        if (tracked.weight() != 0) {
          boolean up = links.up(tracked.name(), config, now);
          weighed.add(
              new CheckState(
                  tracked.name(),
                  tracked.weight(),
                  tracked.reverse(),
                  up ? Verdict.Good : Verdict.Failed,
                  ""));
        }
      }
    }
    return weighed;
  }

  /** A session that its administrator has ended says nothing against the router. */
  private CheckState state(TrackedRouter router) {
    var said = node.neighbours().said(router);
    if (said != null) {
      presumed.remove(router);
    }
    var verdict =
        switch (said) {
          case null -> presumed.contains(router) ? Verdict.Good : Verdict.Unknown;
          case Up, AdminDown -> Verdict.Good;
          case Lost, Down -> Verdict.Failed;
        };
    var name = "bfd:" + IpPrefix.text(router.address());
    return new CheckState(name, router.weight(), router.reverse(), verdict, "");
  }
}
