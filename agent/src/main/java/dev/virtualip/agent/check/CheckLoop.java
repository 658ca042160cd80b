package dev.virtualip.agent.check;

import dev.virtualip.agent.check.CheckTimes.Outcome;
import dev.virtualip.agent.check.Probe.Result;
import dev.virtualip.agent.check.Probe.Result.Failure;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One check: runs it when {@link CheckTimes} says, and tells its verdicts. A run that is still
 * going on at its timeout counts as failed and ends before the next begins.
 */
final class CheckLoop {
  private static final Logger LOG = LoggerFactory.getLogger(CheckLoop.class);

  /**
   * While a check fails, another cause is reported this often at most: causes may alternate with
   * each run.
   */
  private static final long SAME_VERDICT_NANOS = Duration.ofSeconds(5).toNanos();

  private static final Duration FIRST_LOOK = Duration.ofSeconds(1);

  private final ScheduledCheck scheduled;
  private final HealthCheck check;
  private final CheckMeans means;
  private final Consumer<Consumer<CheckRunner.Listener>> tell;
  private final Probe probe;
  private final Duration timeout;

  /** Counts what has ended or changed since the last run began. */
  private final Semaphore news = new Semaphore(0);

  private CheckTimes times;
  private CheckTracker tracker;
  private CheckState told;
  private Long toldAt;
  private boolean firstLook = true;
  private Thread attempt;

  /** Ends the watch; null while nothing is watched. */
  private Runnable unwatch;

  /** Whether the check has succeeded beside a watch. */
  private boolean bearsWatch;

  /**
   * A check that is not run yet.
   *
   * @param tell hands a listener to what calls it, from one thread at a time
   */
  CheckLoop(
      ScheduledCheck scheduled, CheckMeans means, Consumer<Consumer<CheckRunner.Listener>> tell) {
    this.scheduled = scheduled;
    this.check = scheduled.check();
    this.means = means;
    this.tell = tell;
    probe = Probe.of(scheduled, means);
    timeout = Durations.parse(check.timeout());
    told = CheckState.initial(check);
    tracker = CheckTracker.of(check.rise(), check.fall(), told.verdict());
  }

  void runUntilInterrupted() {
    times = times(System.nanoTime());
    Runnable unfollow = check.watches() ? probe.follow(news::release) : () -> {};
    try {
      Thread.sleep(scheduled.firstRun());
      while (true) {
        runOnce();
        awaitNext();
      }
    } catch (InterruptedException _) {
      if (attempt != null) {
        attempt.interrupt();
      }
    } finally {
      letGo();
      unfollow.run();
    }
  }

  private CheckTimes times(long now) {
    long interval = Durations.parse(check.interval()).toNanos();
    var retry = check.retryInterval();
    return new CheckTimes(
        now + scheduled.phase().toNanos() - interval,
        interval,
        retry == null ? null : Durations.parse(retry).toNanos(),
        now);
  }

  private void awaitNext() throws InterruptedException {
    boolean early = news.tryAcquire(times.untilNext(System.nanoTime()), TimeUnit.NANOSECONDS);
    if (early) {
      news.drainPermits();
      if (unwatch == null) {
        times.changed(System.nanoTime());
      } else {
        letGo();
        times.ended(System.nanoTime());
      }
    } else if (!times.pursues()) {
      return;
    }
    var cause = early ? probe.cause() : EarlyCause.Repeated;
    Defects.contain(() -> tell.accept(listener -> listener.early(check.name(), cause)));
  }

  private void runOnce() throws InterruptedException {
    var outcome = Outcome.Settled;
    try {
      long begun = System.nanoTime();
      var result = lookTwiceIfWatched();
      var took = Duration.ofNanos(System.nanoTime() - begun);
      if (!(result instanceof Result.NoAnswer)) {
        boolean good = !(result instanceof Failure);
        // In a containment of its own: a defect in counting must not suppress the verdict.
        Defects.contain(() -> tell.accept(listener -> listener.ran(check.name(), good, took)));
      }
      count(result);
      outcome = outcome(result);
    } catch (RuntimeException | Error e) {
      Defects.goOn(e);
    }
    times.ran(System.nanoTime(), outcome);
    if (tracker.verdict() == Verdict.Failed) {
      letGo();
    } else if (outcome == Outcome.Good && unwatch == null && check.watches()) {
      Defects.contain(this::watch);
    }
  }

  private Outcome outcome(Result result) {
    if (result instanceof Failure) {
      return tracker.verdict() == Verdict.Failed ? Outcome.Settled : Outcome.Undecided;
    }
    return result instanceof Result.Success && tracker.verdict() == Verdict.Good
        ? Outcome.Good
        : Outcome.Settled;
  }

  private void watch() {
    long now = System.nanoTime();
    if (!times.mayWatch(now)) {
      return;
    }
    times.watching(now);
    try {
      unwatch = probe.watch(means, news::release);
    } catch (IOException e) {
      LOG.debug("check_not_watched check={} error=\"{}\"", check.name(), e.getMessage());
    }
  }

  private void letGo() {
    if (unwatch != null) {
      unwatch.run();
      unwatch = null;
    }
  }

  /**
   * Looks. A server that has one connection at a time cannot answer beside an idle one. So until a
   * check has succeeded beside it, a failure is looked at again without it.
   */
  private Result lookTwiceIfWatched() throws InterruptedException {
    boolean watched = unwatch != null;
    var result = look();
    if (!(result instanceof Failure)) {
      bearsWatch |= watched;
    }
    if (!watched || bearsWatch) {
      return result;
    }
    letGo();
    attempt.join(timeout);
    var alone = look();
    if (!(alone instanceof Failure)) {
      LOG.warn(
          "check_fails_while_watched check={} detail=\"{}\": the idle connection seems to disturb"
              + " the server; set watch to false",
          check.name(),
          ((Failure) result).detail());
      times.disturbed(System.nanoTime());
    }
    return alone;
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
      tell.accept(listener -> listener.changed(state));
    }
  }

  private CheckState state(Result result, String detail) {
    var verdict = tracker.verdict();
    if (verdict != Verdict.Good) {
      return CheckState.of(check, verdict, detail);
    }
    var weight = result instanceof Result.Success said ? said.serverWeight() : told.serverWeight();
    return CheckState.of(check, verdict, "", weight);
  }

  private boolean tooSoon(CheckState state) {
    return state.verdict() == told.verdict()
        && Objects.equals(state.serverWeight(), told.serverWeight())
        && toldAt != null
        && System.nanoTime() - toldAt < SAME_VERDICT_NANOS;
  }
}
