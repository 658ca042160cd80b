package dev.virtualip.vip.keepalived;

import java.math.BigDecimal;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads arguments; what cannot be read is not supported, with what was expected. */
record Reading(Report report) {
  private static final Set<String> YES = Set.of("", "on", "true", "yes");
  private static final Set<String> NO = Set.of("off", "false", "no");
  private static final Pattern DECIMAL = Pattern.compile("[0-9]{1,9}(\\.[0-9]{1,9})?");

  /** The number that is the argument, or null. */
  Integer number(Directive directive, int index, int min, int max) {
    var number = number(directive.argument(index), min, max);
    if (number == null) {
      report.notSupported(directive, "expected a number from %d to %d".formatted(min, max));
    }
    return number;
  }

  /** A number, or null if it is none in the range. */
  static Integer number(String text, int min, int max) {
    if (text == null || !text.matches("-?[0-9]{1,10}")) {
      return null;
    }
    long number = Long.parseLong(text);
    return number < min || number > max ? null : (Integer) (int) number;
  }

  /** The seconds that are the argument as a duration, or null. */
  String seconds(Directive directive, int index) {
    var duration = duration(directive.argument(index));
    if (duration == null) {
      report.notSupported(directive, "expected seconds, as in 1 or 0.5");
    }
    return duration;
  }

  /** Says what keepalived 2.2 does where it expects whole seconds and gets a fraction. */
  void whole(Directive directive, String does) {
    if (directive.argument(1).matches("[0-9]+\\.[0-9]+")) {
      report.approximated(directive, "keepalived 2.2 expects whole seconds here, and " + does);
    }
  }

  /** Seconds as a duration, or null. */
  static String duration(String seconds) {
    return seconds == null || !DECIMAL.matcher(seconds).matches()
        ? null
        : duration(new BigDecimal(seconds));
  }

  /** Seconds as a duration. */
  static String duration(BigDecimal seconds) {
    var whole = seconds.stripTrailingZeros();
    return whole.scale() <= 0
        ? whole.toPlainString() + "s"
        : seconds.movePointRight(3).stripTrailingZeros().toPlainString() + "ms";
  }

  /** Whether a switch is on; null, and not supported, if it is neither on nor off. */
  Boolean flag(Directive directive) {
    var word = directive.argument(1);
    if (!YES.contains(word) && !NO.contains(word)) {
      report.notSupported(directive, "expected on or off");
      return null;
    }
    return YES.contains(word);
  }
}
