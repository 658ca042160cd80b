package dev.virtualip.agent.instance;

import dev.virtualip.agent.instance.Timeline.Change;
import dev.virtualip.agent.instance.Timeline.Part;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.KeyRings;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.VirtualRouter;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HeartbeatStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.crds.values.IpPrefix;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The status of one virtual router on this node: its last change of state, and messages for users.
 * Used by the event loop's thread only.
 */
final class InstanceStatus {
  private static final Logger LOG = LoggerFactory.getLogger(InstanceStatus.class);

  private final Node node;
  private final Faults faults;
  private final InstanceChecks checks;
  private final AdvertReceiver receiver;
  private final Timeline timeline;
  private List<Problem> refused = List.of();
  private Long refusedGeneration;
  private List<Problem> noted = List.of();
  private VirtualIpStatus.State state = VirtualIpStatus.State.Init;
  private List<Reason> reasons;
  private Instant since;
  private long transitions;

  /**
   * The status of a router that has not begun.
   *
   * @param reason why it does not take part yet
   */
  InstanceStatus(
      Node node,
      Faults faults,
      InstanceChecks checks,
      AdvertReceiver receiver,
      Timeline timeline,
      Reason reason) {
    this.node = node;
    this.faults = faults;
    this.checks = checks;
    this.receiver = receiver;
    this.timeline = timeline;
    reasons = List.of(reason);
    since = node.clock().instant();
  }

  /** The master that a backup hears; null for none. */
  static String heardMaster(VirtualRouter router) {
    return router.state() instanceof Backup backup && backup.master() != null
        ? IpPrefix.text(backup.master())
        : null;
  }

  /** The API's name for a router's state. */
  static VirtualIpStatus.State name(State state) {
    return switch (state) {
      case Backup _ -> VirtualIpStatus.State.Backup;
      case Active _ -> VirtualIpStatus.State.Master;
      case Initialize initialize ->
          Reason.anyFault(initialize.reasons())
              ? VirtualIpStatus.State.Fault
              : VirtualIpStatus.State.Init;
    };
  }

  /**
   * The router has entered a state: logs and measures the change.
   *
   * @param servesOn whether a former master still serves the addresses until its successor is heard
   */
  void entered(String vip, VirtualRouter router, StateChanged changed, boolean servesOn) {
    var before = state;
    state = name(changed.state());
    // After a mere wait, such as for first check results, there was no fault to recover from.
    boolean recovers = changed.causes().equals(List.of(Reason.of(Kind.Recovered)));
    reasons =
        recovers && !Reason.anyFault(reasons) ? List.of(Reason.of(Kind.Started)) : changed.causes();
    since = node.clock().instant();
    transitions++;
    var change =
        timeline.entered(since, before, state, Reason.text(reasons), node.stopwatch().now());
    node.metrics().transition(vip, state.name(), kinds());
    log(vip, router, before, change);
    if (change != null) {
      change.parts().keySet().forEach(part -> measure(vip, change, part));
      if (!servesOn) {
        measureTotal(vip, change);
      }
    }
  }

  /**
   * One line for the whole change, so that one log line answers what happened and how long it took.
   */
  private void log(String vip, VirtualRouter router, VirtualIpStatus.State from, Change change) {
    var line = new StringBuilder("state vip={} state={} from={} priority={} reason=\"{}\"");
    var values =
        new ArrayList<Object>(List.of(vip, state, from, router.priority(), Reason.text(reasons)));
    if (!details().isEmpty()) {
      line.append(" message=\"{}\"");
      values.add(details());
    }
    if (change != null) {
      change
          .parts()
          .forEach(
              (part, nanos) -> {
                line.append(' ').append(part.text()).append("={}");
                values.add(Timeline.text(nanos));
              });
      line.append(" took={}");
      values.add(Timeline.text(change.total()));
    }
    LOG.info(line.toString(), values.toArray());
  }

  /** A master that handed over and served on has now removed the addresses. */
  void releasedLater(String vip) {
    var change = timeline.releasedLater(node.stopwatch().now());
    if (change != null) {
      LOG.info(
          "released vip={} reason=\"{}\" released={}",
          vip,
          change.reason(),
          Timeline.text(change.total()));
      measure(vip, change, Part.Released);
      measureTotal(vip, change);
    }
  }

  private void measure(String vip, Change change, Part part) {
    long nanos = change.parts().get(part);
    node.metrics().took(vip, change.from(), change.to(), part.name(), nanos);
  }

  private void measureTotal(String vip, Change change) {
    node.metrics().took(vip, change.from(), change.to(), "Total", change.total());
  }

  /**
   * The kinds of the reasons for the state, without their arguments: a metric label must have few
   * values.
   */
  private String kinds() {
    return reasons.stream().map(reason -> reason.kind().name()).collect(Collectors.joining(", "));
  }

  /** What is wrong and what to do; empty if nothing is. */
  private String details() {
    return faults.details().stream()
        .filter(detail -> !detail.isEmpty())
        .collect(Collectors.joining("; "));
  }

  /**
   * A newer generation is refused or, with no problems, no longer so.
   *
   * @return whether the problems differ from the last ones
   */
  boolean refuse(Long generation, List<Problem> problems) {
    boolean news = !problems.equals(refused);
    if (news) {
      refused = List.copyOf(problems);
      refusedGeneration = problems.isEmpty() ? null : generation;
    }
    return news;
  }

  /**
   * Problems that users should know about but that do not keep it from running.
   *
   * @return whether they differ from the last ones
   */
  boolean note(List<Problem> problems) {
    boolean news = !problems.equals(noted);
    noted = List.copyOf(problems);
    return news;
  }

  /**
   * The whole status, as it is written to the VirtualIP.
   *
   * @param lastResort whether its checks fail and {@code whenAllFail: KeepMaster} has lowered its
   *     priority to 1
   * @param strays virtual addresses that are bound here by something other than the agent
   * @param virtualServers null if there are none
   * @param heartbeats null if there is one path of adverts
   */
  NodeStatus of(
      InstanceConfig config,
      VirtualRouter router,
      boolean lastResort,
      List<String> strays,
      List<VirtualServerStatus> virtualServers,
      List<HeartbeatStatus> heartbeats) {
    var messages = new ArrayList<String>();
    refused.forEach(problem -> messages.add("not run: " + problem));
    if (!details().isEmpty()) {
      messages.add(details());
    }
    checks.failingBeside(faults.reasons()).forEach(messages::add);
    if (lastResort) {
      messages.add("priority 1 until checks are good (whenAllFail: KeepMaster)");
    }
    noted.forEach(problem -> messages.add(problem.toString()));
    var bad = config.authentication().badKeys();
    if (bad != null && config.hmac() != null) {
      messages.add(
          "the former keys of adverts go on, as of Secret %s, key %s: %s"
              .formatted(bad.secret().name(), bad.secret().key(), bad.problem()));
    }
    var history = timeline.history();
    var speakers = receiver.speakers();
    return new NodeStatus(
        name(router.state()),
        router.priority(),
        Timeline.text(since),
        Reason.text(reasons),
        messages.isEmpty() ? null : String.join("; ", messages),
        config.generation(),
        refusedGeneration,
        refusedGeneration == null ? null : refused.getFirst().kind().name(),
        transitions,
        router.source() == null ? null : IpPrefix.text(router.source()),
        heardMaster(router),
        speakers.isEmpty() ? null : speakers,
        strays.isEmpty() ? null : strays,
        virtualServers,
        history.isEmpty() ? null : history,
        config.hmac() == null ? null : KeyRings.status(config.hmac()),
        heartbeats);
  }
}
