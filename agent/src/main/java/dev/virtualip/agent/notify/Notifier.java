package dev.virtualip.agent.notify;

import dev.virtualip.agent.notify.Lane.Job;
import dev.virtualip.agent.notify.Lane.Patience;
import dev.virtualip.agent.notify.Lane.Result;
import dev.virtualip.agent.notify.Transitions.Outgoing;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.Notifications.State;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the notifications that VirtualIPs ask for when this node enters another state. Callers
 * never wait: one thread takes their calls and adds the notifications to the lane of each channel.
 */
public final class Notifier {
  private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);
  private static final int INTAKE_MAX = 10_000;

  /** Scripts come and go without an edit of the VirtualIP: in Kubernetes with their ConfigMap. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

  /** Kinds of channels; values of the metric's label {@code channel}. */
  private enum Kind {
    exec,
    email,
    webhook
  }

  /** A channel, its settings, and the states to notify about; no states mean all. */
  private record Configured(Object settings, List<State> states, Channel channel) {
    boolean wants(State state) {
      return states.isEmpty() || states.contains(state);
    }
  }

  private final String node;
  private final Path scripts;
  private final MeterRegistry registry;
  private final BiConsumer<String, List<Problem>> onProblems;
  private final Patience patience;
  private final Transitions transitions;
  private final Map<String, Map<Kind, Configured>> channels = new ConcurrentHashMap<>();
  private final Map<String, Lane> lanes = new HashMap<>();
  private final Map<String, List<Problem>> problems = new HashMap<>();
  private final Thread scriptsWatch;
  private final ThreadPoolExecutor intake =
      new ThreadPoolExecutor(
          1,
          1,
          0,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(INTAKE_MAX),
          Thread.ofVirtual().name("notifier").factory(),
          (_, pool) -> {
            if (!pool.isShutdown()) {
              LOG.error("notification_dropped: more than {} at once", INTAKE_MAX);
            }
          });

  /**
   * A notifier without channels.
   *
   * @param node name of this node
   * @param scripts directory of the commands that may be run, or null if none may
   * @param onProblems gets the problems that keep a VirtualIP's notifications from being sent on
   *     this node, an empty list for none; may block
   */
  public Notifier(
      String node,
      Path scripts,
      MeterRegistry registry,
      BiConsumer<String, List<Problem>> onProblems) {
    this(node, scripts, registry, onProblems, Patience.DEFAULT, LOOK_AGAIN);
  }

  Notifier(
      String node,
      Path scripts,
      MeterRegistry registry,
      BiConsumer<String, List<Problem>> onProblems,
      Patience patience,
      Duration lookAgain) {
    this.node = node;
    this.scripts = scripts;
    this.registry = registry;
    this.onProblems = onProblems;
    this.patience = patience;
    transitions = new Transitions(node);
    scriptsWatch = Thread.ofVirtual().name("scripts").start(() -> watchScripts(lookAgain));
  }

  private void watchScripts(Duration period) {
    try {
      while (true) {
        Thread.sleep(period);
        intake.execute(() -> channels.keySet().forEach(this::lookAgain));
      }
    } catch (InterruptedException _) {
      LOG.debug("scripts_unwatched");
    }
  }

  /**
   * Sets the VirtualIPs that this node runs, and their channels. The settings of others stay until
   * they are {@linkplain #removed removed}.
   */
  public void running(Map<String, VirtualIp> virtualIps, Map<SecretKey, byte[]> secrets) {
    intake.execute(
        () ->
            virtualIps.forEach(
                (name, vip) -> {
                  transitions.runs(name, vip.getSpec());
                  configure(name, vip.getSpec().notifications(), secrets);
                }));
  }

  /**
   * A VirtualIP has another status.
   *
   * @param state keepalived's state for it, or null if keepalived would not notify
   */
  public void changed(String virtualIp, State state, NodeStatus status) {
    intake.execute(() -> transitions.changed(virtualIp, state, status).forEach(this::tell));
  }

  /** This node neither runs nor refuses a VirtualIP any more. Call it after {@link #changed}. */
  public void removed(String virtualIp) {
    intake.execute(
        () -> {
          transitions.removed(virtualIp);
          channels.remove(virtualIp);
          problems.remove(virtualIp);
        });
  }

  private void configure(
      String virtualIp, Notifications notifications, Map<SecretKey, byte[]> secrets) {
    var configured = new EnumMap<Kind, Configured>(Kind.class);
    if (notifications.exec() != null) {
      var exec = notifications.exec();
      configured.put(
          Kind.exec, new Configured(exec, exec.states(), new ExecChannel(exec, scripts)));
    }
    if (notifications.email() != null) {
      var email = notifications.email();
      configured.put(
          Kind.email,
          new Configured(email, email.states(), new EmailChannel(email, secrets, node)));
    }
    if (notifications.webhook() != null) {
      var webhook = notifications.webhook();
      configured.put(
          Kind.webhook,
          new Configured(webhook, webhook.states(), new WebhookChannel(webhook, secrets)));
    }
    channels.put(virtualIp, configured);
    // Counters are created with 0, so that the first failure shows as an increase.
    for (var kind : configured.keySet()) {
      for (var result : Result.values()) {
        counter(virtualIp, kind, result);
      }
    }
    problems.remove(virtualIp);
    lookAgain(virtualIp);
  }

  /** Reports the problems of a VirtualIP's channels if they have changed. */
  private void lookAgain(String virtualIp) {
    var now =
        channels.get(virtualIp).values().stream()
            .flatMap(configured -> configured.channel().problems().stream())
            .toList();
    if (!now.equals(problems.put(virtualIp, now))) {
      onProblems.accept(virtualIp, now);
    }
  }

  /**
   * Adds a notification to the lanes. Members of a sync group with equal settings share one
   * delivery.
   */
  private void tell(Outgoing outgoing) {
    for (var kind : Kind.values()) {
      var asked = new HashSet<Object>();
      for (var virtualIp : outgoing.virtualIps()) {
        var configured = channels.getOrDefault(virtualIp, Map.of()).get(kind);
        if (configured != null
            && asked.add(configured.settings())
            && configured.wants(outgoing.notification().state())) {
          lanes
              .computeIfAbsent(kind + " of " + outgoing.queue(), name -> new Lane(name, patience))
              .offer(new Delivery(virtualIp, kind, configured, outgoing.notification()));
        }
      }
    }
  }

  private final class Delivery implements Job {
    private final String virtualIp;
    private final Kind kind;
    private final Configured last;
    private final Notification notification;

    Delivery(String virtualIp, Kind kind, Configured last, Notification notification) {
      this.virtualIp = virtualIp;
      this.kind = kind;
      this.last = last;
      this.notification = notification;
    }

    @Override
    public Notification notification() {
      return notification;
    }

    /**
     * For a deleted VirtualIP the last channel, which has to deliver the notification of its end.
     */
    @Override
    public Channel channel() {
      var now = channels.get(virtualIp);
      var configured = now == null ? last : now.get(kind);
      return configured == null ? null : configured.channel();
    }

    @Override
    public void count(Result result) {
      counter(virtualIp, kind, result).increment();
    }
  }

  private Counter counter(String virtualIp, Kind kind, Result result) {
    return Counter.builder("virtualip.notifications")
        .description(
            "Notifications by what became of them; retried counts tries, not notifications")
        .tag("vip", virtualIp)
        .tag("channel", kind.name())
        .tag("result", result.name())
        .register(registry);
  }

  /**
   * Delivers the notifications that are waiting.
   *
   * @param endNanos System.nanoTime at which it ends even if some are left
   */
  public void close(long endNanos) {
    scriptsWatch.interrupt();
    intake.shutdown();
    try {
      if (!intake.awaitTermination(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return;
      }
      lanes.values().forEach(Lane::close);
      for (var lane : lanes.entrySet()) {
        if (!lane.getValue().awaitIdle(endNanos)) {
          LOG.warn("notification_unfinished lane=\"{}\"", lane.getKey());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
