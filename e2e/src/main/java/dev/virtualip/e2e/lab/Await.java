package dev.virtualip.e2e.lab;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Waits for conditions with a deadline. Asks about every 10 ms. */
public final class Await {
  private static final Duration PERIOD = Duration.ofMillis(10);

  private Await() {}

  /**
   * Returns once {@code condition} holds. An unchecked exception of the condition means "not yet".
   *
   * @param what the condition in words, for the message
   * @throws AssertionError when it does not hold within {@code deadline}
   */
  public static void until(String what, Duration deadline, BooleanSupplier condition) {
    until(what, deadline, condition::getAsBoolean, holds -> holds);
  }

  /**
   * Returns the first value that {@code accepted} accepts. An unchecked exception of either means
   * "not yet".
   *
   * @param what the condition in words, for the message
   * @throws AssertionError when there is none within {@code deadline}; it tells the last value seen
   */
  public static <T> T until(
      String what, Duration deadline, Supplier<T> value, Predicate<? super T> accepted) {
    long endNanos = System.nanoTime() + deadline.toNanos();
    while (true) {
      Object seen;
      RuntimeException thrown = null;
      try {
        T current = value.get();
        if (accepted.test(current)) {
          return current;
        }
        seen = current;
      } catch (RuntimeException e) {
        seen = e;
        thrown = e;
      }
      if (System.nanoTime() - endNanos >= 0) {
        throw new AssertionError(
            "not within %d ms: %s (last seen: %s)".formatted(deadline.toMillis(), what, seen),
            thrown);
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new AssertionError("interrupted while waiting for: " + what, thrown);
      }
      LockSupport.parkNanos(PERIOD.toNanos());
    }
  }
}
