package dev.virtualip.agent;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what other threads do. */
public final class Await {
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  private Await() {}

  /** Returns when the condition holds; fails after 20 s, showing the state. */
  public static void until(BooleanSupplier condition, Supplier<?> state) {
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("waited " + DEADLINE + " in vain, state: " + state.get());
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
