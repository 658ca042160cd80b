package dev.virtualip.agent.check;

import dev.virtualip.agent.check.Probe.Result;
import dev.virtualip.agent.check.Probe.Result.Failure;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the checks of one VirtualIP, each on virtual threads of its own, so that a hung check delays
 * no other. Checks start at a fixed rate, and a failure that does not decide yet may be followed
 * earlier; one that is still running at its timeout counts as failed and ends before it is started
 * again.
 */
public final class CheckRunner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CheckRunner.class);

  /**
   * While a check fails, another cause is reported this often at most: causes may alternate with
   * each run.
   */
  private static final long SAME_VERDICT_NANOS = Duration.ofSeconds(5).toNanos();

  private static final Duration FIRST_LOOK = Duration.ofSeconds(1);

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
      var loop = runner.new Loop(check, Probe.of(check, means));
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

  private void tell(Runnable call) {
    synchronized (callBack) {
      if (!closed) {
        call.run();
      }
    }
  }

  private final class Loop {
    private final ScheduledCheck scheduled;
    private final HealthCheck check;
    private final Probe probe;
    private final Duration timeout;
    private final long intervalNanos;
    private final long retryNanos;
    private CheckTracker tracker;
    private CheckState told;
    private Long toldAt;
    private boolean firstLook = true;
    private Thread attempt;

    Loop(ScheduledCheck scheduled, Probe probe) {
      this.scheduled = scheduled;
      this.check = scheduled.check();
      this.probe = probe;
      timeout = Durations.parse(check.timeout());
      intervalNanos = Durations.parse(check.interval()).toNanos();
      retryNanos =
          check.retryInterval() == null
              ? Long.MAX_VALUE
              : Durations.parse(check.retryInterval()).toNanos();
      told = CheckState.initial(check);
      tracker = CheckTracker.of(check.rise(), check.fall(), told.verdict());
    }

    void runUntilInterrupted() {
      long next = System.nanoTime() + scheduled.phase().toNanos() - intervalNanos;
      try {
        Thread.sleep(scheduled.firstRun());
        while (true) {
          boolean again = false;
          try {
            again = runOnce();
          } catch (RuntimeException | Error e) {
            Defects.goOn(e);
          }
          long now = System.nanoTime();
          // Nothing is added while the run was a repetition before its time.
          next += intervalNanos * Math.max(0, Math.floorDiv(now - next, intervalNanos) + 1);
          long wait = next - now;
          Thread.sleep(Duration.ofNanos(again ? Math.min(wait, retryNanos) : wait));
        }
      } catch (InterruptedException _) {
        if (attempt != null) {
          attempt.interrupt();
        }
      }
    }

    /** Runs once; returns whether it failed and does not count as failed yet. */
    private boolean runOnce() throws InterruptedException {
      long begun = System.nanoTime();
      var result = look();
      var took = Duration.ofNanos(System.nanoTime() - begun);
      if (!(result instanceof Result.NoAnswer)) {
        // In a containment of its own: a defect in counting must not suppress the verdict.
        Defects.contain(
            () -> tell(() -> listener.ran(check.name(), !(result instanceof Failure), took)));
      }
      count(result);
      return result instanceof Failure && tracker.verdict() != Verdict.Failed;
    }

    private Result look() throws InterruptedException {
      // The first look gets a longer limit: a cold JVM must not look like a slow service.
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
      } catch (IOException | InterruptedException | RuntimeException e) {
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
      var state = state(result, detail);
      if ((toldAt == null || !state.equals(told)) && !tooSoon(state)) {
        told = state;
        toldAt = System.nanoTime();
        tell(() -> listener.changed(state));
      }
    }

    private CheckState state(Result result, String detail) {
      var verdict = tracker.verdict();
      if (verdict != Verdict.Good) {
        return CheckState.of(check, verdict, detail);
      }
      var weight =
          result instanceof Result.Success said ? said.serverWeight() : told.serverWeight();
      return CheckState.of(check, verdict, "", weight);
    }

    private boolean tooSoon(CheckState state) {
      return state.verdict() == told.verdict()
          && Objects.equals(state.serverWeight(), told.serverWeight())
          && toldAt != null
          && System.nanoTime() - toldAt < SAME_VERDICT_NANOS;
    }
  }
}
