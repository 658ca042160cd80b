package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a receiver knows about the age of signed adverts, as a value. Each sender's sequences have
 * to grow, and each has to be of about now by the receiver's wall clock. A sequence is 64 bits:
 * seconds since 1970, 1/65536 of a second, and a counter; they are compared by RFC 1982.
 *
 * @param now sequence of the present time
 * @param window how far from now a sequence may be, in seconds, either way
 * @param begun sequence of the time at which this receiver began to listen
 * @param marks the last sequence accepted of each sender, the sender not heard for longest first
 */
public record Freshness(long now, long window, long begun, Map<InetAddress, Long> marks) {
  /** Senders that are remembered; only the holder of a key can be one. */
  static final int SENDERS_MAX = 255;

  private static final int SECONDS_AT = 32;

  /** Copies the marks. */
  public Freshness {
    marks = Collections.unmodifiableMap(new LinkedHashMap<>(marks));
  }

  /** Of a receiver that begins to listen. */
  public static Freshness begin(Instant wallClock, long window) {
    long now = sequence(wallClock);
    return new Freshness(now, window, now, Map.of());
  }

  /** The same at another time, perhaps with another window. */
  public Freshness at(Instant wallClock, long seconds) {
    return new Freshness(sequence(wallClock), seconds, begun, marks);
  }

  /** The sequence of a time, with a counter of 0. */
  public static long sequence(Instant time) {
    long fraction = ((long) time.getNano() << 16) / 1_000_000_000L;
    return time.getEpochSecond() << SECONDS_AT | fraction << 16;
  }

  /**
   * The sequence to send next: that of the time, or one more than the last if the clock has not
   * moved on. A clock that has been put back by more than twice the window begins anew: before, or
   * after, nobody believed its sequences. After a smaller step they have to go on growing.
   */
  public static long next(long last, Instant wallClock, long window) {
    long now = sequence(wallClock);
    return now - last > 0 || seconds(last - now) > 2 * window ? now : last + 1;
  }

  /** The window of an advert interval, in seconds: three intervals, and not less than 5 s. */
  public static long window(long intervalNanos) {
    return Math.max(5, (3 * intervalNanos + 999_999_999L) / 1_000_000_000L);
  }

  /** Whether a sequence is further from now than the window. */
  boolean isStale(long sequence) {
    return Math.abs((long) (int) ((now >>> SECONDS_AT) - (sequence >>> SECONDS_AT))) > window;
  }

  /**
   * Whether a sequence is after the last of its sender. A resignation also has to be younger than
   * this receiver: with no marks after a restart, an old one would make it take over.
   */
  boolean isNew(InetAddress source, long sequence, boolean resigns) {
    // A clock that was ahead when it began, and has been put right, would doubt them for long.
    if (resigns && !isStale(begun) && sequence - begun < 0) {
      return false;
    }
    var mark = marks.get(source);
    // A mark outside of the window would shut out a sender whose clock has been put right.
    return mark == null || isStale(mark) || sequence - mark > 0;
  }

  /** After an advert has been accepted. */
  public Freshness after(InetAddress source, long sequence) {
    var next = new LinkedHashMap<>(marks);
    next.remove(source);
    if (next.size() >= SENDERS_MAX) {
      next.remove(next.keySet().iterator().next());
    }
    next.put(source, sequence);
    return new Freshness(now, window, begun, next);
  }

  private static long seconds(long difference) {
    return difference >> SECONDS_AT;
  }
}
