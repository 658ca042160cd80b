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
 * The last changes of state of one virtual router, and how long each part of them took. Times are
 * nanoseconds of the caller's clock. All parts count from the time when the cause of the change was
 * seen.
 */
final class Timeline {
  private static final int MAX = 10;
  private static final long HUNDREDTH = 10_000;
  private static final DateTimeFormatter RFC_3339 =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  /** Parts of a change of state. Not every change has all of them. */
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
    /** Addresses, routes and rules are removed from the kernel. */
    Released;

    /** The name in log and status. */
    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A change of state.
   *
   * @param at wall clock time at which it was done
   * @param seen when its cause was seen
   * @param parts nanoseconds from the cause to the end of each part, in the order in which they
   *     ended
   * @param total nanoseconds from the cause until all was done
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

  /** Newest first. The texts are made once, as a status is published more often than it changes. */
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

  /** A part of the present change is done. Outside of a change the call is ignored. */
  void reached(Part part, long now) {
    if (changing) {
      parts.putIfAbsent(part, since(seen, now));
    }
  }

  /**
   * The change is done.
   *
   * @return the change, or null if the state is the same as before
   */
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

  /**
   * A master that handed over and served on has now removed the addresses.
   *
   * @return the completed change, or null if the addresses had been removed before
   */
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

  /** The last changes, newest first, at most ten. */
  List<Transition> history() {
    return List.copyOf(history);
  }
}
