package dev.virtualip.agent.loop;

import dev.virtualip.agent.bfd.BfdPort;
import dev.virtualip.agent.bfd.ControlPacket.Reason;
import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.NeighbourState;
import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.bfd.Sessions;
import dev.virtualip.agent.bfd.Snapshot;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread and the clock of the node's {@link Sessions} of BFD. Nobody waits for it, and it waits
 * for nobody: news that cannot be passed on at once are passed on later, the newest of each
 * neighbour.
 */
public final class BfdLoop {
  private static final Logger LOG = LoggerFactory.getLogger(BfdLoop.class);

  private static final long MILLISECOND = 1_000_000L;

  /** Longest time between two turns, after which sockets that could not be opened are tried. */
  private static final long TICK = 5_000 * MILLISECOND;

  /** When news are passed on again that could not be. */
  private static final long RETRY = 5 * MILLISECOND;

  /** Shortest time between two looks at the sessions for users. */
  private static final long SEEN_PERIOD = 200 * MILLISECOND;

  /** What a session says about its neighbour. */
  public record News(Neighbour neighbour, NeighbourState state) {}

  private final BfdPort port;
  private final Predicate<News> listener;
  private final RandomGenerator random;
  private final Thread thread;
  private final AtomicReference<Map<Integer, Nic>> wanted = new AtomicReference<>();
  private volatile boolean stopping;
  private volatile Snapshot snapshot = Snapshot.NONE;

  /** Used by the thread only. */
  private Sessions sessions;

  private Map<Integer, Nic> watched = Map.of();
  private final Map<Neighbour, NeighbourState> news = new LinkedHashMap<>();
  private final Map<Reason, Long> rejected = new HashMap<>();
  private final Set<Object> warned = new HashSet<>();
  private long seenAt;
  private long listenedAt;

  /**
   * A loop without sessions, whose thread starts when one may be needed.
   *
   * @param port is closed with the loop
   * @param listener takes news if it can without waiting, else returns false
   */
  public BfdLoop(BfdPort port, Predicate<News> listener, RandomGenerator random) {
    this.port = port;
    this.listener = listener;
    this.random = random;
    sessions = new Sessions(random, new Outlet());
    thread = Thread.ofPlatform().name("bfd").daemon().unstarted(this::run);
    thread.setPriority(Thread.MAX_PRIORITY);
  }

  /** Replaces the NICs and what is asked for there. Never waits. */
  public synchronized void watch(Map<Integer, Nic> nics) {
    wanted.set(nics);
    if (thread.getState() != Thread.State.NEW) {
      port.wake();
    } else if (!nics.isEmpty()) {
      thread.start();
    }
  }

  /** The sessions as they were a moment ago; callable from any thread. */
  public Snapshot snapshot() {
    return snapshot;
  }

  /**
   * Ends all sessions, and says so.
   *
   * @param endNanos System.nanoTime at which the caller stops waiting for that
   */
  public void close(long endNanos) {
    stopping = true;
    port.wake();
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, Math.max(1, endNanos - System.nanoTime()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!stopping) {
        try {
          turn();
        } catch (RuntimeException | AssertionError e) {
          begin(e);
        }
      }
      sessions.watch(Map.of(), System.nanoTime());
    } finally {
      port.close();
    }
  }

  /** After a defect all sessions end, which is to be nobody's failure, and begin anew. */
  private void begin(Throwable defect) {
    Defects.goOn(defect);
    var broken = sessions;
    Defects.contain(() -> broken.watch(Map.of(), System.nanoTime()));
    sessions = new Sessions(random, new Outlet());
    sessions.watch(watched, System.nanoTime());
  }

  private void turn() {
    var newest = wanted.getAndSet(null);
    if (newest != null) {
      sessions.watch(newest, System.nanoTime());
      watched = Map.copyOf(newest);
      warned.clear();
    }
    long now = System.nanoTime();
    if (newest != null || now - listenedAt > TICK) {
      listenedAt = now;
      port.listen(watched.values());
    }
    long wait = Math.clamp(sessions.deadline() - now, 0, news.isEmpty() ? TICK : RETRY);
    receive(wait);
    long began = System.nanoTime();
    // What has come while the thread did not run is no silence.
    receive(0);
    sessions.due(began, System.nanoTime());
    news.entrySet().removeIf(one -> listener.test(new News(one.getKey(), one.getValue())));
    if (newest != null || began - seenAt > SEEN_PERIOD) {
      seenAt = began;
      snapshot = new Snapshot(sessions.statuses(), Map.copyOf(rejected));
    }
  }

  private void receive(long nanos) {
    port.receive(nanos, datagram -> sessions.received(datagram, System.nanoTime()));
  }

  private final class Outlet implements Sessions.Outlet {
    @Override
    public void send(Neighbour to, InetAddress local, byte[] packet) {
      try {
        port.send(to, local, packet);
      } catch (IOException e) {
        if (warned.add(to)) {
          LOG.warn(
              "bfd_not_sent to={} error=\"{}\" (more are not logged for now)",
              to.address().getHostAddress(),
              e.getMessage());
        }
      }
    }

    @Override
    public void changed(Neighbour neighbour, NeighbourState state) {
      LOG.info(
          "bfd neighbour={} nic={} state={}",
          neighbour.address().getHostAddress(),
          watched.containsKey(neighbour.linkIndex())
              ? watched.get(neighbour.linkIndex()).name()
              : neighbour.linkIndex(),
          state);
      news.remove(neighbour);
      news.put(neighbour, state);
    }

    @Override
    public void forgotten(Neighbour neighbour) {
      news.remove(neighbour);
      port.forget(neighbour);
    }

    @Override
    public void rejected(BfdPort.Received datagram, Reason reason) {
      rejected.merge(reason, 1L, Long::sum);
      if (warned.add(reason)) {
        LOG.warn(
            "bfd_rejected reason={} source={} (more are only counted for now)",
            reason,
            datagram.from().getHostAddress());
      }
    }
  }
}
