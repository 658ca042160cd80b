package dev.virtualip.vip;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and SIGTERM as an interruption of the thread that works, which has a moment to undo what
 * it has done before the program ends.
 */
final class Interruption implements AutoCloseable {
  private static final Duration MOMENT = Duration.ofSeconds(15);
  private static final Duration AGAIN = Duration.ofMillis(100);

  private final Thread worker = Thread.currentThread();
  private final CountDownLatch heard = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::interrupt, "interruption");

  private Interruption() {}

  /** From now on, and until it has heard of it, the present thread is interrupted. */
  static Interruption ofThisThread() {
    var interruption = new Interruption();
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  /** Libraries lose an interruption now and then, so it is repeated until it is heard. */
  private void interrupt() {
    try {
      do {
        interruptOnce();
      } while (!heard.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS));
      closed.await(MOMENT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void interruptOnce() {
    if (heard.getCount() > 0) {
      worker.interrupt();
    }
  }

  /** Whether the thread was interrupted; from now on it is not. */
  synchronized boolean hear() {
    heard.countDown();
    return Thread.interrupted();
  }

  @Override
  public void close() {
    heard.countDown();
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException _) {
      // The program is ending, and the hook runs.
    }
  }
}
