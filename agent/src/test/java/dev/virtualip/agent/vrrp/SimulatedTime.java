package dev.virtualip.agent.vrrp;

import java.util.PriorityQueue;

/** Virtual time in nanoseconds, and what is due in it. */
final class SimulatedTime {
  private record Due(long at, long order, Runnable action) implements Comparable<Due> {
    @Override
    public int compareTo(Due other) {
      int byTime = Long.compare(at, other.at);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  private final PriorityQueue<Due> queue = new PriorityQueue<>();
  private long now;
  private long order;

  long now() {
    return now;
  }

  void at(long time, Runnable action) {
    queue.add(new Due(Math.max(time, now), order++, action));
  }

  void after(long nanos, Runnable action) {
    at(now + nanos, action);
  }

  /** Does all that is due up to a moment, and one thing more after each. */
  void runUntil(long end, Runnable afterEach) {
    while (!queue.isEmpty() && queue.peek().at <= end) {
      var due = queue.poll();
      now = due.at;
      due.action.run();
      afterEach.run();
    }
    now = end;
    afterEach.run();
  }
}
