package dev.virtualip.agent.vrrp;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Real virtual routers on a simulated LAN, all of it drawn from one seed: first chaos, then
 * everything is healed and one Active has to emerge and stay, then that one ends in some way and
 * the next has to be there in time.
 */
final class Simulation {
  private final SplittableRandom random;
  private final SimulationSettings settings;
  private final SimulatedTime time = new SimulatedTime();
  private final SimulationTrace trace;
  private final List<SimulatedNode> nodes = new ArrayList<>();
  private final SimulatedLan lan;
  private final Safety safety;
  private long healedAt;

  private Simulation(long seed, Consumer<String> lines) {
    random = new SplittableRandom(seed);
    settings = SimulationSettings.draw(seed, random);
    trace = new SimulationTrace(time, lines);
    trace.line(settings.toString());
    lan =
        new SimulatedLan(
            settings.size(), time, random, (to, datagram) -> nodes.get(to).receive(datagram));
    lan.delayMin = settings.delayMax() / 10;
    lan.delayMax = settings.delayMax();
    var around =
        new SimulatedNode.Surroundings(
            time,
            lan,
            settings.addresses(),
            settings.group(),
            settings.password(),
            () -> random.nextLong(settings.jitterMax()),
            trace);
    for (int i = 0; i < settings.size(); i++) {
      nodes.add(
          new SimulatedNode(
              i,
              settings.source(i),
              settings.config(random),
              settings.priority(random),
              settings.clockPpm(random),
              around));
    }
    safety = new Safety(time, lan, nodes, slack());
  }

  /**
   * Runs the simulation of a seed.
   *
   * @param lines takes what happens, or null
   * @throws AssertionError if something is not as it must be; one line, which says how to replay it
   */
  static void run(long seed, Consumer<String> lines) {
    var simulation = new Simulation(seed, lines);
    try {
      simulation.run();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "make simulate SEED=%d fails at %.6f s: %s"
              .formatted(
                  seed,
                  simulation.time.now() / 1e9,
                  e instanceof AssertionError ? e.getMessage() : e),
          e);
    }
  }

  private void run() {
    nodes.forEach(node -> time.after(random.nextLong(settings.interval()), node::start));
    long end = random.nextLong(10, 60) * settings.interval();
    time.after(random.nextLong(5 * settings.interval()), () -> chaos().run(end));
    runFor(end);
    heal();
    runFor(convergence());
    checkConverged();
    stayQuiet();
    var last = new LastAct(random, settings, time, lan, nodes, trace);
    last.begin();
    runFor(last.takeover());
    last.checkTakenOver();
    runFor(last.aftermath() + convergence());
    checkConverged();
    stayQuiet();
  }

  private Chaos chaos() {
    return new Chaos(time, lan, nodes, random, settings, trace);
  }

  private void runFor(long nanos) {
    time.runUntil(time.now() + nanos, safety::check);
  }

  private void heal() {
    trace.line("all is healed");
    healedAt = time.now();
    lan.heal();
    // What was delayed in the chaos may arrive yet; from here on datagrams keep their order.
    lan.delayMin = lan.delayMax;
    long interval = settings.otherInterval(random);
    for (var node : nodes) {
      if (settings.version() == Version.V2) {
        node.change(Routers.withInterval(node.config, interval));
      }
      if (!node.up()) {
        node.start();
      }
      node.resume(0);
      node.clearFaults();
    }
  }

  /** Way of a datagram and lateness of timers, there and back. */
  private long slack() {
    return settings.delayMax() + 2 * settings.jitterMax();
  }

  /**
   * Until one Active has emerged: a down interval of the lowest priority (3 intervals and the
   * skew), one interval more for a node that has just woken up, and one for the better of two
   * Actives to be heard; with a preempt delay, that and another down interval; and the time that an
   * exclusive claim gives. Clocks are 1 % off.
   */
  private long convergence() {
    long down = Rfc.activeDownInterval(settings.version(), 1, settings.intervalMax());
    long delayed = settings.preemptDelayMax() > 0 ? settings.preemptDelayMax() + down : 0;
    long sum = down + delayed + 2 * settings.intervalMax();
    return sum + sum / 50 + 2 * slack() + settings.claim();
  }

  private void checkConverged() {
    var actives = nodes.stream().filter(SimulatedNode::active).toList();
    require(actives.size() == 1, "one Active should have emerged");
    var active = actives.getFirst();
    for (var node : nodes) {
      boolean preempts = node.config.preempt() || node.priority == 255;
      require(
          !node.backup() || !preempts || node.priority <= active.priority,
          "a preempting node of higher priority should be Active");
      require(
          node.yieldedAt <= healedAt || node.yieldedAt <= active.announcedAt + slack(),
          "hosts may still believe node %d, which was Active last".formatted(node.id));
    }
  }

  private void stayQuiet() {
    long transitions = nodes.stream().mapToLong(node -> node.transitions).sum();
    runFor(10 * settings.intervalMax());
    require(
        transitions == nodes.stream().mapToLong(node -> node.transitions).sum(),
        "nothing is wrong, but states change");
  }

  private void require(boolean holds, String failure) {
    if (!holds) {
      throw new AssertionError(failure + ", nodes " + nodes);
    }
  }
}
