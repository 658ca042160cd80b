package dev.virtualip.agent.check;

import java.time.Duration;

/**
 * When a check runs, and when it may watch what it looks at. It runs at a fixed rate, sooner after
 * a failure that does not decide yet, and at once when what it watches has ended.
 *
 * <p>What ends soon after the watch began, while the check stays good, gets patience: it is checked
 * and watched again after {@link #REPEAT}, the next time after twice as long, and so on up to a
 * minute, or the interval if that is longer. So a server whose processes end one after another is
 * followed closely, and one that closes every connection costs little. Of a server that keeps each
 * connection for a second or more the early checks are one a second at most.
 *
 * <p>Times are nanoseconds of one clock, whose origin is arbitrary.
 */
final class CheckTimes {
  /** From a failure that does not decide to the next check, after an end. */
  static final long REPEAT = Duration.ofMillis(10).toNanos();

  /** What has been watched for less than this ended soon. */
  static final long SOON = Duration.ofSeconds(1).toNanos();

  private static final long MINUTE = Duration.ofMinutes(1).toNanos();
  private static final int DOUBLINGS_MAX = 24;

  private final long interval;
  private final Long retry;
  private long regular;
  private long next;
  private long watchFrom;
  private long watchedSince;
  private int soonEnds;
  private boolean disturbed;
  private boolean never;
  private boolean ended;
  private boolean pursues;

  /** What a run has led to. */
  enum Outcome {
    /** It succeeded, and the check is good. */
    Good,
    /** It failed, and the check does not count as failed yet. */
    Undecided,
    /** Anything else. */
    Settled
  }

  /**
   * The times of a check.
   *
   * @param regular a time of the check's rate: others are intervals before and after it
   * @param interval 1 ns or more
   * @param retry from a failure that does not decide to the next check; null if the user gave none
   * @param now the present
   */
  CheckTimes(long regular, long interval, Long retry, long now) {
    this.regular = regular;
    this.interval = interval;
    this.retry = retry;
    next = now;
    watchFrom = now;
  }

  /** Whether the check may watch, if its last run was good. */
  boolean mayWatch(long now) {
    return !never && now - watchFrom >= 0;
  }

  /** A watch has begun. */
  void watching(long now) {
    watchedSince = now;
  }

  /** What was watched has ended, so the check runs at once. */
  void ended(long now) {
    soonEnds = now - watchedSince < SOON ? Math.min(soonEnds + 1, DOUBLINGS_MAX) : 0;
    ended = true;
    pursues = true;
    next = now;
  }

  /**
   * A check has failed beside its watch, and succeeded without. It is tried once more after a
   * minute, and if that goes on, never again.
   */
  void disturbed(long now) {
    never = disturbed;
    disturbed = true;
    watchFrom = now + MINUTE;
  }

  /** What the check looks at has changed, and goes on to be watched: the check runs at once. */
  void changed(long now) {
    next = now;
  }

  /** The check has run; computes when it runs next. */
  void ran(long now, Outcome outcome) {
    // Nothing is added while the run was before its time.
    regular += interval * Math.max(0, Math.floorDiv(now - regular, interval) + 1);
    long wait = regular - now;
    if (outcome == Outcome.Undecided) {
      wait = Math.min(wait, retry != null ? retry : pursues ? REPEAT : wait);
    } else if (outcome == Outcome.Good && ended && soonEnds > 0) {
      long patience = patience();
      watchFrom = now + patience;
      pursues = patience < wait;
      wait = Math.min(wait, patience);
      ended = false;
    } else {
      pursues = false;
      ended = false;
    }
    next = now + wait;
  }

  private long patience() {
    return Math.min(REPEAT << (soonEnds - 1), Math.max(MINUTE, interval));
  }

  /** Nanoseconds until the check runs next, 0 or more. */
  long untilNext(long now) {
    return Math.max(0, next - now);
  }

  /** Whether the next run is before its time, since an end is not settled yet. */
  boolean pursues() {
    return pursues && next - regular < 0;
  }
}
