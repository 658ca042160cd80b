package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The program inside the VM: runs test classes and writes each outcome as soon as it is known. */
public final class VmTests implements TestExecutionListener {
  /** A file with the name of the class to run next, which is deleted when it has been run. */
  static final String NEXT = "next";

  private static final Duration IDLE_MAX = Duration.ofMinutes(10);

  private static final JsonMapper JSON = new JsonMapper();
  private static final Instant STARTED = ProcessHandle.current().info().startInstant().get();

  private final Path file;

  private VmTests(Path file) {
    this.file = file;
  }

  /**
   * How a test or a class ended.
   *
   * @param id JUnit's unique id, which is the same outside
   * @param status a skipped one is aborted
   * @param text the stack trace, or why it was skipped; empty when it passed
   */
  record Outcome(String id, Status status, String text) {}

  /**
   * Argument: the folder that is shared with the machine outside. The outcomes of a class are in
   * CLASS.outcomes there, a line of JSON each.
   */
  public static void main(String[] args) throws IOException {
    var folder = Path.of(args[0]);
    var next = folder.resolve(NEXT);
    var launcher = LauncherFactory.create();
    while (true) {
      Await.until("another class", IDLE_MAX, () -> Files.exists(next));
      var tests = Files.readString(next);
      var request =
          LauncherDiscoveryRequestBuilder.request()
              .selectors(DiscoverySelectors.selectClass(tests))
              .build();
      launcher.execute(request, new VmTests(folder.resolve(tests + ".outcomes")));
      if (Lab.isOpen()) {
        System.exit(0); // it cannot be closed, or the class forgot it: the next one gets a new VM
      }
      Files.delete(next);
    }
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    var thrown = result.getThrowable();
    boolean failed = result.getStatus() == Status.FAILED;
    write(test, result.getStatus(), thrown.map(t -> failed ? trace(t) : t.getMessage()).orElse(""));
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    write(test, Status.ABORTED, reason);
  }

  private void write(TestIdentifier test, Status status, String text) {
    try {
      var line = JSON.writeValueAsString(new Outcome(test.getUniqueId(), status, text)) + "\n";
      Files.writeString(file, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var up = Duration.between(STARTED, Instant.now());
    System.out.printf("%d s: %s %s%n", up.toSeconds(), test.getDisplayName(), status);
  }

  private static String trace(Throwable thrown) {
    var trace = new StringWriter();
    thrown.printStackTrace(new PrintWriter(trace));
    return trace.toString();
  }
}
