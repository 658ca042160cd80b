package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.State;
import java.util.function.LongSupplier;

/**
 * The event loop's clock for measuring, never for deciding, and when the cause of what is being
 * done was seen: a packet taken from the wire, a deadline, a report of the kernel, a check's
 * result. Used by the event loop's thread only.
 */
public final class Stopwatch {
  private final LongSupplier nanoTime;
  private long seen = State.NEVER;

  /** A stopwatch that counts by a clock. */
  public Stopwatch(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Does something whose cause was seen at a time. */
  public void since(long seenAt, Runnable action) {
    long outer = seen;
    seen = seenAt;
    try {
      action.run();
    } finally {
      seen = outer;
    }
  }

  /** When the cause of what is being done was seen; now, if nobody has said. */
  long seen() {
    return seen == State.NEVER ? now() : seen;
  }

  long now() {
    return nanoTime.getAsLong();
  }
}
