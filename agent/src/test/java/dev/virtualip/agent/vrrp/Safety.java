package dev.virtualip.agent.vrrp;

import java.util.List;

/** What must hold at every moment of a simulation. */
final class Safety {
  private final SimulatedTime time;
  private final SimulatedLan lan;
  private final List<SimulatedNode> nodes;
  private final long slack;

  /**
   * Checks of these nodes.
   *
   * @param slack longest delay of a datagram plus how late a timer may be, in nanoseconds
   */
  Safety(SimulatedTime time, SimulatedLan lan, List<SimulatedNode> nodes, long slack) {
    this.time = time;
    this.lan = lan;
    this.nodes = nodes;
    this.slack = slack;
  }

  void check() {
    for (var node : nodes) {
      if (node.live()) {
        node.require(!node.active() || node.bound(), "is Active but its lease has run out");
        node.require(
            node.active() || node.servesOn() || !node.bound(),
            "holds the addresses but is not Active");
        node.require(!node.active() || !node.faulty(), "is Active in spite of a fault");
      }
    }
    for (int a = 0; a < nodes.size(); a++) {
      for (int b = a + 1; b < nodes.size(); b++) {
        checkPair(nodes.get(a), nodes.get(b));
      }
    }
  }

  /**
   * Two Actives that hear each other: the better one's next advert is at most its interval away (by
   * its clock), and after the delay of the LAN and of the timers the other yields. A lost datagram,
   * a cut or mended wire, a sleep, or a change of interval or priority starts the count anew.
   */
  private void checkPair(SimulatedNode a, SimulatedNode b) {
    boolean twoHear =
        a.live()
            && b.live()
            && a.active()
            && b.active()
            && lan.open(a.id, b.id)
            && lan.open(b.id, a.id)
            && (a.config.version() == Version.V3 || a.advertInterval() == b.advertInterval());
    if (!twoHear) {
      return;
    }
    long since =
        max(
            a.activeSince,
            b.activeSince,
            a.disturbedAt,
            b.disturbedAt,
            lan.disturbedAt(a.id, b.id),
            lan.disturbedAt(b.id, a.id));
    long interval = Math.max(a.advertInterval(), b.advertInterval());
    long bound = interval + interval / 50 + slack;
    a.require(
        time.now() - since <= bound,
        "and node %d are both Active since %.6f s".formatted(b.id, since / 1e9));
  }

  private static long max(long... values) {
    return java.util.Arrays.stream(values).max().orElseThrow();
  }
}
