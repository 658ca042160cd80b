package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** When instances restart after a defect; the delay doubles each time. Times are nanoseconds. */
final class Restarts {
  /** After this many of the longest delays without a defect an instance counts as recovered. */
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

  /** An instance has failed: plans its restart. */
  void plan(String name, long now) {
    long before = delays.getOrDefault(name, delayMin / 2);
    boolean healthy = now - failedAt.getOrDefault(name, now) > HEALTHY * delayMax;
    long delay = healthy ? delayMin : Math.min(delayMax, 2 * before);
    failedAt.put(name, now);
    delays.put(name, delay);
    at.put(name, now + delay);
  }

  /** An instance is no longer run, or begins at once: drops its planned restart and its delay. */
  void forget(String name) {
    at.remove(name);
    delays.remove(name);
    failedAt.remove(name);
  }

  /** Nothing is restarted any more. */
  void clear() {
    at.clear();
  }

  /** When the next restart is due, or {@link State#NEVER}. */
  long deadline() {
    // The common case first: the loop asks at each turn.
    return at.isEmpty()
        ? State.NEVER
        : at.values().stream().mapToLong(Long::longValue).min().getAsLong();
  }

  /** Removes and returns the names of the instances whose restart is due, sorted. */
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
