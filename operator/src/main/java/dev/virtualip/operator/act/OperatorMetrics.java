package dev.virtualip.operator.act;

import dev.virtualip.crds.schema.VirtualIpPoolStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** The operator's metrics, described in docs/metrics.md. */
public final class OperatorMetrics {
  private final Timer passes;
  private final Counter failures;
  private final Counter statusWrites;
  private final AtomicInteger leading = new AtomicInteger();
  private final AtomicInteger paused = new AtomicInteger();
  private final MultiGauge conditions;
  private final MultiGauge services;
  private final MultiGauge poolUsed;
  private final MultiGauge poolFree;
  private final AtomicInteger failedServices = new AtomicInteger();

  /** Metrics in a registry. */
  public OperatorMetrics(MeterRegistry registry) {
    passes =
        Timer.builder("virtualip.operator.passes")
            .description("Passes over all VirtualIPs")
            .register(registry);
    failures =
        Counter.builder("virtualip.operator.failures")
            .description("Passes that failed and are tried again, after 1 s to 30 s")
            .register(registry);
    statusWrites =
        Counter.builder("virtualip.operator.status.writes")
            .description("Writes of the status of a VirtualIP")
            .register(registry);
    gauge(
        registry,
        "virtualip.operator.leading",
        "1 if this operator works, 0 if it waits for its turn",
        leading);
    gauge(
        registry,
        "virtualip.agents.upgrade.paused",
        "1 while the upgrade of the agents has waited for 30 s or longer",
        paused);
    conditions =
        MultiGauge.builder("virtualip.condition")
            .description("1 if the condition of the VirtualIP is True, else 0")
            .register(registry);
    services =
        MultiGauge.builder("virtualip.services")
            .description("Services that have addresses, by VirtualIPPool")
            .register(registry);
    poolUsed =
        MultiGauge.builder("virtualip.pool.used")
            .description("Addresses of a VirtualIPPool that accepted VirtualIPs have")
            .register(registry);
    poolFree =
        MultiGauge.builder("virtualip.pool.free")
            .description("Addresses of a VirtualIPPool that no accepted VirtualIP has")
            .register(registry);
    gauge(
        registry,
        "virtualip.services.failed",
        "Services that lack an address that they ask for",
        failedServices);
  }

  private static void gauge(
      MeterRegistry registry, String name, String description, AtomicInteger value) {
    Gauge.builder(name, value, AtomicInteger::get).description(description).register(registry);
  }

  /** Adds the metrics of the process and the JVM. */
  @SuppressWarnings("resource") // they end with the process
  public static void process(MeterRegistry registry) {
    new ProcessorMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  /** Durations of passes: each from the view of the cluster to the last write. */
  public Timer passes() {
    return passes;
  }

  /** A pass has failed. */
  public void failed() {
    failures.increment();
  }

  /** The status of a VirtualIP has been written. */
  public void statusWritten() {
    statusWrites.increment();
  }

  /** This operator is the leader from now on. */
  public void leads() {
    leading.set(1);
  }

  /** Sets whether the upgrade of the agents pauses. */
  public void upgradePaused(boolean now) {
    paused.set(now ? 1 : 0);
  }

  /**
   * Sets how many Services have addresses.
   *
   * @param byPool by name of the pool
   * @param failed how many lack one
   */
  public void services(Map<String, Integer> byPool, int failed) {
    byPool(services, byPool);
    failedServices.set(failed);
  }

  /**
   * Sets what of the pools is in use.
   *
   * @param byName the status of each pool
   */
  public void pools(Map<String, VirtualIpPoolStatus> byName) {
    var used = new TreeMap<String, Number>();
    var free = new TreeMap<String, Number>();
    byName.forEach(
        (pool, status) -> {
          used.put(pool, status.used());
          free.put(pool, status.free());
        });
    byPool(poolUsed, used);
    byPool(poolFree, free);
  }

  private static void byPool(MultiGauge gauge, Map<String, ? extends Number> values) {
    gauge.register(
        values.entrySet().stream()
            .map(pool -> MultiGauge.Row.of(Tags.of("pool", pool.getKey()), pool.getValue()))
            .collect(Collectors.toList()),
        true);
  }

  /** Sets the conditions of all VirtualIPs, by name. */
  public void conditions(Map<String, List<Condition>> byVirtualIp) {
    var rows =
        byVirtualIp.entrySet().stream()
            .flatMap(vip -> vip.getValue().stream().map(condition -> row(vip.getKey(), condition)));
    conditions.register(rows.toList(), true);
  }

  private static MultiGauge.Row<?> row(String name, Condition condition) {
    return MultiGauge.Row.of(
        Tags.of("vip", name, "type", condition.getType()),
        condition.getStatus().equals("True") ? 1 : 0);
  }
}
