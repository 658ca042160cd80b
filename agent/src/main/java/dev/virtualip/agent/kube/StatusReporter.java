package dev.virtualip.agent.kube;

import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes this node's part of the status of VirtualIPs. Callers never wait. Only the newest status
 * of each VirtualIP is written, and tried again until it succeeds. The operator writes Unknown for
 * a silent node. That is contradicted once after each heartbeat: by the heartbeat the operator
 * knows that the node is alive; without it both would write against each other.
 */
public final class StatusReporter {
  private static final Logger LOG = LoggerFactory.getLogger(StatusReporter.class);
  private static final long GAP_NANOS = Duration.ofMillis(100).toNanos();

  /**
   * How long the first status of a VirtualIP waits unless this node is its master. It changes again
   * in a moment, and writing those of many would keep the processor from their start.
   */
  private static final long FIRST_NANOS = Duration.ofMillis(500).toNanos();

  /** Between two writes where only virtual servers have changed: a thousand servers may flap. */
  private static final long SERVERS_GAP_NANOS = Duration.ofSeconds(1).toNanos();

  private static final long RETRY_MIN_NANOS = Duration.ofMillis(100).toNanos();
  private static final long RETRY_MAX_NANOS = Duration.ofSeconds(5).toNanos();

  /** So long a successor may take, by the skew time, to write its name over this one's. */
  private static final long YIELD_NANOS = Duration.ofSeconds(2).toNanos();

  private final Patcher patcher;
  private final String nodeName;
  private final Function<String, Optional<VirtualIpStatus>> cached;
  private final Map<String, Entry> entries = new HashMap<>();
  private final Thread thread = Thread.ofVirtual().name("status-reporter").unstarted(this::run);
  private boolean closing;
  private long heartbeats;

  /** Sends a merge patch for the status of a VirtualIP. */
  @FunctionalInterface
  interface Patcher {
    /**
     * @return HTTP status of the answer
     * @throws IOException if there is no answer
     */
    int patch(String virtualIp, String json) throws IOException, InterruptedException;
  }

  /** What has to be written about one VirtualIP; guarded by the reporter's lock. */
  private static final class Entry {
    private NodeStatus status;
    private boolean master;
    private boolean dirty;
    private boolean writing;
    private boolean wasMaster;

    /** Whether it waits as the first one does. */
    private boolean first = true;

    private long dueNanos = System.nanoTime() + FIRST_NANOS;
    private long serversDueNanos = System.nanoTime();

    /** Nothing but virtual servers differs from what is written. */
    private boolean onlyServers;

    /** Of all writes but those of virtual servers, which no packet can cause. */
    private final Budget budget = new Budget(System.nanoTime());

    private int failures;

    /** It has yielded as master, and takes its name away itself at this time; else null. */
    private Long yieldsUntil;

    /** The last heartbeat after which it was contradicted that this node is not heard of. */
    private long contradictedAfter;

    /** It is to be contradicted after the next one. */
    private boolean unknown;

    boolean waits() {
      return dirty || yieldsUntil != null;
    }

    long nextNanos() {
      long due = onlyServers && serversDueNanos - dueNanos > 0 ? serversDueNanos : dueNanos;
      if (dirty) {
        return due;
      }
      return yieldsUntil - dueNanos > 0 ? yieldsUntil : dueNanos;
    }

    void take(NodeStatus next, boolean isMaster) {
      boolean same =
          status != null
              && isMaster == master
              && next.withVirtualServers(status.virtualServers()).equals(status);
      onlyServers = same && (onlyServers || !dirty);
      status = next;
      master = isMaster;
      dirty = true;
      if (first && isMaster) {
        first = false;
        dueNanos = System.nanoTime();
      }
    }
  }

  private record Patch(
      String name,
      NodeStatus status,
      boolean master,
      boolean wasMaster,
      boolean yields,
      boolean onlyServers) {}

  private StatusReporter(
      Patcher patcher, String nodeName, Function<String, Optional<VirtualIpStatus>> cached) {
    this.patcher = patcher;
    this.nodeName = nodeName;
    this.cached = cached;
  }

  /**
   * Starts a reporter.
   *
   * @param cached the status of a VirtualIP as last seen: {@link KubernetesSource#status}
   */
  public static StatusReporter start(
      ApiServer api, String nodeName, Function<String, Optional<VirtualIpStatus>> cached) {
    return start(
        (virtualIp, json) ->
            api.send(
                    "PATCH",
                    Kinds.VIRTUAL_IPS + "/" + virtualIp + "/status",
                    ApiCall.MERGE_PATCH,
                    json)
                .code(),
        nodeName,
        cached);
  }

  static StatusReporter start(
      Patcher patcher, String nodeName, Function<String, Optional<VirtualIpStatus>> cached) {
    var reporter = new StatusReporter(patcher, nodeName, cached);
    reporter.thread.start();
    return reporter;
  }

  /**
   * Sets the status of a VirtualIP on this node. Its virtual servers are written by the master
   * only: all nodes check the same servers, and one flap must not make all of them write.
   *
   * @param master whether this node is its Master
   */
  public synchronized void report(String virtualIp, NodeStatus full, boolean master) {
    var status = master ? full : full.withVirtualServers(null);
    var entry = entries.computeIfAbsent(virtualIp, _ -> new Entry());
    if (entry.dirty || !status.equals(entry.status) || master != entry.master) {
      boolean yields = status.state() == State.Backup;
      if (!yields) {
        entry.yieldsUntil = null;
      } else if (entry.master) {
        entry.yieldsUntil = System.nanoTime() + YIELD_NANOS;
      }
      entry.take(status, master);
      notifyAll();
    }
  }

  /**
   * Removes this node's status of a VirtualIP that it no longer runs. Where it was master, its name
   * stays until a successor has written its own, or has had the time to.
   */
  public synchronized void remove(String virtualIp) {
    var entry = entries.computeIfAbsent(virtualIp, _ -> new Entry());
    if (entry.master) {
      entry.yieldsUntil = System.nanoTime() + YIELD_NANOS;
    }
    entry.status = null;
    entry.master = false;
    entry.onlyServers = false;
    entry.dirty = true;
    notifyAll();
  }

  /**
   * Compares the status on the API server with the one written, and writes it again if needed. That
   * happens after a VirtualIP was deleted and created again, or when its {@code status.master} is
   * out of date.
   */
  public void statusChanged(String virtualIp) {
    var seen = cached.apply(virtualIp).orElse(null);
    synchronized (this) {
      var entry = entries.get(virtualIp);
      if (entry == null || entry.status == null || entry.dirty) {
        return;
      }
      // The operator takes the name of an Unknown master away too. It is contradicted once for each
      // heartbeat, or the two would overwrite each other.
      entry.unknown = StatusPatch.isUnknown(nodeName, seen);
      if (entry.unknown ? entry.contradictedAfter < heartbeats : isWrong(entry, seen)) {
        entry.contradictedAfter = heartbeats;
        entry.onlyServers = false;
        entry.dirty = true;
        notifyAll();
      }
    }
  }

  private boolean isWrong(Entry entry, VirtualIpStatus seen) {
    return StatusPatch.needed(nodeName, entry.master, entry.yieldsUntil != null, seen);
  }

  /** This node's heartbeat is with the API server. */
  public void heartbeat() {
    List<String> unknown;
    synchronized (this) {
      heartbeats++;
      unknown =
          entries.entrySet().stream()
              .filter(e -> e.getValue().unknown)
              .map(Map.Entry::getKey)
              .toList();
    }
    unknown.forEach(this::statusChanged);
  }

  /**
   * Writes the statuses that are waiting, and ends.
   *
   * @param endNanos System.nanoTime at which it ends even if some are left
   */
  public void close(long endNanos) {
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, endNanos - System.nanoTime());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    thread.interrupt();
  }

  private void run() {
    try {
      for (var patch = next(); patch.isPresent(); patch = next()) {
        try {
          write(patch.get());
        } catch (RuntimeException | Error e) {
          Defects.goOn(e);
          failed(patch.get(), firstLine(e));
        }
      }
    } catch (InterruptedException _) {
      LOG.debug("status_reporter_closed");
    }
  }

  /** Waits for the next patch that is due; empty when it is closing and no patch is left. */
  private synchronized Optional<Patch> next() throws InterruptedException {
    while (true) {
      var first =
          entries.entrySet().stream()
              .filter(e -> e.getValue().waits())
              .min(Comparator.comparingLong(e -> e.getValue().nextNanos() - System.nanoTime()));
      if (first.isEmpty()) {
        if (closing) {
          return Optional.empty();
        }
        wait();
        continue;
      }
      var name = first.get().getKey();
      var entry = first.get().getValue();
      long waitNanos = entry.nextNanos() - System.nanoTime();
      if (!closing && waitNanos > 0) {
        wait(Math.ceilDiv(waitNanos, 1_000_000));
      } else if (entry.dirty || hasToGiveUp(name, entry)) {
        entry.dirty = false;
        entry.first = false;
        entry.writing = true;
        return Optional.of(
            new Patch(
                name,
                entry.status,
                entry.master,
                entry.wasMaster,
                entry.yieldsUntil != null,
                entry.onlyServers));
      }
    }
  }

  /** Whether no successor has written its name in the time that it has for that. */
  private boolean hasToGiveUp(String name, Entry entry) {
    entry.yieldsUntil = null;
    var seen = cached.apply(name).orElse(null);
    if (entry.status == null && !StatusPatch.isNamed(nodeName, seen)) {
      entries.remove(name);
      return false;
    }
    return isWrong(entry, seen);
  }

  /** Number of VirtualIPs whose status is waiting or being written. */
  synchronized long pending() {
    return entries.values().stream().filter(e -> e.dirty || e.writing).count();
  }

  private void write(Patch patch) throws InterruptedException {
    var seen = cached.apply(patch.name()).orElse(null);
    var json =
        StatusPatch.of(
                nodeName, patch.status(), patch.master(), patch.wasMaster(), patch.yields(), seen)
            .toString();
    try {
      int code = patcher.patch(patch.name(), json);
      switch (code) {
        case HttpURLConnection.HTTP_OK -> written(patch, patch.master());
        case HttpURLConnection.HTTP_NOT_FOUND -> written(patch, false);
        default -> failed(patch, "HTTP status " + code);
      }
    } catch (IOException e) {
      failed(patch, firstLine(e));
    }
  }

  private static String firstLine(Throwable e) {
    return e.toString().lines().findFirst().orElse("");
  }

  private synchronized void written(Patch patch, boolean asMaster) {
    var entry = entries.get(patch.name());
    entry.writing = false;
    if (entry.failures > 0) {
      LOG.info("status_written vip={} failures_before={}", patch.name(), entry.failures);
      // The API server is back, so the other statuses need not wait for their next try.
      entries.values().forEach(other -> other.dueNanos = other.budget.nextAt(System.nanoTime()));
    }
    entry.failures = 0;
    entry.wasMaster = asMaster;
    // A flapping check must neither flood the API server nor delay other VirtualIPs.
    long now = System.nanoTime();
    if (!patch.onlyServers()) {
      entry.budget.take(now);
    }
    entry.dueNanos = Math.max(now + GAP_NANOS, entry.budget.nextAt(now));
    entry.serversDueNanos = System.nanoTime() + SERVERS_GAP_NANOS;
    if (patch.status() == null && !entry.waits()) {
      entries.remove(patch.name());
    }
  }

  private synchronized void failed(Patch patch, String error) {
    var entry = entries.get(patch.name());
    entry.writing = false;
    if (entry.failures == 0) {
      LOG.warn("status_not_written vip={} error=\"{}\": trying again", patch.name(), error);
    }
    long wait = Math.min(RETRY_MIN_NANOS << Math.min(entry.failures, 10), RETRY_MAX_NANOS);
    entry.failures++;
    entry.dueNanos = System.nanoTime() + wait;
    entry.dirty |= !closing;
  }
}
