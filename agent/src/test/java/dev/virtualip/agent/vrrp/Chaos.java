package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** What goes wrong, or is changed, in a simulation before everything is healed. */
final class Chaos {
  private final SimulatedTime time;
  private final SimulatedLan lan;
  private final List<SimulatedNode> nodes;
  private final SplittableRandom random;
  private final SimulationSettings settings;
  private final SimulationTrace trace;

  Chaos(
      SimulatedTime time,
      SimulatedLan lan,
      List<SimulatedNode> nodes,
      SplittableRandom random,
      SimulationSettings settings,
      SimulationTrace trace) {
    this.time = time;
    this.lan = lan;
    this.nodes = nodes;
    this.random = random;
    this.settings = settings;
    this.trace = trace;
  }

  /** Something happens now, and something else a bit later, until an end. */
  void run(long end) {
    if (time.now() >= end) {
      return;
    }
    lan.lateUntil = end;
    strike();
    time.after(random.nextLong(3 * settings.interval()), () -> run(end));
  }

  private void strike() {
    var node = nodes.get(random.nextInt(nodes.size()));
    switch (random.nextInt(15)) {
      case 0 -> partition();
      case 1 -> lan.cut(node.id, random.nextInt(nodes.size()), true);
      case 2 -> lan.heal();
      case 3 -> loss();
      case 4, 5 -> sleep(node);
      case 6 -> crash(node);
      case 7 -> shutDown(node);
      case 8, 9 -> node.change(settings.priority(random));
      case 10 -> fault(node);
      case 11 -> configure(node);
      case 12 -> node.refuseBind();
      case 13 -> forge(node);
      case 14 -> node.resign();
      default -> throw new AssertionError();
    }
  }

  private void partition() {
    var sides = new ArrayList<Integer>();
    nodes.forEach(_ -> sides.add(random.nextInt(2)));
    trace.line("the LAN falls into " + sides);
    lan.partition(sides);
  }

  private void loss() {
    lan.loss = random.nextInt(4) * 0.2;
    lan.duplication = random.nextInt(3) * 0.2;
    if (settings.late()) {
      lan.lateness = random.nextInt(3) * 0.2;
      lan.lateMax = 5 * settings.interval();
    }
    trace.line(
        "loss %.1f, duplication %.1f, lateness %.1f"
            .formatted(lan.loss, lan.duplication, lan.lateness));
  }

  private long span(int intervals) {
    return random.nextLong(1, intervals * settings.interval());
  }

  private void sleep(SimulatedNode node) {
    if (node.live()) {
      node.pause();
      time.after(span(random.nextBoolean() ? 2 : 12), () -> node.resume(unread()));
    }
  }

  private long unread() {
    return random.nextBoolean() ? 0 : random.nextLong(settings.interval() / 2);
  }

  private void crash(SimulatedNode node) {
    if (node.up()) {
      node.crash();
      startLater(node);
    }
  }

  private void shutDown(SimulatedNode node) {
    if (node.live()) {
      node.shutDown();
      startLater(node);
    }
  }

  private void startLater(SimulatedNode node) {
    time.after(
        span(10),
        () -> {
          if (!node.up()) {
            node.start();
          }
        });
  }

  private void fault(SimulatedNode node) {
    var reason = random.nextBoolean() ? "LinkDown(eth0)" : "CheckFailed(web)";
    trace.line(node, reason);
    node.fault(reason, true);
    time.after(span(8), () -> node.fault(reason, false));
  }

  private void configure(SimulatedNode node) {
    if (random.nextInt(3) > 0) {
      node.change(settings.withPreemption(node.config, random));
      return;
    }
    long interval = settings.otherInterval(random);
    trace.line("interval " + interval / 1e9);
    nodes.stream()
        .filter(n -> n == node || random.nextInt(4) > 0)
        .forEach(n -> n.change(Routers.withInterval(n.config, interval)));
  }

  /** Somebody beyond a router claims to be the owner. */
  private void forge(SimulatedNode node) {
    var forger = InetAddress.ofLiteral(settings.ipv6() ? "fe80::ffff" : "10.9.0.250");
    var owner = node.config;
    var bytes =
        Routers.encode(
            owner, 255, settings.password(), settings.addresses(), forger, settings.group());
    node.receive(new Datagram(forger, settings.group(), 254, bytes));
  }
}
