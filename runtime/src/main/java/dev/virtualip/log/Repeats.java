package dev.virtualip.log;

import java.util.LinkedHashMap;
import java.util.Map;

/** Lets the same text through once a second, and tells how often it was held back. */
final class Repeats {
  private static final long SECOND = 1_000;

  /** A flood of different lines can fill so much memory and no more. */
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
   * Takes in a text.
   *
   * @param atMillis when; any clock's milliseconds
   * @return how often it was held back since it was let through; negative if it is held back too
   */
  synchronized int admit(String text, long atMillis) {
    var before = seen.get(text);
    // A clock that was set back must not silence anything.
    if (before != null && Math.abs(atMillis - before.at) < SECOND) {
      before.heldBack++;
      return -1;
    }
    seen.remove(text);
    seen.put(text, new Seen(atMillis));
    return before == null ? 0 : before.heldBack;
  }
}
