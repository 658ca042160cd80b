package dev.virtualip.agent.metrics;

import dev.virtualip.agent.metrics.VirtualServerMetrics.Owner;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/**
 * The agent's metrics, described in docs/metrics.md. Names follow keepalived's statistics where it
 * has the same. Metrics that belong to no VirtualIP have an empty label {@code vip}.
 */
public final class AgentMetrics {
  private static final String VIP = "vip";
  private static final String CHECK = "check";
  private static final String CHECK_GOOD = "virtualip.check.good";
  private static final String CHECK_FAILING = "virtualip.check.failing";
  private static final String CHECK_DURATION = "virtualip.check.duration";
  private static final String STATE = "virtualip.state";
  private static final String PRIORITY = "virtualip.priority";
  private static final String ANNOUNCED =
      "Frames sent that announce addresses: gratuitous ARP, unsolicited neighbour advertisements";

  private static final String TAKEOVER =
      "Time from when the cause was seen that made this node master until it was decided, the first"
          + " advert was sent, the addresses were bound, and announced, and until all was done";
  private static final String RELEASE =
      "Time from when the cause was seen that ended this node's being master until it was decided,"
          + " the last advert was sent (Resigned: with priority 0), and the addresses were"
          + " released";

  /** Buckets from usual lateness to that of an advert interval. */
  private static final Duration[] LATENESS = {
    Duration.ofMillis(1), Duration.ofMillis(10), Duration.ofMillis(100), Duration.ofSeconds(1)
  };

  /** Buckets from a check on the same node to the longest usual timeout. */
  private static final Duration[] CHECK_DURATIONS = {
    Duration.ofMillis(10), Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(10)
  };

  /** Buckets from the parts of an undisturbed takeover to much longer ones. */
  private static final Duration[] TAKEOVERS = {
    Duration.ofMillis(1), Duration.ofMillis(5), Duration.ofMillis(20), Duration.ofMillis(100)
  };

  private final MeterRegistry registry;
  private final MultiGauge egressPods;
  private final MultiGauge egressFailed;
  private Timer turns;

  /**
   * Counters and timers of each advert, which cost more to find in the registry than to count. By
   * name, and by VirtualIP and further tags.
   */
  private final Map<String, Map<String, Counter>> counters = new ConcurrentHashMap<>();

  private final Map<String, Timer> lateness = new ConcurrentHashMap<>();
  private final Map<String, NodeStatus> statuses = new ConcurrentHashMap<>();
  private volatile Map<ServiceKey, Owner> services = Map.of();

  /** Metrics in a registry. */
  public AgentMetrics(MeterRegistry registry) {
    this.registry = registry;
    egressPods =
        MultiGauge.builder("virtualip.egress.pod.addresses")
            .description(
                "Addresses of pods whose packets this node as master gives the virtual one")
            .register(registry);
    egressFailed =
        MultiGauge.builder("virtualip.egress.failed")
            .description(
                "1 if this node is master and its kernel refuses to give packets the virtual"
                    + " address, else 0")
            .register(registry);
  }

  /** Adds the metrics of the process and the JVM. */
  @SuppressWarnings("resource") // they end with the process
  public static void process(MeterRegistry registry) {
    new ProcessorMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  /** Sets the status of a VirtualIP on this node, which its gauges show. */
  public void status(String vip, NodeStatus status) {
    if (statuses.put(vip, status) != null) {
      return;
    }
    for (var state : State.values()) {
      Gauge.builder(STATE, () -> statuses.get(vip).state() == state ? 1 : 0)
          .description("1 for the state that the VirtualIP has on this node, 0 for the others")
          .tag(VIP, vip)
          .tag("state", state.name())
          .register(registry);
    }
    Gauge.builder(PRIORITY, () -> priority(statuses.get(vip)))
        .description("Priority in force, health checks included; 0 where the VirtualIP is not run")
        .tag(VIP, vip)
        .register(registry);
  }

  /** Status of each VirtualIP, by name. */
  Map<String, NodeStatus> statuses() {
    return statuses;
  }

  /** Sets the agent's own virtual services, whose counters are shown. */
  public void services(Map<ServiceKey, Owner> owners) {
    services = Map.copyOf(owners);
  }

  /** The agent's own virtual services. Callable from any thread. */
  Map<ServiceKey, Owner> services() {
    return services;
  }

  /**
   * Sets for which VirtualIPs this node is to translate sources.
   *
   * @param pods how many addresses of pods each translates, by its name
   * @param failed names of those that the kernel refuses
   */
  public void egress(Map<String, Integer> pods, Set<String> failed) {
    egressPods.register(rows(pods.keySet(), pods::get), true);
    egressFailed.register(rows(pods.keySet(), vip -> failed.contains(vip) ? 1 : 0), true);
  }

  private static Iterable<MultiGauge.Row<?>> rows(Set<String> vips, ToIntFunction<String> value) {
    return vips.stream()
        .map(vip -> MultiGauge.Row.of(Tags.of(VIP, vip), value.applyAsInt(vip)))
        .collect(Collectors.toList());
  }

  private static int priority(NodeStatus status) {
    return status.priority() == null ? 0 : status.priority();
  }

  /** Removes all series of a VirtualIP that this node neither runs nor refuses any more. */
  public void forget(String vip) {
    for (var name : List.of(STATE, PRIORITY)) {
      registry.find(name).tag(VIP, vip).meters().forEach(registry::remove);
    }
    statuses.remove(vip);
  }

  /**
   * Records how long a part of a change of state took, from the time when the cause was seen. Only
   * changes to or from Master count, as the others serve no clients.
   *
   * @param part name of the part as in the status, or {@code Total}
   * @param nanos duration in nanoseconds
   */
  public void took(String vip, State from, State to, String part, long nanos) {
    if (to == State.Master) {
      took("virtualip.takeover", TAKEOVER, TAKEOVERS, vip, part, nanos);
    } else if (from == State.Master) {
      took("virtualip.release", RELEASE, LATENESS, vip, part, nanos);
    }
  }

  private void took(
      String name, String description, Duration[] buckets, String vip, String part, long nanos) {
    Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(buckets)
        .tag(VIP, vip)
        .tag("part", part)
        .register(registry)
        .record(nanos, TimeUnit.NANOSECONDS);
  }

  /**
   * Frames that announce an address have been sent.
   *
   * @param kind {@code GratuitousArp} or {@code NeighbourAdvertisement}
   */
  public void announced(String vip, String kind, int frames) {
    counter("virtualip.announcements.sent", ANNOUNCED, vip, "kind", kind).increment(frames);
  }

  /** An address could not be announced. */
  public void announcementFailed(String vip) {
    count("virtualip.announcements.failures", "Announcements that could not be sent", vip);
  }

  /** The leases of all addresses have been renewed. */
  public void renewed(String vip) {
    count(
        "virtualip.lease.renewals",
        "Times that the addresses were bound with a fresh lease, the first time included",
        vip);
  }

  /** The kernel has refused to bind an address, a route or a rule. */
  public void bindFailed(String vip) {
    count("virtualip.bind.failures", "Times that the kernel refused what is to be bound", vip);
  }

  /** A check has had a result. */
  public void checked(String vip, String check, boolean good, Duration duration) {
    Timer.builder(CHECK_DURATION)
        .description("Duration of the runs of a check, by result")
        .serviceLevelObjectives(CHECK_DURATIONS)
        .tag(VIP, vip)
        .tag(CHECK, check)
        .tag("result", good ? "Good" : "Failed")
        .register(registry)
        .record(duration);
  }

  /**
   * A check starts before its time.
   *
   * @param cause name of why
   */
  public void checkedEarly(String vip, String cause) {
    count(
        "virtualip.checks.early",
        "Checks started before their time, as what they watch has ended or changed, by cause",
        vip,
        "cause",
        cause);
  }

  /** An advert has been sent. */
  public void sent(String vip, int priority) {
    count("virtualip.adverts.sent", "Adverts sent", vip);
    if (priority == 0) {
      count("virtualip.resignations.sent", "Adverts of priority 0 sent", vip);
    }
  }

  /** An advert could not be sent. */
  public void sendFailed(String vip) {
    count("virtualip.adverts.send.failures", "Adverts that could not be sent", vip);
  }

  /** A valid advert has been received. */
  public void received(String vip, int priority) {
    count("virtualip.adverts.received", "Valid adverts received", vip);
    if (priority == 0) {
      count("virtualip.resignations.received", "Valid adverts of priority 0 received", vip);
    }
  }

  /** A valid advert lists other addresses. */
  public void differs(String vip) {
    count("virtualip.adverts.differing", "Valid adverts received that list other addresses", vip);
  }

  /** A valid advert has a longer interval than may be learned. */
  public void intervalBounded(String vip) {
    count(
        "virtualip.adverts.interval.bounded",
        "Valid adverts received whose interval is longer than maxLearnedInterval",
        vip);
  }

  /**
   * An advert has been dropped.
   *
   * @param vip empty if it belongs to no VirtualIP
   * @param reason name of the reason
   */
  public void rejected(String vip, String reason) {
    count("virtualip.adverts.rejected", "Adverts dropped, by reason", vip, "reason", reason);
  }

  /** An address, route or rule that another program had removed has been put back. */
  public void restored(String vip) {
    count(
        "virtualip.addresses.restored",
        "Addresses, routes or rules put back after others took them",
        vip);
  }

  /**
   * The state has changed.
   *
   * @param cause kinds of the reasons, without arguments, as a label must have few values
   */
  public void transition(String vip, String state, String cause) {
    count(
        "virtualip.transitions",
        "State changes, by new state and cause",
        vip,
        "state",
        state,
        "cause",
        cause);
  }

  /**
   * Sets the verdict of a check.
   *
   * @param failing cause of the failure, the label of a series that exists only while the check
   *     fails; null if it is good
   */
  public void check(String vip, String check, String failing) {
    forgetVerdict(vip, check);
    boolean good = failing == null;
    gauge(CHECK_GOOD, "1 if the check is good, 0 if it fails", good ? 1 : 0, vip, check)
        .register(registry);
    if (!good) {
      gauge(CHECK_FAILING, "1 while the check fails, and what fails", 1, vip, check)
          .tag("detail", failing)
          .register(registry);
    }
  }

  /** Removes the verdict of a check that has none yet. */
  public void forgetVerdict(String vip, String check) {
    forget(CHECK_GOOD, vip, check);
    forget(CHECK_FAILING, vip, check);
  }

  /** Removes all series of a check that is no longer run. */
  public void forgetCheck(String vip, String check) {
    forgetVerdict(vip, check);
    forget(CHECK_DURATION, vip, check);
  }

  private void forget(String name, String vip, String check) {
    registry.find(name).tags(VIP, vip, CHECK, check).meters().forEach(registry::remove);
  }

  private static Gauge.Builder<?> gauge(
      String name, String description, int value, String vip, String check) {
    return Gauge.builder(name, () -> value)
        .description(description)
        .strongReference(true)
        .tag(VIP, vip)
        .tag(CHECK, check);
  }

  /** A thread of this kind has met a defect, and has survived it or ended. */
  public void defect(String thread) {
    defect("", thread);
  }

  /** A virtual router has given up after a defect, and will restart. */
  public void defect(String vip, String thread) {
    count(
        "virtualip.defects",
        "Exceptions that no code expects, by the kind of thread they came up in",
        vip,
        "thread",
        thread);
  }

  /**
   * A deadline has been met.
   *
   * @param nanos its lateness in nanoseconds, 0 or more
   */
  public void late(String vip, long nanos) {
    lateness.computeIfAbsent(vip, this::lateness).record(nanos, TimeUnit.NANOSECONDS);
  }

  private Timer lateness(String vip) {
    return Timer.builder("virtualip.deadline.lateness")
        .description(
            "How late deadlines were met: the agent waited for the processor, or was stopped")
        .serviceLevelObjectives(LATENESS)
        .tag(VIP, vip)
        .register(registry);
  }

  /**
   * The event loop has made a turn.
   *
   * @param nanos duration in nanoseconds, without the wait for input
   */
  public void turned(long nanos) {
    if (turns == null) {
      turns =
          Timer.builder("virtualip.turn")
              .description("Turns of the event loop, which all virtual routers of the node share")
              .serviceLevelObjectives(LATENESS)
              .register(registry);
    }
    turns.record(nanos, TimeUnit.NANOSECONDS);
  }

  private void count(String name, String description, String vip, String... tags) {
    counter(name, description, vip, tags).increment();
  }

  private Counter counter(String name, String description, String vip, String... tags) {
    var series = tags.length == 0 ? vip : vip + Arrays.toString(tags);
    return counters
        .computeIfAbsent(name, _ -> new ConcurrentHashMap<>())
        .computeIfAbsent(
            series,
            _ ->
                Counter.builder(name)
                    .description(description)
                    .tag(VIP, vip)
                    .tags(tags)
                    .register(registry));
  }
}
