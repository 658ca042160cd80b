package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** When instances that failed by a defect begin anew: later each time. Times in nanoseconds. */
final class Restarts {
  private final Map<String, Long> at = new HashMap<>();
  private final Map<String, Long> delays = new HashMap<>();
  private final long delayMin;
  private final long delayMax;

  Restarts(long delayMin, long delayMax) {
    this.delayMin = delayMin;
    this.delayMax = delayMax;
  }

  /** An instance has failed. */
  void plan(String name, long now) {
    long delay = Math.min(delayMax, 2 * delays.getOrDefault(name, delayMin / 2));
    delays.put(name, delay);
    at.put(name, now + delay);
  }

  /** Whether an instance is to begin later. */
  boolean isWaiting(String name) {
    return at.containsKey(name);
  }

  /** An instance is not run any more. */
  void forget(String name) {
    at.remove(name);
    delays.remove(name);
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
