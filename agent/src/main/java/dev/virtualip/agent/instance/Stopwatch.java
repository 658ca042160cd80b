package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.State;
import java.util.function.LongSupplier;

/**
 * Measures how long reactions take; never used for decisions. It remembers when the cause of the
 * present work was seen: a packet, a deadline, a report of the kernel, a check's result. Used by
 * the event loop's thread only. Times are nanoseconds of the clock given.
 */
public final class Stopwatch {
  private final LongSupplier nanoTime;
  private long seen = State.NEVER;

  /**
   * @param nanoTime the event loop's clock, in nanoseconds
   */
  public Stopwatch(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Runs an action whose cause was seen at a time; calls may nest. */
  public void since(long seenAt, Runnable action) {
    long outer = seen;
    seen = seenAt;
    try {
      action.run();
    } finally {
      seen = outer;
    }
  }

  /** When the cause of the present work was seen; now, outside of {@link #since}. */
  long seen() {
    return seen == State.NEVER ? now() : seen;
  }

  long now() {
    return nanoTime.getAsLong();
  }
}
