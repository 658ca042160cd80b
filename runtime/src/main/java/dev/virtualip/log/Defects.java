package dev.virtualip.log;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of a defect, an exception that no code expects: it is logged and counted, and the
 * thread goes on. What tells, counts and checks must not end what it is about.
 */
public final class Defects {
  private static final Logger LOG = LoggerFactory.getLogger(Defects.class);

  private static volatile Consumer<String> counter = _ -> {};

  private Defects() {}

  /**
   * Has the defects of this process counted from now on.
   *
   * @param counter gets the {@link #kind} of the thread; must not throw
   */
  public static void countBy(Consumer<String> counter) {
    Defects.counter = counter;
  }

  /** Runs something that may fail to no harm but its own. */
  public static void contain(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      goOn(e);
    }
  }

  /** Takes a defect that this thread has caught, and survives. */
  public static void goOn(Throwable defect) {
    goOn(Thread.currentThread(), defect);
  }

  /** Takes a defect of a thread that the others can do without. */
  public static void goOn(Thread thread, Throwable defect) {
    LOG.error("defect thread=\"{}\" action=continue", thread.getName(), defect);
    counter.accept(kind(thread));
  }

  /** First word of the thread's name: {@code check} of {@code check-nginx}, one of few. */
  public static String kind(Thread thread) {
    var name = thread.getName();
    return name.isEmpty() ? "unnamed" : name.split("[- ]", 2)[0];
  }
}
