package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.VirtualIpStatus.Transition;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What a change of state took, read from its text in the status.
 *
 * @param total from the cause until all was done
 * @param parts from the cause to the end of each part, such as {@code bound}
 */
record Took(Duration total, Map<String, Duration> parts) {
  private static final Pattern TOTAL = Pattern.compile("^([0-9]{1,9}(?:\\.[0-9]{1,3})?)ms");
  private static final Pattern PART = Pattern.compile("([a-z]+) ([0-9]{1,9}(?:\\.[0-9]{1,3})?)ms");

  /** Reads {@code took}; what is not there took no time. */
  static Took of(Transition transition) {
    var text = Objects.requireNonNullElse(transition.took(), "");
    var total = TOTAL.matcher(text);
    var parts = new HashMap<String, Duration>();
    var part = PART.matcher(text);
    while (part.find()) {
      parts.put(part.group(1), millis(part.group(2)));
    }
    return new Took(total.find() ? millis(total.group(1)) : Duration.ZERO, Map.copyOf(parts));
  }

  /** When a part had ended, after the cause. */
  Duration part(String name) {
    return parts.getOrDefault(name, Duration.ZERO);
  }

  private static Duration millis(String text) {
    return Duration.ofNanos(new BigDecimal(text).movePointRight(6).longValue());
  }
}
