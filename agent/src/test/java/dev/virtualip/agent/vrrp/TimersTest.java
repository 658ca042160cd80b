package dev.virtualip.agent.vrrp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TimersTest {
  private static final long MILLISECOND = 1_000_000L;

  /** RFC 3768 6.1 and RFC 9568 6.1; the values were measured on keepalived too. */
  @ParameterizedTest
  @CsvSource({
    "V2, 80, 1000, 3687500000",
    "V2, 100, 1000, 3609375000",
    "V2, 150, 1000, 3414062500",
    "V2, 254, 1000, 3007812500",
    "V2, 255, 1000, 3003906250",
    "V2, 1, 1000, 3996093750",
    "V2, 100, 3000, 9609375000",
    "V3, 100, 1000, 3609375000",
    "V3, 100, 200, 721875000",
    "V3, 100, 2000, 7218750000",
    "V3, 150, 500, 1707031250",
    "V3, 100, 40950, 147803906250",
  })
  void activeDownIntervalIsThreeIntervalsAndSkew(
      Version version, int priority, long intervalMillis, long nanos) {
    assertEquals(nanos, Timers.activeDownInterval(version, priority, intervalMillis * MILLISECOND));
  }

  @ParameterizedTest
  @CsvSource({
    "V2, 1000, 4",
    "V2, 3000, 10",
    "V3, 1000, 4",
    "V3, 250, 1",
    "V3, 10, 1",
    "V3, 100, 1"
  })
  void leaseIsTheLatestTakeoverInWholeSeconds(Version version, long intervalMillis, long seconds) {
    assertEquals(seconds, overlap(version, intervalMillis * MILLISECOND));
  }

  private static long overlap(Version version, long interval) {
    return Timers.leaseSeconds(version, interval, LeasePolicy.Overlap);
  }

  @Test
  void anExclusiveLeaseEndsASecondBeforeTheEarliestTakeoverAndOutlivesALateAdvert() {
    for (long interval = 1_000; interval <= 255_000; interval += 10) {
      long lease =
          1_000 * Timers.leaseSeconds(Version.V3, interval * MILLISECOND, LeasePolicy.Exclusive);
      assertTrue(lease + 1_000 <= 3 * interval, "interval " + interval);
      assertTrue(lease >= interval + interval / 3, "interval " + interval);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void noLeaseEndsBeforeTheLatestBackupTakesOver(Version version) {
    long step = version == Version.V2 ? 1_000 * MILLISECOND : 10 * MILLISECOND;
    int steps = version == Version.V2 ? 255 : 4_095;
    for (long interval = step; interval <= steps * step; interval += step) {
      long age = 0;
      while (!Timers.renewalDue(age, interval)) {
        age += interval;
      }
      long left = overlap(version, interval) * 1_000 * MILLISECOND - (age - interval);
      long takeover = Timers.activeDownInterval(version, 1, interval);
      assertTrue(age == 0 || left >= takeover, "interval " + interval);
      assertTrue(overlap(version, interval) >= 1);
    }
  }
}
