package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.opentest4j.TestAbortedException;

/**
 * One run of a test class in a VM of its own ({@code e2e/src/lab/vm}), seen from outside. What the
 * VM printed stays in {@code e2e/target/vm/CLASS/console}.
 */
final class VmRun {
  private static final Path PROGRAM = Lab.root().resolve("e2e/src/lab/vm");
  private static final Duration LIMIT = Duration.ofMinutes(10);

  private final Map<String, VmTests.Outcome> outcomes = new HashMap<>();
  private final String end;

  VmRun(Path outcomes, String end) throws IOException {
    this.end = end;
    var json = new JsonMapper();
    for (var line : Files.exists(outcomes) ? Files.readAllLines(outcomes) : List.<String>of()) {
      var outcome = json.readValue(line, VmTests.Outcome.class);
      this.outcomes.put(outcome.id(), outcome);
    }
  }

  /** Debian packages without which there is no VM, separated by spaces; empty if all are there. */
  static String missingPackages() {
    return Shell.run(PROGRAM.toString(), "--missing").strip();
  }

  /** Runs the class; a VM that takes longer than 10 minutes is killed. */
  static VmRun of(Class<?> tests) {
    var folder = Lab.root().resolve("e2e/target/vm/" + tests.getSimpleName());
    var outcomes = folder.resolve("outcomes");
    try {
      Files.createDirectories(folder);
      Files.deleteIfExists(outcomes);
      var run = new VmRun(outcomes, boot(folder, tests.getName(), outcomes.toString()));
      if (run.outcomes.values().stream().anyMatch(o -> o.status() == Status.FAILED)) {
        System.out.println(Files.readString(folder.resolve("console")));
      }
      return run;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns how the VM ended, in words. */
  private static String boot(Path folder, String... arguments) {
    var command =
        List.of(
            PROGRAM.toString(),
            folder.toString(),
            Lab.root().resolve("e2e/src/lab/bin/java").toString(),
            "-ea",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            VmTests.class.getName());
    var all = Stream.concat(command.stream(), List.of(arguments).stream());
    try (var vm = Proc.start("VM", folder.resolve("console"), Map.of(), all.toList())) {
      return "exit " + vm.awaitExit(LIMIT);
    } catch (AssertionError e) {
      return e.getMessage();
    }
  }

  /** Ends as the test with this unique id did in the VM, or a class around it that was skipped. */
  void replay(String id) {
    var outcome = outcomes.getOrDefault(id, skipped(id));
    if (outcome == null) {
      throw withoutTrace("the VM ended before this test: " + end);
    }
    switch (outcome.status()) {
      case SUCCESSFUL -> {}
      case ABORTED -> throw new TestAbortedException(outcome.text());
      case FAILED -> throw withoutTrace("in the VM: " + outcome.text());
    }
  }

  private VmTests.Outcome skipped(String id) {
    return outcomes.values().stream()
        .filter(o -> o.status() == Status.ABORTED && id.startsWith(o.id() + "/"))
        .findAny()
        .orElse(null);
  }

  /** Fails if the class did by itself: what is before or after all of its tests. */
  void replayClass(String id) {
    var outcome = outcomes.get(id);
    if (outcome != null && outcome.status() == Status.FAILED) {
      replay(id);
    }
  }

  private static AssertionError withoutTrace(String message) {
    var error = new AssertionError(message);
    error.setStackTrace(new StackTraceElement[0]);
    return error;
  }
}
