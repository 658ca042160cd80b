package dev.virtualip.log;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handles defects, which are exceptions that no code expects: a defect is logged and counted, and
 * the thread goes on. Code that reports, counts or checks must not end the work it is about.
 */
public final class Defects {
  private static final Logger LOG = LoggerFactory.getLogger(Defects.class);

  private static volatile Consumer<String> counter = _ -> {};

  private Defects() {}

  /**
   * Sets the counter for the defects of this process.
   *
   * @param counter gets the {@link #kind} of the thread; must not throw
   */
  public static void countBy(Consumer<String> counter) {
    Defects.counter = counter;
  }

  /** Runs an action, and contains its defects: none reaches the caller. */
  public static void contain(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      goOn(e);
    }
  }

  /** Logs and counts a defect that the present thread has caught and survives. */
  public static void goOn(Throwable defect) {
    goOn(Thread.currentThread(), defect);
  }

  /** Logs and counts a defect of a thread that the process can do without. */
  public static void goOn(Thread thread, Throwable defect) {
    LOG.error("defect thread=\"{}\" action=continue", thread.getName(), defect);
    counter.accept(kind(thread));
  }

  /**
   * Kind of a thread: the first word of its name, as in {@code check} for {@code check-nginx}.
   * There are only a few, so it can be a metric's label.
   */
  public static String kind(Thread thread) {
    var name = thread.getName();
    return name.isEmpty() ? "unnamed" : name.split("[- ]", 2)[0];
  }
}
