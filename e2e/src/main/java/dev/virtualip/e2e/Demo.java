package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** {@code make demo}: plays the {@link Scenario} and ends with a table. */
public final class Demo {
  private static final String LOGS = ".*(virtualip|nginx|apiserver).*\\.log";
  private static final int LOG_LINES = 25;

  private Demo() {}

  /** Exits with 0 only if every expectation held. */
  public static void main(String[] args) {
    if (!Lab.available()) {
      System.err.println("demo: it makes network namespaces; run `make demo` as root");
      System.exit(1);
    }
    boolean passed;
    try (var lab = Lab.open()) {
      passed = play(lab);
    }
    System.exit(passed ? 0 : 1);
  }

  private static boolean play(Lab lab) {
    try {
      print(Scenario.play(lab, ApiServer::start, System.out));
      return true;
    } catch (AssertionError | RuntimeException e) {
      System.out.println();
      System.out.println("FAILED: " + e.getMessage());
      printLogs(lab);
      return false;
    }
  }

  private static void printLogs(Lab lab) {
    try (var files = Files.list(lab.work())) {
      for (var file : files.filter(f -> f.toString().matches(LOGS)).sorted().toList()) {
        var lines = Files.readAllLines(file);
        System.out.println("-- " + file.getFileName());
        lines
            .subList(Math.max(0, lines.size() - LOG_LINES), lines.size())
            .forEach(System.out::println);
      }
    } catch (IOException e) {
      System.out.println("no logs: " + e.getMessage());
    }
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
