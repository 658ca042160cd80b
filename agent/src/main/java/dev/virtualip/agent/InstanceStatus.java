package dev.virtualip.agent;

import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.VirtualRouter;
import dev.virtualip.crds.IpPrefix;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is told about one virtual router on this node: its last change of state, and what users
 * should know. Used by the event loop's thread only.
 */
final class InstanceStatus {
  private final Obstacles obstacles;
  private final InstanceChecks checks;
  private final Reception reception;
  private List<Problem> refused = List.of();
  private Long refusedGeneration;
  private List<Problem> noted = List.of();
  private String reason;
  private Instant since;
  private Duration took;
  private long transitions;

  /**
   * The status of a router that has not begun.
   *
   * @param reason why it does not take part yet
   * @param since since when
   */
  InstanceStatus(
      Obstacles obstacles,
      InstanceChecks checks,
      Reception reception,
      String reason,
      Instant since) {
    this.obstacles = obstacles;
    this.checks = checks;
    this.reception = reception;
    this.reason = reason;
    this.since = since;
  }

  /** A router's state in the words of the API. */
  static VirtualIpStatus.State name(State state) {
    return switch (state) {
      case Backup _ -> VirtualIpStatus.State.Backup;
      case Active _ -> VirtualIpStatus.State.Master;
      case Initialize initialize ->
          initialize.reasons().stream().allMatch(Obstacles::isNoFault)
              ? VirtualIpStatus.State.Init
              : VirtualIpStatus.State.Fault;
    };
  }

  /**
   * The router has entered a state.
   *
   * @param began when it began to do so
   */
  void entered(StateChanged changed, Instant began, Instant now) {
    // Waiting for a while or for the first check results was no fault to recover from.
    boolean waited = Stream.of(reason.split(", ")).allMatch(Obstacles::isNoFault);
    reason =
        waited && changed.cause().equals(VirtualRouter.RECOVERED)
            ? VirtualRouter.STARTED
            : changed.cause();
    since = now;
    took = Duration.between(began, now);
    transitions++;
  }

  /** Why the state is what it is. */
  String reason() {
    return reason;
  }

  /** How long the last change of state took; null before the first. */
  String took() {
    return took == null ? null : "%.1fms".formatted(took.toNanos() / 1e6);
  }

  /** A newer generation is not run, or no longer refused; whether that is news. */
  boolean refuse(Long generation, List<Problem> problems) {
    boolean news = !problems.equals(refused);
    if (news) {
      refused = List.copyOf(problems);
      refusedGeneration = problems.isEmpty() ? null : generation;
    }
    return news;
  }

  /** What users should know, though it keeps nothing from running; whether that is news. */
  boolean note(List<Problem> problems) {
    boolean news = !problems.equals(noted);
    noted = List.copyOf(problems);
    return news;
  }

  /**
   * All of it.
   *
   * @param lastResort whether it is only there because a master is kept whose checks fail
   * @param strays addresses that somebody else has bound here
   */
  NodeStatus of(
      InstanceConfig config, VirtualRouter router, boolean lastResort, List<String> strays) {
    var messages = new ArrayList<String>();
    refused.forEach(problem -> messages.add("not run: " + problem));
    obstacles.details().stream().filter(detail -> !detail.isEmpty()).forEach(messages::add);
    checks.failingBeside(obstacles.reasons()).forEach(messages::add);
    if (lastResort) {
      messages.add("priority 1 until checks are good (whenAllFail: KeepMaster)");
    }
    noted.forEach(problem -> messages.add(problem.toString()));
    var speakers = reception.speakers();
    return new NodeStatus(
        name(router.state()),
        router.priority(),
        since.truncatedTo(ChronoUnit.MILLIS).toString(),
        reason,
        messages.isEmpty() ? null : String.join("; ", messages),
        config.generation(),
        refusedGeneration,
        transitions,
        router.source() == null ? null : IpPrefix.text(router.source()),
        speakers.isEmpty() ? null : speakers,
        strays.isEmpty() ? null : strays,
        took());
  }
}
