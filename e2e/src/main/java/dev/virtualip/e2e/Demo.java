package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;

/**
 * {@code make demo}: plays the {@link Scenario} and ends with a table. With the argument {@code
 * images} operator and agents run from their images, in containers as their pods describe them.
 * With {@code layer4} it plays the {@link Layer4Scenario} instead.
 */
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
    boolean layer4 = List.of(args).contains("layer4");
    boolean images = List.of(args).contains("images");
    if (images && !Program.imagesMissing().isEmpty()) {
      System.err.println("demo: " + Program.imagesMissing());
      System.exit(1);
    }
    boolean passed;
    try (var lab = Lab.open()) {
      passed =
          layer4
              ? play(lab, () -> Layer4Scenario.play(lab, System.out))
              : play(lab, () -> moves(lab, images ? Program.images() : Program.built()));
    }
    System.exit(passed ? 0 : 1);
  }

  private static boolean play(Lab lab, Runnable scenario) {
    try {
      scenario.run();
      System.out.println();
      System.out.println("Every expectation held. Nothing is left on this machine.");
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

  private static void moves(Lab lab, Map<String, Program> programs) {
    var moves = Scenario.play(lab, ApiServer::start, programs, System.out);
    System.out.println();
    System.out.printf("%-32s %-8s %s%n", "MOVE", "MASTER", "CLIENT WITHOUT SERVICE");
    for (var move : moves) {
      System.out.printf(
          "%-32s %-8s %6d ms%n", move.what(), move.master(), move.outage().toMillis());
    }
  }
}
