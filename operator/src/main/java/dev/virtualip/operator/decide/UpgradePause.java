package dev.virtualip.operator.decide;

import java.time.Duration;

/**
 * Whether the upgrade of the agents pauses: one step has taken 30 s or more. Only the step counts,
 * not its reason, which changes all the time when an agent crashes again and again.
 */
public final class UpgradePause {
  private static final long AFTER = Duration.ofSeconds(30).toNanos();

  private Step step;
  private long since;

  private record Step(String node, boolean begins) {}

  /**
   * Notes the present step.
   *
   * @param now System.nanoTime
   * @return whether the upgrade pauses
   */
  public boolean paused(AgentRollout.Turn turn, long now) {
    var next = turn.waitsFor() == null ? null : new Step(turn.node(), turn.begins());
    if (next == null || !next.equals(step)) {
      step = next;
      since = now;
    }
    return step != null && now - since >= AFTER;
  }
}
