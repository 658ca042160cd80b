package dev.virtualip.log;

import java.util.LinkedHashMap;
import java.util.Map;

/** Admits the same text once a second, and counts how often it was held back. */
final class Repeats {
  private static final long SECOND = 1_000;

  /** Bounds the memory that a flood of different lines can fill. */
  private static final int MAX = 1_000;

  private final Map<String, Seen> seen =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Seen> eldest) {
          return size() > MAX;
        }
      };

  private static final class Seen {
    private final long at;
    private int heldBack;

    Seen(long at) {
      this.at = at;
    }
  }

  /**
   * Admits a text or holds it back.
   *
   * @param atMillis time of the text, in milliseconds of any clock
   * @return how often it was held back since it was last admitted; negative if it is held back now
   */
  synchronized int admit(String text, long atMillis) {
    var before = seen.get(text);
    // With the absolute difference a clock that was set back cannot silence a text.
    if (before != null && Math.abs(atMillis - before.at) < SECOND) {
      before.heldBack++;
      return -1;
    }
    seen.remove(text);
    seen.put(text, new Seen(atMillis));
    return before == null ? 0 : before.heldBack;
  }
}
