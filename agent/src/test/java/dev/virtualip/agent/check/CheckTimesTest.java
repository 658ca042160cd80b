package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.check.CheckTimes.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Times are milliseconds here. */
class CheckTimesTest {
  private static final long INTERVAL = 30_000;
  private static final long REPEAT = 10;
  private static final long MINUTE = 60_000;

  /** Near the largest value: the clock's origin is arbitrary, and it may overflow. */
  private static final long ORIGIN = Long.MAX_VALUE - nanos(40_000);

  private final CheckTimes times = times(INTERVAL, null);

  private static long nanos(long millis) {
    return Duration.ofMillis(millis).toNanos();
  }

  private static long at(long millis) {
    return ORIGIN + nanos(millis);
  }

  private static CheckTimes times(long interval, Long retry) {
    return new CheckTimes(
        at(-interval), nanos(interval), retry == null ? null : nanos(retry), at(0));
  }

  private static void assertNext(CheckTimes times, long now, long next) {
    assertEquals(next - now, times.untilNext(at(now)) / 1_000_000);
  }

  @Test
  void itRunsAtOnceAndThenAtAFixedRate() {
    assertNext(times, 0, 0);
    times.ran(at(100), Outcome.Good);
    assertNext(times, 100, INTERVAL);
    times.ran(at(INTERVAL + 7), Outcome.Settled);
    assertNext(times, INTERVAL + 7, 2 * INTERVAL);
  }

  @Test
  void runsThatWereMissedAreLeftOut() {
    times.ran(at(5 * INTERVAL + 1), Outcome.Good);
    assertNext(times, 5 * INTERVAL + 1, 6 * INTERVAL);
  }

  @Test
  void withoutAnEndAFailureThatDoesNotDecideWaitsForTheIntervalOrRetry() {
    times.ran(at(0), Outcome.Undecided);
    assertNext(times, 0, INTERVAL);
    var retried = times(INTERVAL, 500L);
    retried.ran(at(0), Outcome.Undecided);
    assertNext(retried, 0, 500);
    assertFalse(retried.pursues());
  }

  @Test
  void anEndIsCheckedAtOnceAndFailuresQuicklyUntilTheyDecide() {
    times.ran(at(0), Outcome.Good);
    times.watching(at(0));
    times.ended(at(9_000));
    assertNext(times, 9_000, 9_000);
    for (long now = 9_000; now < 9_000 + 5 * REPEAT; now += REPEAT) {
      times.ran(at(now), Outcome.Undecided);
      assertTrue(times.pursues());
      assertNext(times, now, now + REPEAT);
    }
    times.ran(at(9_050), Outcome.Settled);
    assertFalse(times.pursues());
    assertNext(times, 9_050, INTERVAL);
  }

  @Test
  void afterAnEndARetryIntervalIsKept() {
    var retried = times(INTERVAL, 500L);
    retried.ran(at(0), Outcome.Good);
    retried.watching(at(0));
    retried.ended(at(9_000));
    retried.ran(at(9_000), Outcome.Undecided);
    assertNext(retried, 9_000, 9_500);
    assertTrue(retried.pursues());
  }

  @Test
  void quicknessEndsWithTheFirstSuccess() {
    times.ran(at(0), Outcome.Good);
    times.watching(at(0));
    times.ended(at(9_000));
    times.ran(at(9_000), Outcome.Undecided);
    times.ran(at(9_010), Outcome.Good);
    assertNext(times, 9_010, INTERVAL);
    times.ran(at(INTERVAL), Outcome.Undecided);
    assertNext(times, INTERVAL, 2 * INTERVAL);
  }

  @Test
  void aRegularRunIsNotDelayedByAnEnd() {
    times.ran(at(0), Outcome.Good);
    times.watching(at(0));
    times.ended(at(INTERVAL - 3));
    times.ran(at(INTERVAL - 3), Outcome.Undecided);
    assertNext(times, INTERVAL - 3, INTERVAL);
  }

  @Test
  void aChangeIsCheckedAtOnceAndOnceOnly() {
    times.ran(at(0), Outcome.Good);
    times.changed(at(9_000));
    assertNext(times, 9_000, 9_000);
    times.ran(at(9_000), Outcome.Undecided);
    assertNext(times, 9_000, INTERVAL);
  }

  @Test
  void whatLastsASecondIsWatchedAgainAtOnce() {
    for (long now = 0; now < 20_000; now += 1_000) {
      times.ran(at(now), Outcome.Good);
      assertTrue(times.mayWatch(at(now)));
      assertNext(times, now, INTERVAL);
      times.watching(at(now));
      times.ended(at(now + 1_000));
    }
  }

  @Test
  void whatEndsSoonIsCheckedAgainAfterAMoment() {
    times.ran(at(0), Outcome.Good);
    times.watching(at(0));
    times.ended(at(1));
    times.ran(at(2), Outcome.Good);
    assertFalse(times.mayWatch(at(2)));
    assertNext(times, 2, 2 + REPEAT);
    assertTrue(times.pursues());
    times.ran(at(2 + REPEAT), Outcome.Undecided);
    assertNext(times, 2 + REPEAT, 2 + 2 * REPEAT);
  }

  /** The bound for a server that closes every connection at once. */
  @ParameterizedTest
  @ValueSource(longs = {50, 1_000, 30_000, 3_600_000})
  void whatAlwaysEndsSoonCostsFewRunsBesideTheRegularOnes(long interval) {
    var busy = times(interval, null);
    long hour = 3_600_000;
    long now = 0;
    int runs = 0;
    while (now < hour) {
      busy.ran(at(now), Outcome.Good);
      runs++;
      if (busy.mayWatch(at(now))) {
        busy.watching(at(now));
        busy.ended(at(now));
      }
      now += busy.untilNext(at(now)) / 1_000_000;
    }
    long regular = hour / interval;
    long minutes = hour / Math.max(MINUTE, interval);
    assertTrue(runs >= regular, runs + " runs");
    // Two for each connection: 10 ms doubled 20 times is longer than an hour.
    assertTrue(runs <= regular + 2 * (minutes + 20), runs + " runs");
  }

  @Test
  void patienceIsForgottenWhenOneLasts() {
    long now = 0;
    for (int i = 0; i < 5; i++) {
      times.ran(at(now), Outcome.Good);
      times.watching(at(now));
      times.ended(at(now));
      times.ran(at(now), Outcome.Good);
      now += times.untilNext(at(now)) / 1_000_000;
    }
    assertEquals((1 + 2 + 4 + 8 + 16) * REPEAT, now);
    times.ran(at(now), Outcome.Good);
    times.watching(at(now));
    times.ended(at(now + 2_000));
    times.ran(at(now + 2_000), Outcome.Good);
    assertTrue(times.mayWatch(at(now + 2_000)));
    assertNext(times, now + 2_000, INTERVAL);
  }

  @Test
  void whatDisturbsTheServerIsTriedOnceMore() {
    times.ran(at(0), Outcome.Good);
    times.disturbed(at(1_000));
    assertFalse(times.mayWatch(at(MINUTE + 999)));
    assertTrue(times.mayWatch(at(MINUTE + 1_000)));
    times.disturbed(at(MINUTE + 1_000));
    assertFalse(times.mayWatch(at(100 * MINUTE)));
  }
}
