package dev.virtualip.agent.loop;

import dev.virtualip.agent.instance.Node;
import dev.virtualip.agent.net.NatPort;
import dev.virtualip.agent.net.NatPort.Table;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the kernel translate what is wanted, on a thread of its own: changes of nftables wait for
 * those of other programs, and no advert may. The newest wish counts.
 *
 * <p>Every second it compares what is there, puts back what is missing, and renews the leases for
 * as long as the event loop turns. So no node goes on to translate to an address that it has lost.
 */
public final class EgressLoop implements Node.Egress {
  private static final Logger LOG = LoggerFactory.getLogger(EgressLoop.class);

  /** How long a table acts without renewal: as the addresses of a VirtualIP with 1 s adverts. */
  static final Duration LEASE = Duration.ofSeconds(4);

  private static final Duration PERIOD = Duration.ofSeconds(1);

  private final NatPort port;
  private final BooleanSupplier alive;
  private final Thread thread;
  private final AtomicReference<List<SourceNat>> wanted = new AtomicReference<>();
  private final BlockingQueue<Boolean> news = new ArrayBlockingQueue<>(1);
  private volatile Map<String, String> problems = Map.of();
  private volatile boolean stopping;

  /** What the kernel has as it was put; used by the thread only. */
  private final Map<Table, SourceNat> present = new HashMap<>();

  /**
   * A loop whose thread starts with the first wish.
   *
   * @param port is closed with the loop
   * @param alive whether leases may be renewed
   */
  public EgressLoop(NatPort port, BooleanSupplier alive) {
    this.port = port;
    this.alive = alive;
    thread = Thread.ofPlatform().name("egress").daemon().unstarted(this::run);
  }

  @Override
  public synchronized void want(List<SourceNat> nats) {
    wanted.set(List.copyOf(nats));
    news.offer(true);
    if (thread.getState() == Thread.State.NEW && !stopping) {
      thread.start();
    }
  }

  @Override
  public Map<String, String> problems() {
    return problems;
  }

  /**
   * Ends once the last wish has been fulfilled.
   *
   * @param endNanos System.nanoTime at which the caller stops waiting for that
   */
  public void close(long endNanos) {
    synchronized (this) {
      stopping = true;
      news.offer(true);
    }
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, Math.max(1, endNanos - System.nanoTime()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      boolean last = false;
      while (!last) {
        // Read first: the wish that comes before the end is to be fulfilled.
        last = stopping;
        Defects.contain(this::turn);
        if (!last) {
          await();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      port.close();
    }
  }

  private void await() throws InterruptedException {
    boolean idle = wanted.get().isEmpty() && present.isEmpty();
    var _ = idle ? news.take() : news.poll(PERIOD.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void turn() {
    var nats = wanted.get();
    var found = new TreeMap<String, String>();
    try {
      settle(nats, found);
    } catch (IOException e) {
      nats.forEach(nat -> found.put(nat.virtualIp(), e.getMessage()));
    }
    if (!found.equals(problems)) {
      LOG.warn("egress_problems problems={}", found);
    }
    problems = found;
  }

  private void settle(List<SourceNat> nats, Map<String, String> found) throws IOException {
    var tables = port.tables();
    present.keySet().retainAll(tables.keySet());
    var keep = new HashMap<Table, SourceNat>();
    nats.forEach(nat -> keep.put(Table.of(nat), nat));
    for (var table : tables.keySet()) {
      if (!keep.containsKey(table)) {
        port.delete(table);
        present.remove(table);
        LOG.info("egress_removed table={}", table.name());
      }
    }
    for (var nat : nats) {
      try {
        hold(nat, tables.get(Table.of(nat)));
      } catch (IOException e) {
        present.remove(Table.of(nat));
        found.put(nat.virtualIp(), e.getMessage());
      }
    }
  }

  private void hold(SourceNat nat, Integer rules) throws IOException {
    var table = Table.of(nat);
    boolean same = nat.equals(present.get(table)) && rules != null && rules == port.rules(nat);
    if (!alive.getAsBoolean()) {
      return;
    }
    if (same) {
      port.renew(nat, LEASE);
      return;
    }
    port.put(nat, LEASE);
    present.put(table, nat);
    LOG.info(
        "egress_put table={} nic={} pods={}", table.name(), nat.interfaceName(), nat.pods().size());
  }
}
