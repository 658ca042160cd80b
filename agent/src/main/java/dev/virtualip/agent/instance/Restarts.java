package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** When instances that failed by a defect begin anew: later each time. Times in nanoseconds. */
final class Restarts {
  /** One that has run for so many of the longest delays has recovered. */
  private static final int HEALTHY = 10;

  private final Map<String, Long> at = new HashMap<>();
  private final Map<String, Long> delays = new HashMap<>();
  private final Map<String, Long> failedAt = new HashMap<>();
  private final long delayMin;
  private final long delayMax;

  Restarts(long delayMin, long delayMax) {
    this.delayMin = delayMin;
    this.delayMax = delayMax;
  }

  /** An instance has failed. */
  void plan(String name, long now) {
    long before = delays.getOrDefault(name, delayMin / 2);
    boolean healthy = now - failedAt.getOrDefault(name, now) > HEALTHY * delayMax;
    long delay = healthy ? delayMin : Math.min(delayMax, 2 * before);
    failedAt.put(name, now);
    delays.put(name, delay);
    at.put(name, now + delay);
  }

  /** An instance is not run any more, or begins at once. */
  void forget(String name) {
    at.remove(name);
    delays.remove(name);
    failedAt.remove(name);
  }

  /** When the first is due, or {@link State#NEVER}. */
  long deadline() {
    // The loop asks at each turn; mostly there is none.
    return at.isEmpty()
        ? State.NEVER
        : at.values().stream().mapToLong(Long::longValue).min().getAsLong();
  }

  /** Takes those that are due. */
  List<String> due(long now) {
    var due = new ArrayList<String>();
    at.forEach(
        (name, when) -> {
          if (when <= now) {
            due.add(name);
          }
        });
    due.sort(null);
    due.forEach(at::remove);
    return due;
  }
}
