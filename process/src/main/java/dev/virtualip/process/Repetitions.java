package dev.virtualip.process;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Lets the same line pass once a second; remembers the last 128 lines. */
final class Repetitions {
  private static final long GAP_NANOS = Duration.ofSeconds(1).toNanos();
  private static final int REMEMBERED = 128;

  private final Map<String, Seen> seen =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Seen> eldest) {
          return size() > REMEMBERED;
        }
      };

  private static final class Seen {
    private long passedNanos;
    private int heldBack;
  }

  /**
   * How often {@code line} was held back since it passed last; -1 if it is to be held back now.
   *
   * @param nowNanos the monotonic clock
   */
  synchronized int before(String line, long nowNanos) {
    var last = seen.get(line);
    if (last != null && nowNanos - last.passedNanos < GAP_NANOS) {
      last.heldBack++;
      return -1;
    }
    var next = new Seen();
    next.passedNanos = nowNanos;
    seen.put(line, next);
    return last == null ? 0 : last.heldBack;
  }
}
