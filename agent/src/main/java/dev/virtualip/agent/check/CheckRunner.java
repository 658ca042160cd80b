package dev.virtualip.agent.check;

import dev.virtualip.agent.check.Probe.Result;
import dev.virtualip.agent.check.Probe.Result.Failure;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the checks of one VirtualIP, each on virtual threads of its own, so that a hung check delays
 * no other. Checks start at a fixed rate; one that is still running at its timeout counts as failed
 * and ends before it is started again.
 */
public final class CheckRunner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CheckRunner.class);

  /** Two ways to fail that alternate would otherwise be told with each check. */
  private static final long SAME_VERDICT_NANOS = Duration.ofSeconds(5).toNanos();

  private static final Duration FIRST_LOOK = Duration.ofSeconds(1);

  private final Listener listener;
  private final List<Thread> threads = new ArrayList<>();
  private final Object callBack = new Object();
  private boolean closed;

  /** Is told of checks, by one thread at a time; may wait until it is interrupted. */
  @FunctionalInterface
  public interface Listener {
    /**
     * A verdict has changed, first when a check leaves its initial one; or, every 5 s at most, what
     * fails is another.
     */
    void changed(CheckState state);

    /** A check has run to a result, or into its timeout. */
    default void ran(String check, boolean good, Duration took) {}
  }

  private CheckRunner(Listener listener) {
    this.listener = listener;
  }

  /**
   * Starts the checks; each runs for the first time at once.
   *
   * @param checks checks of a spec that the Validator accepts
   * @param pods answers pod checks; null where there is no API server, then they fail
   * @param scripts directory of the commands that checks may run; null for none, then they fail
   * @param listener is told of them
   */
  public static CheckRunner start(
      Collection<HealthCheck> checks, PodReadiness pods, Path scripts, Listener listener) {
    var runner = new CheckRunner(listener);
    for (var check : checks) {
      var loop = runner.new Loop(check, Probe.of(check, pods, scripts));
      runner.threads.add(
          Thread.ofVirtual().name("check-" + check.name()).unstarted(loop::runUntilInterrupted));
    }
    runner.threads.forEach(Thread::start);
    return runner;
  }

  /** Ends all checks; no call of the listener is running or comes after it. */
  @Override
  public void close() {
    // First: a check that holds the lock may be waiting, to tell, for whoever closes it.
    threads.forEach(Thread::interrupt);
    synchronized (callBack) {
      closed = true;
    }
  }

  private void tell(Runnable call) {
    synchronized (callBack) {
      if (!closed) {
        call.run();
      }
    }
  }

  private final class Loop {
    private final HealthCheck check;
    private final Probe probe;
    private final Duration timeout;
    private final long intervalNanos;
    private CheckTracker tracker;
    private CheckState told;
    private Long toldAt;
    private boolean firstLook = true;
    private Thread attempt;

    Loop(HealthCheck check, Probe probe) {
      this.check = check;
      this.probe = probe;
      timeout = Durations.parse(check.timeout());
      intervalNanos = Durations.parse(check.interval()).toNanos();
      told = CheckState.initial(check);
      tracker = CheckTracker.of(check.rise(), check.fall(), told.verdict());
    }

    void runUntilInterrupted() {
      long start = System.nanoTime();
      try {
        while (true) {
          try {
            runOnce();
          } catch (RuntimeException | Error e) {
            Defects.goOn(e);
          }
          long since = System.nanoTime() - start;
          start += intervalNanos * Math.max(1, Math.ceilDiv(since, intervalNanos));
          Thread.sleep(Duration.ofNanos(Math.max(0, start - System.nanoTime())));
        }
      } catch (InterruptedException _) {
        if (attempt != null) {
          attempt.interrupt();
        }
      }
    }

    private void runOnce() throws InterruptedException {
      long begun = System.nanoTime();
      var result = look();
      var took = Duration.ofNanos(System.nanoTime() - begun);
      if (!(result instanceof Result.NoAnswer)) {
        // Contained by itself: who counts must not keep a verdict from who decides by it.
        Defects.contain(
            () -> tell(() -> listener.ran(check.name(), !(result instanceof Failure), took)));
      }
      count(result);
    }

    private Result look() throws InterruptedException {
      // The very first look finds a cold JVM: too slow is not what it should say.
      var limit = firstLook && timeout.compareTo(FIRST_LOOK) < 0 ? FIRST_LOOK : timeout;
      firstLook = false;
      var late = new Failure("timeout after " + Durations.format(limit));
      if (attempt != null && attempt.isAlive()) {
        return late;
      }
      var result = new AtomicReference<Result>(late);
      attempt = Thread.ofVirtual().name("probe-" + check.name()).start(() -> result.set(run()));
      if (attempt.join(limit)) {
        return result.get();
      }
      attempt.interrupt();
      return late;
    }

    private Result run() {
      try {
        return probe.run();
      } catch (IOException | RuntimeException e) {
        LOG.debug("check_error check={}", check.name(), e);
        return new Failure(e.toString());
      } catch (Error e) {
        Defects.goOn(e);
        return new Failure(e.toString());
      }
    }

    private void count(Result result) {
      var detail =
          switch (result) {
            case Result.NoAnswer _ -> null;
            case Result.Success _ -> told.detail();
            case Result.Leaving leaving -> leaving.detail();
            case Failure failure -> failure.detail();
          };
      if (detail == null) {
        return;
      }
      tracker =
          result instanceof Result.Leaving
              ? tracker.leaving()
              : tracker.after(result instanceof Result.Success);
      var state =
          CheckState.of(check, tracker.verdict(), tracker.verdict() == Verdict.Good ? "" : detail);
      if (!state.equals(told) && !tooSoon(state)) {
        told = state;
        toldAt = System.nanoTime();
        tell(() -> listener.changed(state));
      }
    }

    private boolean tooSoon(CheckState state) {
      return state.verdict() == told.verdict()
          && toldAt != null
          && System.nanoTime() - toldAt < SAME_VERDICT_NANOS;
    }
  }
}
