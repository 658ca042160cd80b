package dev.virtualip.agent.instance;

import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.Transition;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/**
 * When one virtual router changed its state, and how far the change was after what time. Times are
 * nanoseconds of the caller's clock; all parts count from when the change's cause was seen.
 */
final class Timeline {
  private static final int MAX = 10;
  private static final long HUNDREDTH = 10_000;
  private static final DateTimeFormatter RFC_3339 =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  /** How far a change of state is. Which parts there are depends on the change. */
  enum Part {
    /** The virtual router has made its step. */
    Decided,
    /** An advert has been sent. */
    Advert,
    /** An advert of priority 0 has been sent. */
    Resigned,
    /** The kernel has the addresses, routes and rules. */
    Bound,
    /** Each address has been announced once. */
    Announced,
    /** The kernel has addresses, routes and rules no more. */
    Released;

    /** As it is written in log and status. */
    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A change of state.
   *
   * @param seen when its cause was seen
   * @param parts time from the cause to each part, in the order in which they came
   * @param total time from the cause until all was done
   */
  record Change(
      Instant at,
      State from,
      State to,
      String reason,
      long seen,
      Map<Part, Long> parts,
      long total) {

    Change {
      parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
    }

    private Transition told() {
      var told = new StringJoiner(", ", Timeline.text(total) + ": ", "");
      parts.forEach((part, nanos) -> told.add(part.text() + " " + Timeline.text(nanos)));
      return new Transition(Timeline.text(at), from, to, reason, told.toString());
    }
  }

  /** Text that is made once: a status is told more often than it changes. */
  private final Deque<Transition> history = new ArrayDeque<>(MAX);

  private final Map<Part, Long> parts = new LinkedHashMap<>();
  private long seen;
  private boolean changing;
  private Change last;

  /** A point in time with milliseconds, as in {@code 2026-01-01T12:00:00.000Z}. */
  static String text(Instant at) {
    return RFC_3339.format(at);
  }

  /** A duration in milliseconds, as in {@code 1.42ms}. */
  static String text(long nanos) {
    long hundredths = (nanos + HUNDREDTH / 2) / HUNDREDTH;
    long rest = hundredths % 100;
    return hundredths / 100 + (rest < 10 ? ".0" : ".") + rest + "ms";
  }

  /**
   * A step has been made that changes the state.
   *
   * @param causeSeen when its cause was seen
   */
  void begin(long causeSeen, long now) {
    parts.clear();
    seen = causeSeen;
    changing = true;
    reached(Part.Decided, now);
  }

  /** A part of the change is done; between changes nothing is noted. */
  void reached(Part part, long now) {
    if (changing) {
      parts.putIfAbsent(part, since(seen, now));
    }
  }

  /** The change is done; null if it is none, for the state was the same. */
  Change entered(Instant at, State from, State to, String reason, long now) {
    changing = false;
    if (from == to) {
      return null;
    }
    last = new Change(at, from, to, reason, seen, parts, since(seen, now));
    if (history.size() == MAX) {
      history.removeLast();
    }
    history.addFirst(last.told());
    return last;
  }

  /** A master that handed over and served on has let go now; null if it had done so before. */
  Change releasedLater(long now) {
    if (last == null || last.from() != State.Master || last.parts().containsKey(Part.Released)) {
      return null;
    }
    long total = since(last.seen(), now);
    var all = new LinkedHashMap<>(last.parts());
    all.put(Part.Released, total);
    last = new Change(last.at(), last.from(), last.to(), last.reason(), last.seen(), all, total);
    history.removeFirst();
    history.addFirst(last.told());
    return last;
  }

  private static long since(long seen, long now) {
    return Math.max(0, now - seen);
  }

  /** The last changes, newest first. */
  List<Transition> history() {
    return List.copyOf(history);
  }
}
