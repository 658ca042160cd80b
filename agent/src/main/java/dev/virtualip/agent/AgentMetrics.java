package dev.virtualip.agent;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Counters of the agent; names follow keepalived's statistics where it has them. What belongs to no
 * VirtualIP has an empty {@code vip}.
 */
final class AgentMetrics {
  private static final String VIP = "vip";
  private static final String CHECK = "check";
  private static final String CHECK_GOOD = "virtualip.check.good";
  private static final String CHECK_FAILING = "virtualip.check.failing";

  /** Buckets: from what is usual to what costs an advert interval. */
  private static final Duration[] LATENESS = {
    Duration.ofMillis(1), Duration.ofMillis(10), Duration.ofMillis(100), Duration.ofSeconds(1)
  };

  private final MeterRegistry registry;

  AgentMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  void sent(String vip, int priority) {
    count("virtualip.adverts.sent", "Adverts sent", vip);
    if (priority == 0) {
      count("virtualip.resignations.sent", "Adverts of priority 0 sent", vip);
    }
  }

  void sendFailed(String vip) {
    count("virtualip.adverts.send.failures", "Adverts that could not be sent", vip);
  }

  void received(String vip, int priority) {
    count("virtualip.adverts.received", "Valid adverts received", vip);
    if (priority == 0) {
      count("virtualip.resignations.received", "Valid adverts of priority 0 received", vip);
    }
  }

  void differs(String vip) {
    count("virtualip.adverts.differing", "Valid adverts received that list other addresses", vip);
  }

  void rejected(String vip, String reason) {
    count("virtualip.adverts.rejected", "Adverts dropped, by reason", vip, "reason", reason);
  }

  void restored(String vip) {
    count(
        "virtualip.addresses.restored",
        "Addresses, routes or rules put back after others took them",
        vip);
  }

  /** The cause loses its arguments here: a label has few values. */
  void transition(String vip, String state, String cause) {
    count(
        "virtualip.transitions",
        "State changes, by new state and cause",
        vip,
        "state",
        state,
        "cause",
        cause.replaceAll("\\([^)]*\\)", ""));
  }

  /** Shows a check as it stands; what fails is a label of a series that is there only meanwhile. */
  void check(String vip, CheckState state) {
    forgetCheck(vip, state.name());
    if (state.verdict() == Verdict.Unknown) {
      return;
    }
    boolean good = state.verdict() == Verdict.Good;
    gauge(CHECK_GOOD, "1 if the check is good, 0 if it fails", good ? 1 : 0, vip, state.name())
        .register(registry);
    if (!good) {
      gauge(CHECK_FAILING, "1 while the check fails, and what fails", 1, vip, state.name())
          .tag("detail", state.detail())
          .register(registry);
    }
  }

  /** A check that is no longer run. */
  void forgetCheck(String vip, String check) {
    for (var name : List.of(CHECK_GOOD, CHECK_FAILING)) {
      registry.find(name).tags(VIP, vip, CHECK, check).meters().forEach(registry::remove);
    }
  }

  private static Gauge.Builder<?> gauge(
      String name, String description, int value, String vip, String check) {
    return Gauge.builder(name, () -> value)
        .description(description)
        .strongReference(true)
        .tag(VIP, vip)
        .tag(CHECK, check);
  }

  void late(String vip, long nanos) {
    Timer.builder("virtualip.deadline.lateness")
        .description("How late deadlines were met")
        .serviceLevelObjectives(LATENESS)
        .tag(VIP, vip)
        .register(registry)
        .record(nanos, TimeUnit.NANOSECONDS);
  }

  private void count(String name, String description, String vip, String... tags) {
    Counter.builder(name)
        .description(description)
        .tag(VIP, vip)
        .tags(tags)
        .register(registry)
        .increment();
  }
}
