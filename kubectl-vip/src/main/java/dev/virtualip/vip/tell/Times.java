package dev.virtualip.vip.tell;

import java.math.BigDecimal;
import java.math.MathContext;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Times and durations as people read them. */
public final class Times {
  private Times() {}

  /** How long ago a time was, as in {@code 3m12s} or {@code 5d}; {@code ?} if it is no time. */
  public static String ago(String time, Instant now) {
    return instant(time).map(then -> age(Duration.between(then, now))).orElse("?");
  }

  /** An RFC 3339 time; empty if it is none, as anybody may write a status. */
  static Optional<Instant> instant(String text) {
    try {
      return Optional.ofNullable(text).map(Instant::parse);
    } catch (DateTimeException _) {
      return Optional.empty();
    }
  }

  private static String age(Duration age) {
    long seconds = Math.max(0, age.toSeconds());
    if (seconds < 120) {
      return seconds + "s";
    }
    if (seconds < 3600) {
      return seconds / 60 + "m" + seconds % 60 + "s";
    }
    long hours = seconds / 3600;
    return hours < 48 ? hours + "h" + seconds % 3600 / 60 + "m" : hours / 24 + "d";
  }

  /** A duration with three digits at most: in milliseconds, or from a second on in seconds. */
  public static String text(Duration duration) {
    long tenths = (duration.toNanos() + 50_000) / 100_000;
    if (tenths > 0 && tenths < 100) {
      return BigDecimal.valueOf(tenths, 1).stripTrailingZeros().toPlainString() + " ms";
    }
    long millis = (duration.toNanos() + 500_000) / 1_000_000;
    if (millis < 1000) {
      return millis + " ms";
    }
    return BigDecimal.valueOf(millis, 3)
            .round(new MathContext(3))
            .stripTrailingZeros()
            .toPlainString()
        + " s";
  }
}
