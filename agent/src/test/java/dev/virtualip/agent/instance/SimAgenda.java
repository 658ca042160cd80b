package dev.virtualip.agent.instance;

import java.util.PriorityQueue;

/** Simulated time, and what happens when. Nanoseconds. */
final class SimAgenda {
  private final PriorityQueue<Entry> entries = new PriorityQueue<>();

  /** More than happens in any simulation. */
  private static final int STEPS_MAX = 2_000_000;

  private long sequence;
  private int steps;
  private long now;

  private record Entry(long at, long sequence, Runnable action) implements Comparable<Entry> {
    @Override
    public int compareTo(Entry other) {
      int byTime = Long.compare(at, other.at);
      return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
    }
  }

  long now() {
    return now;
  }

  /** Does something after a while; what was added first of the same time goes first. */
  void after(long delay, Runnable action) {
    entries.add(new Entry(now + delay, sequence++, action));
  }

  /** Lets time pass until the next thing has happened; false if none is left before a time. */
  boolean step(long until) {
    var next = entries.peek();
    if (next == null || next.at() > until) {
      now = Math.max(now, until);
      return false;
    }
    if (++steps > STEPS_MAX) {
      throw new AssertionError("no end: " + STEPS_MAX + " things have happened");
    }
    entries.remove();
    now = next.at();
    next.action().run();
    return true;
  }
}
