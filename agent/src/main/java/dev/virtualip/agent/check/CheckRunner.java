package dev.virtualip.agent.check;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/**
 * Runs the checks of one VirtualIP, each on virtual threads of its own, so that a hung check delays
 * no other.
 */
public final class CheckRunner implements AutoCloseable {
  private final Listener listener;
  private final List<Thread> threads = new ArrayList<>();
  private final Object callBack = new Object();
  private boolean closed;

  /**
   * Receives results, from one thread at a time. It may block, but has to return when it is
   * interrupted.
   */
  @FunctionalInterface
  public interface Listener {
    /**
     * The verdict of a check is known for the first time, or has changed, or the weight that it
     * says. Also called, every 5 s at most, when a failed check fails for another cause.
     */
    void changed(CheckState state);

    /**
     * A check has had a result or a timeout.
     *
     * @param took how long it ran
     */
    default void ran(String check, boolean good, Duration took) {}

    /** A check starts before its time. */
    default void early(String check, EarlyCause cause) {}
  }

  private CheckRunner(Listener listener) {
    this.listener = listener;
  }

  /**
   * Starts the checks.
   *
   * @param checks checks of a valid spec
   * @param listener receives the results
   */
  public static CheckRunner start(
      Collection<ScheduledCheck> checks, CheckMeans means, Listener listener) {
    var runner = new CheckRunner(listener);
    for (var check : checks) {
      var loop = new CheckLoop(check, means, runner::tell);
      runner.threads.add(
          Thread.ofVirtual()
              .name("check-" + check.check().name())
              .unstarted(loop::runUntilInterrupted));
    }
    runner.threads.forEach(Thread::start);
    return runner;
  }

  /** Ends all checks. After it returns the listener is no longer called. */
  @Override
  public void close() {
    // Interrupted before the lock is taken: a check that holds it may be waiting in the listener
    // for the thread that closes this runner.
    threads.forEach(Thread::interrupt);
    synchronized (callBack) {
      closed = true;
    }
  }

  private void tell(Consumer<Listener> call) {
    synchronized (callBack) {
      if (!closed) {
        call.accept(listener);
      }
    }
  }
}
