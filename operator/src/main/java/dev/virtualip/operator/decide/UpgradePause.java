package dev.virtualip.operator.decide;

import java.time.Duration;

/**
 * Whether the upgrade of the agents has come to a halt: one step of it takes long. What it waits
 * for may read differently each time: an agent that crashes is starting, has ended, waits.
 */
public final class UpgradePause {
  private static final long AFTER = Duration.ofSeconds(30).toNanos();

  private Step step;
  private long since;

  private record Step(String node, boolean begins) {}

  /** Looks at whose turn it is, at a time of {@code System.nanoTime}. */
  public boolean paused(AgentRollout.Turn turn, long now) {
    var next = turn.waitsFor() == null ? null : new Step(turn.node(), turn.begins());
    if (next == null || !next.equals(step)) {
      step = next;
      since = now;
    }
    return step != null && now - since >= AFTER;
  }
}
