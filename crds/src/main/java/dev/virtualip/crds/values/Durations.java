package dev.virtualip.crds.values;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Kubernetes users write them: {@code 1s}, {@code 100ms}, {@code 1m30s}. */
public final class Durations {
  /** Pattern of the texts that {@link #parse} accepts. */
  public static final String PATTERN = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$";

  private static final Pattern WHOLE = Pattern.compile(PATTERN);
  private static final Pattern PART = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(ms|s|m|h)");

  private Durations() {}

  /**
   * Parses a duration.
   *
   * @throws IllegalArgumentException if the text is not a duration, or is one of more than 10 years
   */
  public static Duration parse(String text) {
    if (text.length() > 32 || !WHOLE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not a duration: write a number and a unit (ms, s, m, h), as in 1s");
    }
    var nanos = BigDecimal.ZERO;
    Matcher part = PART.matcher(text);
    while (part.find()) {
      nanos = nanos.add(new BigDecimal(part.group(1)).multiply(nanosOf(part.group(2))));
    }
    if (nanos.compareTo(BigDecimal.valueOf(Duration.ofDays(3650).toNanos())) > 0) {
      throw new IllegalArgumentException("\"" + text + "\" is too long: use at most 10 years");
    }
    return Duration.ofNanos(nanos.longValue());
  }

  /**
   * The text of a duration of whole milliseconds, in hours, seconds or milliseconds, as in {@code
   * 40950ms}.
   */
  public static String format(Duration duration) {
    if (duration.toMillisPart() != 0) {
      return duration.toMillis() + "ms";
    }
    return duration.isZero() || duration.toSeconds() % 3600 != 0
        ? duration.toSeconds() + "s"
        : duration.toHours() + "h";
  }

  private static BigDecimal nanosOf(String unit) {
    return BigDecimal.valueOf(
        switch (unit) {
          case "ms" -> 1_000_000L;
          case "s" -> 1_000_000_000L;
          case "m" -> 60_000_000_000L;
          default -> 3_600_000_000_000L;
        });
  }
}
