package dev.virtualip.operator;

import dev.virtualip.crds.VirtualIp;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.OperatorException;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The running operator: watches, and brings status and agents up to date until it is closed. */
public final class VirtualIpOperator implements AutoCloseable {
  private final Operator operator;
  private final VirtualIpReconciler reconciler;
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

  private VirtualIpOperator(KubernetesClient client, Settings settings, MeterRegistry metrics) {
    reconciler = new VirtualIpReconciler(client, settings, metrics, Clock.systemUTC());
    operator =
        new Operator(
            config ->
                config
                    .withKubernetesClient(client)
                    .withCloseClientOnStop(false)
                    .withConcurrentReconciliationThreads(1)
                    .withReconciliationTerminationTimeout(Duration.ofSeconds(5))
                    .withInformerStoppedHandler(
                        (informer, cause) -> {
                          if (cause != null) {
                            failure.complete(cause);
                          }
                        }));
    operator.register(
        reconciler,
        config ->
            config
                .withOnUpdateFilter(VirtualIpReconciler.SPEC_OR_STATUS)
                .withRetry(
                    new GenericRetry()
                        .setInitialInterval(Duration.ofSeconds(1))
                        .setMaxInterval(Duration.ofSeconds(30).toMillis())
                        .withoutMaxAttempts()));
  }

  /**
   * Starts the operator; it has seen the whole cluster when this returns.
   *
   * @param client reaches the API server; the caller closes it
   * @param metrics takes the operator's counters
   * @throws OperatorException if the API server can't be reached, or doesn't know VirtualIPs, or
   *     refuses access
   */
  public static VirtualIpOperator start(
      KubernetesClient client, Settings settings, MeterRegistry metrics) {
    var running = new VirtualIpOperator(client, settings, metrics);
    running.operator.start();
    running.reconciler.firstPass();
    return running;
  }

  /** Done when a watch has ended for good: what the operator knows gets old, so end it. */
  public CompletableFuture<Throwable> failure() {
    return failure;
  }

  /** Whether all watches run. */
  public boolean ready() {
    return operator.getRuntimeInfo().isStarted()
        && operator.getRuntimeInfo().allEventSourcesAreHealthy();
  }

  /** The conditions of each VirtualIP, by its name. */
  public Map<String, List<Condition>> conditions() {
    Function<VirtualIp, List<Condition>> conditions =
        vip ->
            vip.getStatus() == null || vip.getStatus().conditions() == null
                ? List.of()
                : vip.getStatus().conditions();
    return reconciler
        .virtualIps()
        .collect(Collectors.toMap(vip -> vip.getMetadata().getName(), conditions));
  }

  /** Stops; a pass that has begun may end, within 5 s. */
  @Override
  public void close() {
    operator.stop();
  }
}
