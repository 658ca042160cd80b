package dev.virtualip.agent.instance;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;
import org.slf4j.LoggerFactory;

/** {@code make simulate}: many simulations on all cores, or one in full detail. */
final class Simulate {
  private Simulate() {}

  /** Runs {@code COUNT [FIRST-SEED]}, or {@code seed SEED}. Ends with 1 if one fails. */
  public static void main(String[] args) {
    if (args.length == 2 && args[0].equals("seed")) {
      long seed = Long.parseLong(args[1]);
      SimWorld.run(seed, System.out::println);
      System.out.println("simulation " + seed + " holds");
      return;
    }
    long count = Long.parseLong(args[0]);
    long first = args.length > 1 ? Long.parseLong(args[1]) : freshSeed();
    System.out.printf("simulations %d to %d%n", first, first + count - 1);
    long began = System.nanoTime();
    var failure = firstFailure(LongStream.range(first, first + count));
    System.out.printf("%.1f s%n", (System.nanoTime() - began) / 1e9);
    failure.ifPresent(
        message -> {
          System.out.println(message);
          System.out.println("That command tells it in full. Once mended: SimulationTest.PINNED.");
          System.exit(1);
        });
  }

  /** A seed that nobody has had before, short enough to type. */
  static long freshSeed() {
    return ThreadLocalRandom.current().nextLong(1_000_000_000L, 1_000_000_000_000L);
  }

  /** Runs simulations on all cores; the message of one that fails, if any does. */
  static Optional<String> firstFailure(LongStream seeds) {
    // Thousands of faults are simulated, and each would be a line of the agent's log.
    var log = (Logger) LoggerFactory.getLogger("dev.virtualip");
    var level = log.getLevel();
    log.setLevel(Level.OFF);
    try {
      return seeds.parallel().mapToObj(Simulate::failure).flatMap(Optional::stream).findAny();
    } finally {
      log.setLevel(level);
    }
  }

  private static Optional<String> failure(long seed) {
    try {
      SimWorld.run(seed, null);
      return Optional.empty();
    } catch (AssertionError e) {
      return Optional.of(e.getMessage());
    }
  }
}
