package dev.virtualip.e2e.bench;

import java.util.List;

/**
 * Median and spread of some figures.
 *
 * @param count how many there are, 1 or more
 */
record Stats(int count, double median, double min, double max, double p90) {

  /**
   * Statistics of some figures.
   *
   * @throws IllegalArgumentException if there are none
   */
  static Stats of(List<Double> figures) {
    if (figures.isEmpty()) {
      throw new IllegalArgumentException("no figures");
    }
    var sorted = figures.stream().sorted().toList();
    int n = sorted.size();
    double median =
        n % 2 == 1 ? sorted.get(n / 2) : (sorted.get(n / 2 - 1) + sorted.get(n / 2)) / 2;
    // Nearest rank.
    double p90 = sorted.get((int) Math.ceil(0.9 * n) - 1);
    return new Stats(n, median, sorted.getFirst(), sorted.getLast(), p90);
  }
}
