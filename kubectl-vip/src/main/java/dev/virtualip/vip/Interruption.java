package dev.virtualip.vip;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and SIGTERM as an interruption of the thread that works, whose {@code finally} clauses
 * have a moment to undo what it has done before the program ends.
 */
final class Interruption implements AutoCloseable {
  private static final Duration MOMENT = Duration.ofSeconds(15);

  private final Thread worker = Thread.currentThread();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::interrupt, "interruption");

  private Interruption() {}

  /** From now on, and until it is closed, the present thread is interrupted. */
  static Interruption ofThisThread() {
    var interruption = new Interruption();
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  private void interrupt() {
    worker.interrupt();
    try {
      closed.await(MOMENT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException _) {
      // The program is ending, and the hook runs.
    }
  }
}
