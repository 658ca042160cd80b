package dev.virtualip.agent.vrrp;

import java.util.List;
import java.util.SplittableRandom;

/** On a healthy LAN the Active ends: who follows, and when, and what of the addresses? */
final class LastAct {
  private enum Kind {
    Crash,
    Sleep,
    ShutDown,
    Fault
  }

  private final SplittableRandom random;
  private final SimulationSettings settings;
  private final SimulatedTime time;
  private final SimulatedLan lan;
  private final List<SimulatedNode> nodes;
  private final SimulationTrace trace;
  private final Kind kind;
  private final SimulatedNode active;
  private final long interval;
  private long lostAt = Long.MAX_VALUE;

  LastAct(
      SplittableRandom random,
      SimulationSettings settings,
      SimulatedTime time,
      SimulatedLan lan,
      List<SimulatedNode> nodes,
      SimulationTrace trace) {
    this.random = random;
    this.settings = settings;
    this.time = time;
    this.lan = lan;
    this.nodes = nodes;
    this.trace = trace;
    kind = Kind.values()[random.nextInt(Kind.values().length)];
    active = nodes.stream().filter(SimulatedNode::active).findFirst().orElseThrow();
    interval = active.advertInterval();
  }

  void begin() {
    trace.line(active, "meets its end: " + kind);
    switch (kind) {
      case Crash -> active.crash();
      case Sleep -> {
        active.pause();
        time.after(aftermath() / 2, () -> active.resume(random.nextLong(interval / 2)));
      }
      case ShutDown -> active.shutDown();
      case Fault -> active.fault("CheckFailed(web)", true);
    }
    watch();
    if (silent()) {
      long latest = lastDown() + 1_250_000_000L;
      time.after(latest + latest / 50, this::leaseHasEnded);
    }
  }

  /** Notes from when on no node has the addresses, until another is Active. */
  private void watch() {
    if (nodes.stream().noneMatch(SimulatedNode::bound)) {
      lostAt = Math.min(lostAt, time.now());
    }
    boolean followed = nodes.stream().anyMatch(node -> node != active && node.active());
    require(
        !(followed && active.bound()) || settings.leasePolicy() == LeasePolicy.Overlap,
        "two owners in spite of exclusive leases");
    if (!followed) {
      time.after(interval / 100, this::watch);
    }
  }

  /** A lease ends soon after the latest takeover; the kernel counts it in whole seconds. */
  private void leaseHasEnded() {
    require(active.live() || !active.bound(), "the lease goes on for too long");
  }

  /**
   * The first of the others takes over when its down interval has passed since the last advert or,
   * told by priority 0, its skew time.
   */
  long takeover() {
    long wait =
        nodes.stream()
            .filter(SimulatedNode::backup)
            .mapToLong(node -> silent() ? node.downInterval(interval) : node.skewTime(interval))
            .min()
            .orElseThrow();
    return wait + wait / 50 + tolerance() + settings.claim();
  }

  private long tolerance() {
    return lan.delayMax + 2 * settings.jitterMax() + interval / 100 + 1_000;
  }

  /** Long enough for a sleeper to come back, and for every lease to end. */
  long aftermath() {
    return 10 * interval + 3_000_000_000L;
  }

  void checkTakenOver() {
    var next = nodes.stream().filter(node -> node != active && node.active()).findFirst();
    require(next.isPresent(), "nobody has taken over in time");
    if (!silent()) {
      require(!active.bound(), "the addresses were not taken off");
      return;
    }
    if (settings.leasePolicy() == LeasePolicy.Exclusive) {
      return;
    }
    // The server of a dead agent may be well: clients should see no gap, but for fast clocks.
    long gap = Math.max(0, next.get().activeSince - lostAt);
    require(gap <= lastDown() / 50 + tolerance(), "the lease ended too early");
  }

  private boolean silent() {
    return kind == Kind.Crash || kind == Kind.Sleep;
  }

  private long lastDown() {
    return Rfc.activeDownInterval(settings.version(), 1, interval);
  }

  private void require(boolean holds, String failure) {
    if (!holds) {
      throw new AssertionError(
          "%s after the %s of node %d, nodes %s".formatted(failure, kind, active.id, nodes));
    }
  }
}
