package dev.virtualip.operator;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.operator.act.ClusterWriter;
import dev.virtualip.operator.act.Journal;
import dev.virtualip.operator.act.OperatorMetrics;
import dev.virtualip.operator.decide.AgentDaemonSet;
import dev.virtualip.operator.decide.Decisions;
import dev.virtualip.operator.decide.RebalanceRest;
import dev.virtualip.operator.decide.Settings;
import dev.virtualip.operator.watch.AgentLiveness;
import dev.virtualip.operator.watch.Latest;
import dev.virtualip.operator.watch.VirtualIpReconciler;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.OperatorException;
import io.javaoperatorsdk.operator.api.config.Cloner;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The running operator. It watches the cluster; after each change it decides about the whole
 * cluster and writes the differences, until it is closed.
 */
public final class VirtualIpOperator implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualIpOperator.class);

  /** Shortest time between two passes, so that a burst of events causes one pass. */
  private static final Duration GAP = Duration.ofMillis(50);

  /** The same while more and more Services come. */
  private static final Duration HOLD = Duration.ofMillis(250);

  /**
   * Time to the next pass if the last one is {@linkplain Decisions#unsettled unsettled}, or a
   * status waits.
   */
  private static final long UNSETTLED_NANOS = Duration.ofSeconds(1).toNanos();

  private static final long IDLE_NANOS = Duration.ofMinutes(5).toNanos();
  private static final long RETRY_MIN_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long RETRY_MAX_NANOS = Duration.ofSeconds(30).toNanos();
  private static final Duration LAST_PASS = Duration.ofSeconds(5);

  /** The reconciler only takes an event from it, and a copy by JSON costs more than the pass. */
  private static final Cloner NO_COPY =
      new Cloner() {
        @Override
        public <R extends HasMetadata> R clone(R resource) {
          return resource;
        }
      };

  private final Operator operator;
  private final VirtualIpReconciler reconciler;
  private final AgentLiveness liveness = new AgentLiveness(System::nanoTime);
  private final Latest latest = new Latest();
  private final ClusterWriter writer;
  private final Settings settings;
  private final String revision;
  private final InetAddress apiServer = apiServer();
  private final Clock clock = Clock.systemUTC();
  private final Journal journal;
  private final RebalanceRest rest = new RebalanceRest();
  private final OperatorMetrics metrics;
  private final BlockingQueue<Boolean> changed = new ArrayBlockingQueue<>(1);
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
  private final Thread thread = Thread.ofPlatform().name("passes").unstarted(this::run);
  private volatile boolean closing;
  private long retryNanos = RETRY_MIN_NANOS;

  private VirtualIpOperator(
      KubernetesClient client, Settings settings, OperatorMetrics metrics, EventWriter events) {
    this.metrics = metrics;
    this.settings = settings;
    this.revision = AgentDaemonSet.revision(settings);
    journal = new Journal(events, metrics, System::nanoTime);
    reconciler =
        new VirtualIpReconciler(
            settings.namespace(), settings.drainOn(), liveness, latest, () -> changed.offer(true));
    writer = new ClusterWriter(client, settings, journal, latest);
    operator =
        new Operator(
            config ->
                config
                    .withKubernetesClient(client)
                    .withCloseClientOnStop(false)
                    .withResourceCloner(NO_COPY)
                    .withConcurrentReconciliationThreads(1)
                    .withReconciliationTerminationTimeout(LAST_PASS)
                    .withInformerStoppedHandler(
                        (informer, cause) -> {
                          if (cause != null) {
                            failure.complete(cause);
                          }
                        }));
    operator.register(
        reconciler, config -> config.withOnUpdateFilter(VirtualIpReconciler.SPEC_OR_STATUS));
  }

  /** The address that the kubelet has told this pod; null outside of one, or if it is a name. */
  private static InetAddress apiServer() {
    try {
      var host = System.getenv("KUBERNETES_SERVICE_HOST");
      return host == null ? null : IpPrefix.parseAddress(host);
    } catch (IllegalArgumentException e) {
      LOG.debug("api_server_by_name", e);
      return null;
    }
  }

  /**
   * Starts the operator. It has read the whole cluster when this returns.
   *
   * @param client client of the API server; the caller has to close it
   * @param metrics the operator's metrics
   * @param events writes the operator's Events; the caller has to close it
   * @throws OperatorException if the API server can't be reached, doesn't know VirtualIPs, or
   *     refuses access
   */
  public static VirtualIpOperator start(
      KubernetesClient client, Settings settings, OperatorMetrics metrics, EventWriter events) {
    var running = new VirtualIpOperator(client, settings, metrics, events);
    running.operator.start();
    running.changed.offer(true);
    running.thread.start();
    return running;
  }

  /**
   * Completes when a watch has ended for good. Then close this operator, as its view of the cluster
   * becomes stale.
   */
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

  /** Stops. A pass that has begun gets up to 5 s to end. */
  @Override
  public void close() {
    closing = true;
    changed.offer(true);
    try {
      thread.join(LAST_PASS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    thread.interrupt();
    operator.stop();
  }

  private void run() {
    try {
      long wait = IDLE_NANOS;
      while (!closing) {
        changed.poll(wait, TimeUnit.NANOSECONDS);
        if (!closing) {
          wait = pass();
          Thread.sleep(writer.isHolding() ? HOLD : GAP);
        }
      }
    } catch (InterruptedException _) {
      LOG.debug("passes ended");
    } catch (RuntimeException | Error e) {
      failure.complete(e);
    }
  }

  /**
   * Makes a pass.
   *
   * @return nanoseconds to the next pass if nothing changes before
   */
  private long pass() throws InterruptedException {
    long begun = System.nanoTime();
    try {
      var requests = writer.requests();
      var view = reconciler.view(writer.written(), requests, clock.instant());
      var decisions =
          Decisions.of(
              view,
              settings.drainOn(),
              revision,
              apiServer,
              settings.servicesWithoutClass(),
              rest.resting(view.believed().values(), view.now()));
      writer.write(view, decisions);
      journal.services(decisions.services());
      metrics.pools(decisions.pools());
      journal.upgrade(view.daemonSet(), decisions.turn());
      retryNanos = RETRY_MIN_NANOS;
      if (writer.isHolding()) {
        return 0;
      }
      return decisions.unsettled() || writer.isWaiting()
          ? UNSETTLED_NANOS
          : liveness.untilNextSilence().orElse(IDLE_NANOS);
    } catch (IOException | KubernetesClientException e) {
      metrics.failed();
      LOG.warn("pass_failed error=\"{}\": trying again", StartFailure.oneLine(e));
      long wait = retryNanos;
      retryNanos = Math.min(2 * retryNanos, RETRY_MAX_NANOS);
      return wait;
    } finally {
      metrics.passes().record(System.nanoTime() - begun, TimeUnit.NANOSECONDS);
    }
  }
}
