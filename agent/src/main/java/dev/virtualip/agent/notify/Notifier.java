package dev.virtualip.agent.notify;

import dev.virtualip.agent.notify.Lane.Job;
import dev.virtualip.agent.notify.Lane.Patience;
import dev.virtualip.agent.notify.Lane.Result;
import dev.virtualip.agent.notify.Transitions.Told;
import dev.virtualip.crds.Notifications;
import dev.virtualip.crds.Notifications.State;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpSpec.Authentication.SecretKey;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
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
 * Tells whom the VirtualIPs say when this node enters another state. Callers never wait: what they
 * say is taken up by one thread and put in the lane of each channel.
 */
public final class Notifier {
  private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);
  private static final int INTAKE_MAX = 10_000;

  /** Scripts come and go without an edit of the VirtualIP, in Kubernetes with their ConfigMap. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

  /** Ways to tell somebody; the words of the metric. */
  private enum Kind {
    exec,
    email,
    webhook
  }

  /** A channel, the settings it comes from, and the states it is for; none means all. */
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
   * A notifier that has nobody to tell yet.
   *
   * @param node name of this node
   * @param scripts directory of the commands that may be run, or null if none may
   * @param onProblems gets what keeps a VirtualIP's notifications from being sent on this node, an
   *     empty list if nothing does; may wait
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
   * This node runs these from now on; those that it ran before count until they are {@linkplain
   * #removed removed}.
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
   * @param state what keepalived's scripts would be told, or null for nothing
   */
  public void changed(String virtualIp, State state, NodeStatus status) {
    intake.execute(() -> transitions.changed(virtualIp, state, status).forEach(this::tell));
  }

  /** This node no longer has anything to do with a VirtualIP, and {@link #changed} said so. */
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
    // Counters that begin with 0 show their first failure as an increase.
    for (var kind : configured.keySet()) {
      for (var result : Result.values()) {
        counter(virtualIp, kind, result);
      }
    }
    problems.remove(virtualIp);
    lookAgain(virtualIp);
  }

  /** Tells what keeps the channels of a VirtualIP from working, if that is news. */
  private void lookAgain(String virtualIp) {
    var now =
        channels.get(virtualIp).values().stream()
            .flatMap(configured -> configured.channel().problems().stream())
            .toList();
    if (!now.equals(problems.put(virtualIp, now))) {
      onProblems.accept(virtualIp, now);
    }
  }

  /** Of a sync group's notification everybody is told once, whose settings ever it is by. */
  private void tell(Told told) {
    for (var kind : Kind.values()) {
      var asked = new HashSet<Object>();
      for (var virtualIp : told.by()) {
        var configured = channels.getOrDefault(virtualIp, Map.of()).get(kind);
        if (configured != null
            && asked.add(configured.settings())
            && configured.wants(told.notification().state())) {
          lanes
              .computeIfAbsent(kind + " of " + told.queue(), name -> new Lane(name, patience))
              .offer(new Delivery(virtualIp, kind, configured, told.notification()));
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

    /** Of a VirtualIP that is gone, the last there was: its end is told by it. */
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
   * Lets what is under way come to its end.
   *
   * @param endNanos System.nanoTime at which it is left as it is
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
