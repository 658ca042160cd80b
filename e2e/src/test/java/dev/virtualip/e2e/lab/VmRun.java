package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.opentest4j.TestAbortedException;

/** How a test class ended in the {@link Vm}, seen from outside. */
final class VmRun {
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

  boolean hasFailures() {
    return outcomes.values().stream().anyMatch(o -> o.status() == Status.FAILED);
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
