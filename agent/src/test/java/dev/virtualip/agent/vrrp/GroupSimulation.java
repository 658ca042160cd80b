package dev.virtualip.agent.vrrp;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Sync groups on nodes with a LAN for each member, drawn from one seed: chaos, then all is healed
 * and one node has to be master with all its members, then that one ends. At every moment a node is
 * master with all members or with none.
 */
final class GroupSimulation {
  private final SplittableRandom random;
  private final SimulationSettings settings;
  private final SimulatedTime time = new SimulatedTime();
  private final TreeMap<String, SimulatedLan> lans = new TreeMap<>();
  private final List<GroupNode> nodes = new ArrayList<>();
  private long healedAt;

  private GroupSimulation(long seed) {
    random = new SplittableRandom(seed);
    settings = SimulationSettings.draw(seed, random);
    for (var name : List.of("inside", "outside", "third").subList(0, random.nextInt(2, 4))) {
      var lan =
          new SimulatedLan(
              settings.size(),
              time,
              random,
              (to, datagram) -> nodes.get(to).receive(name, datagram));
      lan.delayMin = settings.delayMax() / 10;
      lan.delayMax = settings.delayMax();
      lans.put(name, lan);
    }
    var around =
        new GroupNode.Surroundings(
            time, lans, settings, () -> random.nextLong(settings.jitterMax()));
    for (int i = 0; i < settings.size(); i++) {
      // In a group even the owner listens first, as all others have to be asked.
      var config =
          Routers.config(
              settings.version(), settings.interval(), true, 0, false, settings.leasePolicy());
      nodes.add(
          new GroupNode(
              i,
              settings.withPreemption(config, random),
              settings.priority(random),
              settings.clockPpm(random),
              around));
    }
  }

  /**
   * Runs the simulation of a seed.
   *
   * @throws AssertionError if something is not as it must be; one line, which says how to replay it
   */
  static void run(long seed) {
    var simulation = new GroupSimulation(seed);
    try {
      simulation.run();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "make simulate SEED=%d fails with sync groups at %.6f s: %s"
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
    time.after(settings.interval(), () -> strikeUntil(end));
    runFor(end);
    heal();
    runFor(convergence());
    var active = theOneActive();
    stayQuiet();
    boolean told = random.nextBoolean();
    if (told) {
      active.shutDown();
    } else {
      active.crash();
    }
    runFor(takeover(told));
    require(nodes.stream().anyMatch(GroupNode::active), "nobody has taken over in time");
    runFor(convergence());
    theOneActive();
    stayQuiet();
  }

  private void runFor(long nanos) {
    time.runUntil(time.now() + nanos, () -> {});
  }

  private void strikeUntil(long end) {
    if (time.now() < end) {
      strike();
      time.after(random.nextLong(3 * settings.interval()), () -> strikeUntil(end));
    }
  }

  private void strike() {
    var node = nodes.get(random.nextInt(nodes.size()));
    var name = List.copyOf(lans.keySet()).get(random.nextInt(lans.size()));
    var lan = lans.get(name);
    switch (random.nextInt(10)) {
      case 0 -> lan.partition(nodes.stream().map(_ -> random.nextInt(2)).toList());
      case 1 -> lan.cut(node.id, random.nextInt(nodes.size()), true);
      case 2 -> lans.values().forEach(SimulatedLan::heal);
      case 3 -> lan.loss = random.nextInt(4) * 0.2;
      case 4 -> {
        node.paused = node.up;
        time.after(span(8), node::resume);
      }
      case 5, 6 -> end(node, random.nextBoolean());
      case 7 -> {
        node.fault(name, true);
        time.after(span(8), () -> node.fault(name, false));
      }
      case 8 -> node.refuseBind();
      case 9 -> node.change(settings.priority(random));
      default -> throw new AssertionError();
    }
  }

  private long span(int intervals) {
    return random.nextLong(1, intervals * settings.interval());
  }

  private void end(GroupNode node, boolean told) {
    if (!node.up || node.paused) {
      return;
    }
    if (told) {
      node.shutDown();
    } else {
      node.crash();
    }
    time.after(
        span(10),
        () -> {
          if (!node.up) {
            node.start();
          }
        });
  }

  private void heal() {
    healedAt = time.now();
    for (var lan : lans.values()) {
      lan.heal();
      lan.delayMin = lan.delayMax;
    }
    for (var node : nodes) {
      if (!node.up) {
        node.start();
      }
      node.resume();
      node.clearFaults();
    }
  }

  private long down() {
    return Rfc.activeDownInterval(settings.version(), 1, settings.interval());
  }

  private long slack() {
    return settings.delayMax() + 2 * settings.jitterMax();
  }

  /** As without groups, for the slowest member decides and the others wait for it. */
  private long convergence() {
    long delayed = settings.preemptDelayMax() > 0 ? settings.preemptDelayMax() + down() : 0;
    long sum = down() + delayed + 2 * settings.interval();
    return sum + sum / 50 + 2 * slack();
  }

  /** Members have the same priority on a node, but their last adverts were an interval apart. */
  private long takeover(boolean told) {
    long wait =
        nodes.stream()
            .filter(GroupNode::backup)
            .mapToLong(node -> node.priority)
            .map(
                priority ->
                    told
                        ? Rfc.skewTime(settings.version(), (int) priority, settings.interval())
                        : Rfc.activeDownInterval(
                            settings.version(), (int) priority, settings.interval()))
            .min()
            .orElseThrow();
    return wait + wait / 50 + slack() + 1_000;
  }

  private GroupNode theOneActive() {
    var actives = nodes.stream().filter(GroupNode::active).toList();
    require(actives.size() == 1, "one node should be master with all members");
    var active = actives.getFirst();
    for (var node : nodes) {
      boolean preempts = node.config.preempt() || node.priority == VirtualRouterConfig.OWNER;
      require(
          !node.backup() || !preempts || node.priority <= active.priority,
          "a preempting node of higher priority should be master");
      require(
          node.yieldedAt <= healedAt
              || active.announcedAt.values().stream()
                  .allMatch(at -> node.yieldedAt <= at + slack()),
          "hosts may still believe node %d, which was master last".formatted(node.id));
    }
    return active;
  }

  private void stayQuiet() {
    long transitions = nodes.stream().mapToLong(node -> node.transitions).sum();
    runFor(10 * settings.interval());
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
