package dev.virtualip.agent.kube;

import java.time.Duration;

/**
 * How much one VirtualIP may write to the API server (token bucket): moves and edits at once, and
 * after {@value #MOST} writes one in ten seconds. Forged adverts can make states, reasons and
 * speakers change as often as somebody likes. Times are nanoseconds of the caller's clock.
 */
final class Budget {
  static final int MOST = 20;
  private static final long REFILL_NANOS = Duration.ofSeconds(10).toNanos();

  private int left = MOST;
  private long refilledAt;

  /** A full budget. */
  Budget(long now) {
    refilledAt = now;
  }

  /** Takes one write, if there is one. */
  boolean take(long now) {
    refill(now);
    if (left == 0) {
      return false;
    }
    left--;
    return true;
  }

  /** When there is a write to be taken; a time that has passed if there is one already. */
  long nextAt(long now) {
    refill(now);
    return left > 0 ? now : refilledAt + REFILL_NANOS;
  }

  private void refill(long now) {
    long refills = (now - refilledAt) / REFILL_NANOS;
    left = (int) Math.min(MOST, left + refills);
    refilledAt += refills * REFILL_NANOS;
  }
}
