package dev.virtualip.agent.instance;

import java.util.Arrays;
import java.util.SplittableRandom;

/** The wire that carries adverts: it loses, doubles and delays frames, and can be cut. */
final class SimLan {
  private static final long DELAY_MIN = 30_000;

  /** The longest way of a frame. */
  static final long DELAY_MAX = 2_000_000;

  private final SimAgenda agenda;
  private final SplittableRandom random;
  private final boolean[][] cut;

  /** When one node last began to reach another, or ceased to. */
  private final long[][] changedAt;

  private boolean whole = true;

  /** Probability that a frame does not reach a node, and that it does so twice. */
  double loss;

  double doubled;

  SimLan(SimAgenda agenda, SplittableRandom random, int nodes) {
    this.agenda = agenda;
    this.random = random;
    cut = new boolean[nodes][nodes];
    changedAt = new long[nodes][nodes];
  }

  void cut(int from, int to) {
    whole &= from == to;
    changedAt[from][to] = cut[from][to] ? changedAt[from][to] : agenda.now();
    cut[from][to] = true;
  }

  boolean isWhole() {
    return whole;
  }

  void heal() {
    whole = true;
    for (int from = 0; from < cut.length; from++) {
      for (int to = 0; to < cut.length; to++) {
        changedAt[from][to] = cut[from][to] ? agenda.now() : changedAt[from][to];
      }
      Arrays.fill(cut[from], false);
    }
  }

  /** Whether frames of one node reach another. */
  boolean reaches(int from, int to) {
    return !cut[from][to];
  }

  /** Since when frames of one node reach another; never, if they do not. */
  long reachesSince(int from, int to) {
    return cut[from][to] ? Long.MAX_VALUE : changedAt[from][to];
  }

  /** Brings a frame to a node, perhaps. */
  void carry(int from, int to, Runnable arrival) {
    if (cut[from][to] || random.nextDouble() < loss) {
      return;
    }
    agenda.after(random.nextLong(DELAY_MIN, DELAY_MAX), arrival);
    if (random.nextDouble() < doubled) {
      agenda.after(random.nextLong(DELAY_MIN, DELAY_MAX), arrival);
    }
  }
}
