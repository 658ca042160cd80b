package dev.virtualip.agent.notify;

import dev.virtualip.agent.notify.Channel.Undeliverable;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queue of notifications for one channel of one VirtualIP or sync group. They are delivered in
 * order, each one until it has succeeded or is given up. While it is not empty a lane has a thread
 * of its own, so that no lane waits for another. When the queue is full the oldest notification is
 * dropped: the newest state counts.
 */
final class Lane {
  /** Most notifications in the queue. */
  static final int WAITING_MAX = 100;

  private static final Logger LOG = LoggerFactory.getLogger(Lane.class);

  /**
   * How often and how long to try.
   *
   * @param first pause after the first failure; each further failure doubles it
   * @param max longest pause
   * @param giveUp time after the first try from which there are no more tries
   */
  record Patience(Duration first, Duration max, Duration giveUp) {
    static final Patience DEFAULT =
        new Patience(Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofHours(1));
  }

  /** A notification to deliver. */
  interface Job {
    Notification notification();

    /** The channel with its present settings, or null if it has been removed from the spec. */
    Channel channel();

    /** Counts an outcome in the metric. */
    void count(Result result);
  }

  /** Outcome of a notification or of a try; values of the metric's label {@code result}. */
  enum Result {
    /** Delivered. */
    delivered,
    /** Not delivered, and not tried again. */
    failed,
    /** Not delivered, because the queue was full or the channel has been removed. */
    dropped,
    /** A try failed; there will be another. */
    retried
  }

  private final String name;
  private final Patience patience;
  private final ArrayDeque<Job> waiting = new ArrayDeque<>();
  private boolean busy;
  private boolean closing;

  Lane(String name, Patience patience) {
    this.name = name;
    this.patience = patience;
  }

  /** Adds a notification; never waits. */
  synchronized void offer(Job job) {
    if (waiting.size() == WAITING_MAX) {
      var dropped = waiting.removeFirst();
      dropped.count(Result.dropped);
      LOG.warn("notification_dropped lane=\"{}\" what=\"{}\"", name, dropped.notification());
    }
    waiting.add(job);
    if (!busy) {
      busy = true;
      Thread.ofVirtual().name("notify " + name).start(this::run);
    }
  }

  /** From now on each notification is tried only once more, without a pause. */
  synchronized void close() {
    closing = true;
    notifyAll();
  }

  /**
   * Waits until the queue is empty.
   *
   * @param deadlineNanos System.nanoTime at which it stops waiting
   * @return whether the queue is empty
   */
  synchronized boolean awaitIdle(long deadlineNanos) throws InterruptedException {
    for (long left = 1; busy && left > 0; left = deadlineNanos - System.nanoTime()) {
      wait(Math.max(1, left / 1_000_000));
    }
    return !busy;
  }

  private void run() {
    for (var job = next(); job != null; job = next()) {
      try {
        job.count(tell(job));
      } catch (RuntimeException | Error e) {
        Defects.goOn(e);
      }
    }
  }

  private synchronized Job next() {
    var job = waiting.poll();
    if (job == null) {
      busy = false;
      notifyAll();
    }
    return job;
  }

  private Result tell(Job job) {
    long start = System.nanoTime();
    long pause = patience.first().toNanos();
    while (true) {
      var channel = job.channel();
      if (channel == null) {
        return Result.dropped;
      }
      try {
        attempt(channel, job.notification());
        LOG.info("notified lane=\"{}\" what={}", name, job.notification().arguments());
        return Result.delivered;
      } catch (IOException e) {
        boolean last =
            e instanceof Undeliverable
                || System.nanoTime() - start > patience.giveUp().toNanos()
                || isClosing();
        LOG.warn(
            "not_notified lane=\"{}\" what={} error=\"{}\" again={}",
            name,
            job.notification().arguments(),
            reason(e),
            last ? "no" : Duration.ofNanos(pause).toMillis() + "ms");
        if (last) {
          return Result.failed;
        }
      } catch (RuntimeException | Error e) {
        Defects.goOn(e);
        return Result.failed;
      } catch (InterruptedException _) {
        return Result.failed; // nobody interrupts this thread
      }
      job.count(Result.retried);
      pause(pause);
      pause = Math.min(2 * pause, patience.max().toNanos());
    }
  }

  /**
   * Delivers on a thread of its own, which is interrupted after the channel's limit. Waits for the
   * thread's end, so that tries do not overlap.
   */
  private static void attempt(Channel channel, Notification notification)
      throws IOException, InterruptedException {
    var failure = new AtomicReference<Throwable>();
    var thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    channel.deliver(notification);
                  } catch (IOException | InterruptedException | RuntimeException | Error e) {
                    failure.set(e);
                  }
                });
    boolean late = !thread.join(channel.limit());
    if (late) {
      thread.interrupt();
      thread.join();
    }
    switch (failure.get()) {
      case null -> {}
      case Throwable _ when late ->
          throw new IOException("not done after %d s".formatted(channel.limit().toSeconds()));
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IOException(e);
    }
  }

  private synchronized boolean isClosing() {
    return closing;
  }

  private synchronized void pause(long nanos) {
    long end = System.nanoTime() + nanos;
    try {
      for (long left = nanos; !closing && left > 0; left = end - System.nanoTime()) {
        wait(Math.max(1, left / 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.toString() : e.getMessage().replaceAll("\\R", " ");
  }
}
