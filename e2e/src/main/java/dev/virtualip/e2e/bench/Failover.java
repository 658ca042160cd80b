package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Holding;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Owners;
import dev.virtualip.e2e.lab.Probe;
import dev.virtualip.e2e.lab.Proc;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Plays moves in the classic pair, each with programs started for it. */
final class Failover implements AutoCloseable {
  /** Interval of the client's requests. */
  static final Duration ASK = Duration.ofMillis(5);

  /** Range of the phases of moves. */
  static final Duration PHASES = Duration.ofSeconds(1);

  /** The key of a failback, which is no {@link Move}: node-a comes back and takes over again. */
  static final String FAILBACK = "failback";

  /** The key of takeovers by agents that have played the same move before. */
  static final String AGAIN = "nginx-again";

  private static final Duration READY = Duration.ofSeconds(30);
  private static final Duration MOVED = Duration.ofSeconds(15);

  /** How long two owners are watched at most, from the move on. */
  private static final Duration TWO_OWNERS_WATCHED = Duration.ofSeconds(3);

  /** Until a session is up both sides send once a second (RFC 5880 6.8.3). */
  private static final Duration BFD_UP = Duration.ofSeconds(4);

  private static final Duration CUT_WATCHED = Duration.ofMillis(500);

  /** Time after which every request has been answered. */
  static final Duration LAST_ANSWERS = Duration.ofMillis(1_100);

  private static final String HEARTBEAT_A = "10.0.0.11";
  private static final String HEARTBEAT_B = "10.0.0.12";

  private final ClassicPair pair;
  private final Host router;
  private final Owners owners;
  private final Map<String, Probe> probes = new HashMap<>();

  /** A pair on an empty lab. */
  Failover(Lab lab) {
    pair = ClassicPair.build(lab);
    router = lab.host("router");
    router.route(Setup.EXCLUDED_NETWORK + " dev eth0");
    owners = Owners.watch(pair.nodes());
  }

  /** Both nodes, node-a first. */
  ClassicPair pair() {
    return pair;
  }

  /**
   * Two programs of a contender; the one on node-a is master of everything.
   *
   * @param startToBackup from the start of the first one until its log says Backup
   * @param backupNanos System.nanoTime of that: its checks and adverts run at a fixed distance from
   *     it
   */
  record Running(Proc a, Proc b, Duration startToBackup, long backupNanos)
      implements AutoCloseable {
    @Override
    public void close() {
      a.close();
      b.close();
    }
  }

  /** Starts both programs, and waits until node-a is master and node-b is backup. */
  Running start(Setup setup, Contender contender) {
    probe(setup);
    var started = System.nanoTime();
    var a = contender.start(pair.nodeA(), setup);
    Proc b = null;
    try {
      contender.awaitBackup(a, setup);
      long backup = System.nanoTime();
      // Started second, so that node-b is never master first.
      b = contender.start(pair.nodeB(), setup);
      contender.awaitBackup(b, setup);
      Await.until(
          "%s: node-a has all addresses".formatted(contender),
          READY,
          () ->
              owners.hasAll(pair.nodeA(), setup.addresses())
                  && owners.hasNone(pair.nodeB(), setup.addresses()));
      probe(setup).awaitServedBy("node-a", READY);
      if (setup.bfd()) {
        sleep(BFD_UP);
      }
      return new Running(a, b, Duration.ofNanos(backup - started), backup);
    } catch (AssertionError | RuntimeException e) {
      a.close();
      if (b != null) {
        b.close();
      }
      clean(setup);
      throw e;
    }
  }

  /** Ends both programs, and removes addresses that they may have left. */
  void end(Running running, Setup setup) {
    running.close();
    clean(setup);
  }

  /** Removes addresses that may have been left, and drops the recorded owners. */
  void clean(Setup setup) {
    for (var node : pair.nodes()) {
      node.sh("ip addr flush dev eth1; ip route flush dev eth1");
      Await.until(node + " is clean", READY, () -> owners.hasNone(node, setup.addresses()));
    }
    owners.forget();
  }

  /**
   * Plays one move.
   *
   * @param phase how long to wait before, so that moves happen at any time between two adverts or
   *     checks
   * @throws AssertionError if node-b does not take over
   */
  Sample play(Setup setup, Contender contender, Move move, int run, Duration phase) {
    var running = start(setup, contender);
    try (var watch = new Watch(running)) {
      sleep(untilNext(phase, running));
      watch.begin();
      move.inflict(pair, running.a());
      var watched = move.separates() ? CUT_WATCHED : TWO_OWNERS_WATCHED;
      awaitTakeover(pair.nodeA(), pair.nodeB(), setup, MOVED, watched);
      return sample(setup, contender, move.key(), run, running, watch.end(setup));
    } finally {
      running.close();
      move.repair(pair);
      clean(setup);
    }
  }

  /**
   * Plays a failback: node-a was stopped, starts again and takes over from node-b.
   *
   * @param phase waits this long before
   * @throws AssertionError if node-a does not take over
   */
  Sample playBack(Setup setup, Contender contender, int run, Duration phase) {
    var running = start(setup, contender);
    Proc again = null;
    try (var watch = new Watch(running)) {
      running.a().stop();
      probe(setup).awaitServedBy("node-b", MOVED);
      awaitNone(pair.nodeA(), setup, MOVED);
      sleep(phase);
      watch.begin();
      again = contender.start(pair.nodeA(), setup);
      awaitTakeover(pair.nodeB(), pair.nodeA(), setup, READY, TWO_OWNERS_WATCHED);
      return sample(setup, contender, FAILBACK, run, running, watch.end(setup));
    } finally {
      running.close();
      if (again != null) {
        again.close();
      }
      clean(setup);
    }
  }

  /**
   * Plays takeovers by the same two agents one after the other: nginx of node-a dies, and is back.
   *
   * @param rounds how many of them
   * @throws AssertionError if a node does not take over
   */
  List<Sample> playAgain(Setup setup, int rounds) {
    var contender = Contender.OURS;
    var running = start(setup, contender);
    var all = new ArrayList<Sample>();
    try {
      for (int round = 1; round <= rounds; round++) {
        try (var watch = new Watch(running)) {
          watch.begin();
          pair.nginxA().kill();
          awaitTakeover(pair.nodeA(), pair.nodeB(), setup, MOVED, TWO_OWNERS_WATCHED);
          all.add(sample(setup, contender, AGAIN, round, running, watch.end(setup)));
        }
        pair.nginxA().start();
        awaitTakeover(pair.nodeB(), pair.nodeA(), setup, READY, TWO_OWNERS_WATCHED);
      }
      return all;
    } finally {
      running.close();
      pair.nginxA().start();
      clean(setup);
    }
  }

  /** Waits until one node has all addresses and serves, and then for the other to have none. */
  private void awaitTakeover(Host from, Host to, Setup setup, Duration moved, Duration watched) {
    Await.until(to + " has all addresses", moved, () -> owners.hasAll(to, setup.addresses()));
    probe(setup).awaitServedBy(to.name(), MOVED);
    awaitNone(from, setup, watched);
  }

  /** At least half a second, so that node-b has heard some adverts. */
  private static Duration untilNext(Duration phase, Running running) {
    long least = System.nanoTime() + PHASES.dividedBy(2).toNanos() - running.backupNanos();
    long whole = Math.ceilDiv(least - phase.toNanos(), PHASES.toNanos()) * PHASES.toNanos();
    return Duration.ofNanos(running.backupNanos() + whole + phase.toNanos() - System.nanoTime());
  }

  private void awaitNone(Host node, Setup setup, Duration atMost) {
    long endNanos = System.nanoTime() + atMost.toNanos();
    while (!owners.hasNone(node, setup.addresses()) && System.nanoTime() < endNanos) {
      sleep(ASK);
    }
  }

  private record Seen(Instant fault, Instant end, Capture adverts, Capture arp, double cpuNanos) {}

  /** Records a move from {@link #begin} to {@link #end}. */
  private final class Watch implements AutoCloseable {
    private final Running running;
    private final Capture adverts = pair.nodeB().capture("eth0", "ip proto 112");
    private final Capture arp = router.capture("eth0", "arp");
    private double cpuNanos;
    private Instant fault;

    private Watch(Running running) {
      this.running = running;
    }

    private void begin() {
      cpuNanos = Load.cpuNanos(running.b());
      fault = Instant.now();
    }

    private Seen end(Setup setup) {
      var end = Instant.now();
      sleep(LAST_ANSWERS);
      owners.compareWithKernel(setup.addresses());
      return new Seen(fault, end, adverts, arp, Load.cpuNanos(running.b()) - cpuNanos);
    }

    @Override
    public void close() {
      arp.close();
      adverts.close();
    }
  }

  private Sample sample(
      Setup setup, Contender contender, String move, int run, Running running, Seen seen) {
    var service = Service.of(probe(setup).samples());
    var holding = Holding.of(owners.changes(), setup.addresses(), seen.fault(), seen.end());
    return new Sample(
        setup.name(),
        move,
        contender.toString(),
        run,
        Sample.millis(running.startToBackup()),
        Sample.millis(service.longestOutage(seen.fault(), seen.end())),
        Sample.millis(holding.two()),
        holding.twoAtEnd(),
        Sample.millis(holding.none()),
        arpFrames(seen),
        Sample.millis(Duration.ofNanos((long) seen.cpuNanos())),
        parts(setup, seen, service));
  }

  private int arpFrames(Seen seen) {
    var macs = pair.nodes().stream().map(node -> node.mac("eth1")).toList();
    return (int)
        seen.arp().frames().stream()
            .filter(f -> f.time().isAfter(seen.fault()) && macs.contains(f.sourceMac()))
            .count();
  }

  /** The measurement of a planned hand-over. Call it {@link #LAST_ANSWERS} after its end. */
  Planned planned(Setup setup, String move, int run, Instant from, Instant to) {
    owners.compareWithKernel(setup.addresses());
    var outage = Service.of(probe(setup).samples()).longestOutage(from, to);
    var holding = Holding.of(owners.changes(), setup.addresses(), from, to);
    return new Planned(
        setup.name(),
        move,
        run,
        Sample.millis(outage),
        Sample.millis(holding.two()),
        Sample.millis(holding.none()));
  }

  private Sample.Parts parts(Setup setup, Seen seen, Service service) {
    var macB = pair.nodeB().mac("eth1");
    var adverts =
        seen.adverts().frames().stream().filter(f -> f.time().isAfter(seen.fault())).toList();
    var announced = new HashMap<String, Instant>();
    seen.arp().frames().stream()
        .filter(f -> f.time().isAfter(seen.fault()) && f.sourceMac().equals(macB))
        .forEach(
            f ->
                f.arp()
                    .filter(Frame.Arp::gratuitous)
                    .ifPresent(arp -> announced.putIfAbsent(arp.sender(), f.time())));
    announced.keySet().retainAll(setup.addresses());
    return new Sample.Parts(
        since(seen, firstAdvert(adverts, HEARTBEAT_A, true)),
        since(seen, lastChange(pair.nodeA(), false, seen)),
        since(seen, firstAdvert(adverts, HEARTBEAT_B, false)),
        since(seen, lastChange(pair.nodeB(), true, seen)),
        since(seen, latest(announced.values())),
        since(seen, service.firstBy("node-b", seen.fault())));
  }

  private static Optional<Instant> firstAdvert(
      List<Frame> adverts, String source, boolean resigning) {
    return adverts.stream()
        .filter(f -> f.source().equals(source))
        .filter(f -> f.vrrp().orElseThrow().priority() == 0 == resigning)
        .map(Frame::time)
        .findFirst();
  }

  private Optional<Instant> lastChange(Host host, boolean there, Seen seen) {
    return owners.changes().stream()
        .filter(c -> c.host().equals(host.name()) && c.there() == there)
        .map(Owners.Change::time)
        .filter(time -> time.isAfter(seen.fault()) && !time.isAfter(seen.end()))
        .max(Comparator.naturalOrder());
  }

  private static Optional<Instant> latest(Collection<Instant> times) {
    return times.stream().max(Comparator.naturalOrder());
  }

  private static Double since(Seen seen, Optional<Instant> time) {
    return time.map(t -> Sample.millis(Duration.between(seen.fault(), t))).orElse(null);
  }

  /** The client of the last address, until {@link #renew}. */
  Probe probe(Setup setup) {
    return probes.computeIfAbsent(
        setup.addresses().getLast(),
        address -> Probe.start(pair.client(), "http://" + address + "/", ASK));
  }

  /** Ends the clients; the next move starts new ones. */
  void renew() {
    new ArrayList<>(probes.values()).forEach(Probe::close);
    probes.clear();
  }

  static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void close() {
    renew();
    owners.close();
    pair.close();
  }
}
