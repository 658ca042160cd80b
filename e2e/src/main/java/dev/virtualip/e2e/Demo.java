package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.Lab;
import java.util.List;

/** {@code make demo}: plays the {@link Scenario} and ends with a table. */
public final class Demo {
  private Demo() {}

  /** Exits with 0 only if every expectation held. */
  public static void main(String[] args) {
    if (!Lab.available()) {
      System.err.println("demo: it makes network namespaces; run `make demo` as root");
      System.exit(1);
    }
    try (var lab = Lab.open()) {
      print(Scenario.play(lab, System.out));
    } catch (AssertionError | RuntimeException e) {
      System.out.println();
      System.out.println("FAILED: " + e.getMessage());
      System.out.println("The programs' logs end with:");
      Logs.printTails(System.out);
      System.exit(1);
    }
    System.exit(0);
  }

  private static void print(List<Scenario.Move> moves) {
    System.out.println();
    System.out.printf("%-32s %-8s %s%n", "MOVE", "MASTER", "CLIENT WITHOUT SERVICE");
    for (var move : moves) {
      System.out.printf(
          "%-32s %-8s %6d ms%n", move.what(), move.master(), move.outage().toMillis());
    }
    System.out.println();
    System.out.println("Every expectation held. Nothing is left on this machine.");
  }
}
