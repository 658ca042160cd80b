package dev.virtualip.operator.watch;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * Decides which agents are alive, and so which reports are believed. It compares the times at which
 * this operator saw changes, not the times written by agents, as clocks differ.
 */
public final class AgentLiveness {
  public static final String HEARTBEAT_STOPPED = "HeartbeatStopped";
  public static final String AGENT_NOT_READY = "AgentNotReady";

  /** States that only a running agent can have. */
  private static final Set<State> LIVE = Set.of(State.Master, State.Backup, State.Fault);

  /** A master that another one has followed has this long to say so itself. */
  private static final long OWN_WORD_NANOS = Duration.ofSeconds(1).toNanos();

  private final LongSupplier nanoTime;
  private final Map<String, Beat> beats = new ConcurrentHashMap<>();
  private final Map<String, Unready> unready = new HashMap<>();

  /** By UID of the VirtualIP, when each claim to be its master was seen first. */
  private final Map<String, Map<Claim, Long>> claims = new HashMap<>();

  /** By UID of the VirtualIP, until when masters that were followed may say so themselves. */
  private final Map<String, Long> ownWordUntil = new HashMap<>();

  private volatile Map<String, Silence> silent = Map.of();

  /** A node's heartbeat: its last renewal, when this operator saw it, and how long it is valid. */
  private record Beat(Object renewed, long seenNanos, long leaseNanos) {
    long end() {
      return seenNanos + leaseNanos;
    }
  }

  /** A pod that is not ready, since when, and why. */
  private record Unready(String node, long sinceNanos, String why) {}

  /** A report by which a node has been master since a time. */
  private record Claim(String node, String since) {}

  /**
   * Why a node counts as silent.
   *
   * @param reason as in {@link #HEARTBEAT_STOPPED}
   */
  record Silence(String reason, String message) {}

  public AgentLiveness(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Notes a Lease. Callable from any thread.
   *
   * @return whether it is a sign of life from a node that counts as silent
   */
  public boolean beat(Lease lease) {
    var node = node(lease);
    var spec = lease.getSpec();
    if (node == null || spec.getRenewTime() == null) {
      return false;
    }
    var before = beats.get(node);
    if (before != null && before.renewed().equals(spec.getRenewTime())) {
      return false;
    }
    long seconds = Objects.requireNonNullElse(spec.getLeaseDurationSeconds(), 15);
    beats.put(
        node,
        new Beat(spec.getRenewTime(), nanoTime.getAsLong(), Duration.ofSeconds(seconds).toNanos()));
    return silent.containsKey(node);
  }

  /** Forgets a Lease that was deleted. A node without a Lease does not count as silent. */
  public void forget(Lease lease) {
    var node = node(lease);
    if (node != null) {
      beats.remove(node);
    }
  }

  /**
   * The node whose agent a Lease is of, or null. By its name and its holder alike: an agent that
   * may write a single name speaks for a single node.
   */
  private static String node(Lease lease) {
    var holder = lease.getSpec() == null ? null : lease.getSpec().getHolderIdentity();
    return holder != null && lease.getMetadata().getName().equals("agent-" + holder)
        ? holder
        : null;
  }

  /** Decides which nodes are silent, by their agents' pods and heartbeats. */
  public void listen(Collection<Pod> pods) {
    long now = nanoTime.getAsLong();
    var present = new HashSet<String>();
    for (var pod : pods) {
      var uid = pod.getMetadata().getUid();
      var node = pod.getSpec().getNodeName();
      // A pod that is being deleted reports its end itself, or else its heartbeat stops.
      if (node != null && !pod.isMarkedForDeletion() && AgentPods.isSeenUnready(pod)) {
        present.add(uid);
        var since = unready.containsKey(uid) ? unready.get(uid).sinceNanos() : now;
        unready.put(uid, new Unready(node, since, AgentPods.trouble(pod)));
      }
    }
    unready.keySet().retainAll(present);
    var next = new TreeMap<String, Silence>();
    for (var pod : unready.values()) {
      var beat = beats.get(pod.node());
      if (beat == null || beat.seenNanos() - pod.sinceNanos() <= 0) {
        next.put(
            pod.node(),
            new Silence(
                AGENT_NOT_READY,
                "the agent on %s is not ready: %s".formatted(pod.node(), pod.why())));
      }
    }
    beats.forEach(
        (node, beat) -> {
          if (beat.end() - now <= 0) {
            next.putIfAbsent(
                node,
                new Silence(
                    HEARTBEAT_STOPPED,
                    "the agent on %s has not been heard of for %d s"
                        .formatted(node, Duration.ofNanos(beat.leaseNanos()).toSeconds())));
          }
        });
    silent = Map.copyOf(next);
  }

  /** Nodes that are silent, and why. */
  Map<String, Silence> silent() {
    return silent;
  }

  /** Nanoseconds until the next node may count as silent; empty if none may. */
  public OptionalLong untilNextSilence() {
    long now = nanoTime.getAsLong();
    var ends =
        beats.entrySet().stream()
            .filter(entry -> !silent.containsKey(entry.getKey()))
            .map(entry -> entry.getValue().end());
    return Stream.concat(ends, ownWordUntil.values().stream())
        .mapToLong(at -> Math.max(0, at - now))
        .min();
  }

  /**
   * A VirtualIP with believed reports. A silent node is Unknown. A master without a sign of life
   * since another node took over is Unknown too, as it has probably failed.
   *
   * @param vip the VirtualIP with believed reports
   * @param lost by node, the reports to write in place of those that their agents do not correct
   */
  public record Belief(VirtualIp vip, Map<String, NodeStatus> lost) {}

  /** What is to be believed of a VirtualIP now. */
  public Belief believed(VirtualIp vip) {
    var reports = ClusterView.reports(vip);
    var believed = new TreeMap<>(reports);
    believed.replaceAll(
        (node, report) ->
            silent.containsKey(node) && isLive(report)
                ? unknown(report, silent.get(node))
                : report);
    var uid = vip.getMetadata().getUid();
    var superseded = superseded(uid, believed);
    superseded.forEach(
        (node, by) ->
            believed.computeIfPresent(
                node,
                (_, report) ->
                    unknown(
                        report,
                        new Silence(
                            "Superseded",
                            "%s has taken over, and %s has not been heard of since"
                                .formatted(by, node)))));
    var lost = new TreeMap<>(believed);
    lost.entrySet().removeAll(reports.entrySet());
    if (ownWordUntil.containsKey(uid)) {
      lost.keySet().removeAll(superseded.keySet());
    }
    return new Belief(believed.equals(reports) ? vip : with(vip, believed), lost);
  }

  /** Masters that another node has replaced, each with that node. */
  private Map<String, String> superseded(String uid, Map<String, NodeStatus> reports) {
    var seen = new HashMap<String, Long>();
    var known = claims.computeIfAbsent(uid, _ -> new HashMap<>());
    reports.forEach(
        (node, report) -> {
          if (report.state() == State.Master) {
            var claim = new Claim(node, report.since());
            seen.put(node, known.computeIfAbsent(claim, _ -> nanoTime.getAsLong()));
          }
        });
    known.keySet().removeIf(c -> !standing(c, reports.get(c.node())));
    ownWordUntil.remove(uid);
    var superseded = new HashMap<String, String>();
    seen.keySet().stream()
        .max(
            Comparator.comparingLong((String node) -> seen.get(node))
                // Seen at once, as by an operator that has just started: by the agents' clocks.
                .thenComparing(node -> Objects.requireNonNullElse(reports.get(node).since(), "")))
        .ifPresent(
            latest ->
                seen.keySet().stream()
                    .filter(node -> !node.equals(latest) && !heardSince(node, seen.get(latest)))
                    .forEach(node -> superseded.put(node, latest)));
    superseded
        .values()
        .forEach(
            latest -> {
              long until = seen.get(latest) + OWN_WORD_NANOS;
              if (until - nanoTime.getAsLong() > 0) {
                ownWordUntil.put(uid, until);
              }
            });
    return superseded;
  }

  /** That the operator has called it Unknown meanwhile does not make a claim a new one. */
  private static boolean standing(Claim claim, NodeStatus report) {
    return report != null
        && (report.state() == State.Master || report.state() == State.Unknown)
        && Objects.equals(report.since(), claim.since());
  }

  /**
   * Whether a node has shown a sign of life after a time. An agent without heartbeats is always
   * believed.
   */
  private boolean heardSince(String node, long nanos) {
    var beat = beats.get(node);
    return beat == null || beat.seenNanos() - nanos > 0;
  }

  /** Forgets claims about all other VirtualIPs. */
  public void retain(Collection<String> uids) {
    claims.keySet().retainAll(uids);
    ownWordUntil.keySet().retainAll(uids);
  }

  /** Whether only a running agent can report this state. */
  public static boolean isLive(NodeStatus report) {
    return LIVE.contains(report.state());
  }

  /** The report to write for a silent node. */
  static NodeStatus unknown(NodeStatus report, Silence silence) {
    return new NodeStatus(
        State.Unknown,
        report.priority(),
        report.since(),
        silence.reason(),
        silence.message(),
        report.acceptedGeneration(),
        report.refusedGeneration(),
        report.refusedReason(),
        report.transitions(),
        report.address(),
        null,
        null,
        null,
        null,
        report.history(),
        // Other nodes go on to send only what this one accepts when it comes back.
        report.hmac());
  }

  private static VirtualIp with(VirtualIp vip, Map<String, NodeStatus> reports) {
    var status = vip.getStatus();
    return vip.withStatus(
        new VirtualIpStatus(
            status.observedGeneration(),
            status.master(),
            status.backups(),
            status.transitions(),
            reports,
            status.handOvers(),
            status.switchOver(),
            status.lastDrill(),
            status.conditions()));
  }
}
