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
 * Ends the agent, once: hands over what it is master of, then closes the rest. One end, fixed at
 * the start, holds for all of it: whoever hangs is left behind, and takes no time from the others.
 */
final class Shutdown {
  /** From the cause to the end of the process; keepalived's, too. */
  static final Duration LIMIT = Duration.ofMillis(950);

  private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);

  /**
   * The end of it is the JVM's: before it halts it waits 300 ms for threads in native calls
   * (HotSpot, {@code VM_Exit::wait_for_threads_in_native_to_block}), and who receives is in one.
   */
  static final Duration HALT = Duration.ofMillis(350);

  /** So much of it at most for the hand-over; what is left is for telling of it. */
  private static final long HAND_OVER_MILLIS = 550;

  /** Kinds of threads: what decides, and what tells it of the network and of its peers. */
  private static final Set<String> VITAL = Set.of("vrrp", "netlink", "receive");

  /** Something that has to say what is left before the agent ends. */
  @FunctionalInterface
  interface Part {
    /**
     * Finishes what is under way.
     *
     * @param endNanos System.nanoTime at which nobody waits for it any more
     */
    void close(long endNanos);
  }

  private final LongConsumer handOver;
  private final List<Part> rest;
  private final IntConsumer exit;
  private volatile int code;
  private boolean ended;

  /**
   * Ends nothing yet.
   *
   * @param handOver hands all over; gets the milliseconds that it may wait
   * @param rest closed after that, all at once
   * @param exit ends the process with an exit code
   */
  Shutdown(LongConsumer handOver, List<Part> rest, IntConsumer exit) {
    this.handOver = handOver;
    this.rest = List.copyOf(rest);
    this.exit = exit;
  }

  /** The work has failed: the exit code is to say so. */
  void failed() {
    code = 1;
  }

  /** Takes the defect that a thread has ended by. */
  void threadEnded(Thread thread, Throwable defect) {
    if (VITAL.contains(Defects.kind(thread))) {
      fatal(thread, defect);
    } else {
      Defects.goOn(thread, defect);
    }
  }

  /**
   * Hands all over and ends the agent with exit code 1, so that it is started anew: without this
   * thread it would be half an agent. Returns at once.
   */
  void fatal(Thread thread, Throwable defect) {
    LOG.error("defect thread=\"{}\" action=exit", thread.getName(), defect);
    failed();
    // On a thread of its own: the hand-over may have to wait for the one that calls.
    Thread.ofPlatform().name("exit").start(this::run);
  }

  /**
   * Ends the agent; a hand-over is what SIGTERM asks for: the exit code is 0, not the JVM's 143.
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
      // Not at all for 0 ms would be for ever.
      TimeUnit.NANOSECONDS.timedJoin(thread, Math.max(1, end - System.nanoTime()));
    }
  }
}
