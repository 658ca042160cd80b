package dev.virtualip.agent.vrrp;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;

/** A LAN that loses, doubles, delays and reorders datagrams, and whose wires can be cut one way. */
final class SimulatedLan {
  private final SimulatedTime time;
  private final SplittableRandom random;
  private final BiConsumer<Integer, Datagram> receiver;
  private final boolean[][] cut;
  private final long[][] disturbedAt;
  private final int size;

  /** Share of datagrams that get lost, and that arrive twice. */
  double loss;

  double duplication;

  /** Share of datagrams that come late, overtaken by others, and the longest such delay. */
  double lateness;

  long lateMax;

  /** No datagram comes late beyond this moment. */
  long lateUntil;

  long delayMin;
  long delayMax;

  SimulatedLan(
      int size,
      SimulatedTime time,
      SplittableRandom random,
      BiConsumer<Integer, Datagram> receiver) {
    this.size = size;
    this.time = time;
    this.random = random;
    this.receiver = receiver;
    cut = new boolean[size][size];
    disturbedAt = new long[size][size];
  }

  void send(int from, Datagram datagram) {
    for (int to = 0; to < size; to++) {
      if (to == from || cut[from][to]) {
        continue;
      }
      if (random.nextDouble() < loss) {
        disturbed(from, to);
        continue;
      }
      deliver(from, to, datagram);
      if (random.nextDouble() < duplication) {
        deliver(from, to, datagram);
      }
    }
  }

  private void deliver(int from, int to, Datagram datagram) {
    long delay = delayMin == delayMax ? delayMin : random.nextLong(delayMin, delayMax);
    if (lateness > 0 && random.nextDouble() < lateness) {
      delay = Math.max(delay, Math.min(random.nextLong(lateMax), lateUntil - time.now()));
      disturbedAt[from][to] = Math.max(disturbedAt[from][to], time.now() + delay);
    }
    time.after(delay, () -> receiver.accept(to, datagram));
  }

  /** Cuts the way from one node to another, or mends it. */
  void cut(int from, int to, boolean value) {
    if (cut[from][to] != value) {
      cut[from][to] = value;
      disturbed(from, to);
    }
  }

  private void disturbed(int from, int to) {
    disturbedAt[from][to] = Math.max(disturbedAt[from][to], time.now());
  }

  /** Leaves a wire only between nodes of the same side. */
  void partition(List<Integer> sides) {
    for (int from = 0; from < size; from++) {
      for (int to = 0; to < size; to++) {
        cut(from, to, !sides.get(from).equals(sides.get(to)));
      }
    }
  }

  /** Mends everything; what is on its way arrives as it would have. */
  void heal() {
    partition(new ArrayList<>(java.util.Collections.nCopies(size, 0)));
    loss = 0;
    duplication = 0;
    lateness = 0;
  }

  boolean open(int from, int to) {
    return !cut[from][to];
  }

  /**
   * When a datagram from one node to another was last lost or comes at last, or the way was cut or
   * mended.
   */
  long disturbedAt(int from, int to) {
    return disturbedAt[from][to];
  }
}
