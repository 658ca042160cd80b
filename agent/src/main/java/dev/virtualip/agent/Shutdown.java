package dev.virtualip.agent;

import dev.virtualip.log.Defects;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the agent, once: hands over what it is master of, then closes the other parts. One end time,
 * fixed at the start, holds for all of them. A part that hangs is left behind, and takes no time
 * from the others.
 */
final class Shutdown {
  /** Longest time from the cause to the end of the process, as with keepalived. */
  static final Duration LIMIT = Duration.ofMillis(950);

  private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);

  /**
   * The part of the limit kept for the JVM. Before it halts it waits 300 ms for threads in native
   * calls (HotSpot, {@code VM_Exit::wait_for_threads_in_native_to_block}), and the receiving
   * threads are in such calls.
   */
  static final Duration HALT = Duration.ofMillis(350);

  /** Longest time for the hand-over; the rest is for reporting it. */
  private static final long HAND_OVER_MILLIS = 550;

  /**
   * Kinds of threads that the agent cannot do without: the event loop, and those that bring it the
   * network's reports and the peers' adverts.
   */
  private static final Set<String> VITAL = Set.of("vrrp", "netlink", "receive");

  /** A part of the agent that has something to finish before the agent ends. */
  @FunctionalInterface
  interface Part {
    /**
     * Finishes work that is under way.
     *
     * @param endNanos System.nanoTime at which the caller stops waiting
     */
    void close(long endNanos);
  }

  private final LongConsumer handOver;
  private final List<Part> rest;
  private final IntConsumer exit;
  private volatile int code;
  private boolean ended;

  /**
   * @param handOver hands over everything; gets the milliseconds that it may wait
   * @param rest closed after that, all at the same time
   * @param exit ends the process with an exit code
   */
  Shutdown(LongConsumer handOver, List<Part> rest, IntConsumer exit) {
    this.handOver = handOver;
    this.rest = List.copyOf(rest);
    this.exit = exit;
  }

  /** The work has failed: the exit code will be 1. */
  void failed() {
    code = 1;
  }

  /**
   * Handles the defect that has ended a thread: fatal if the agent cannot do without that thread,
   * else logged and counted.
   */
  void threadEnded(Thread thread, Throwable defect) {
    if (VITAL.contains(Defects.kind(thread))) {
      fatal(thread, defect);
    } else {
      Defects.goOn(thread, defect);
    }
  }

  /**
   * Hands over everything and ends the agent with exit code 1, so that it is started again: it
   * cannot work without this thread. Returns at once.
   */
  void fatal(Thread thread, Throwable defect) {
    LOG.error("defect thread=\"{}\" action=exit", thread.getName(), defect);
    failed();
    // On a thread of its own: the hand-over may have to wait for the one that calls.
    Thread.ofPlatform().name("exit").start(this::run);
  }

  /**
   * Ends the agent. After SIGTERM the exit code is 0, not the JVM's 143, since a hand-over is what
   * SIGTERM asks for.
   */
  synchronized void run() {
    long end = System.nanoTime() + LIMIT.minus(HALT).toNanos();
    if (ended) {
      return;
    }
    ended = true;
    try {
      LOG.info("stop");
      Defects.contain(() -> handOver.accept(HAND_OVER_MILLIS));
      close(end);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      exit.accept(code);
    }
  }

  private static Thread start(Runnable action) {
    return Thread.ofPlatform().name("close").daemon().start(() -> Defects.contain(action));
  }

  private void close(long end) throws InterruptedException {
    var threads = rest.stream().map(part -> start(() -> part.close(end))).toList();
    for (var thread : threads) {
      // Never 0, which means for ever to Thread.join.
      TimeUnit.NANOSECONDS.timedJoin(thread, Math.max(1, end - System.nanoTime()));
    }
  }
}
