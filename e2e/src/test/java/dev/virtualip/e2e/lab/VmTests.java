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

/** The program inside the VM: runs a test class and writes each outcome as soon as it is known. */
public final class VmTests implements TestExecutionListener {
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

  /** Arguments: the name of the class, and the file for the outcomes, a line of JSON each. */
  public static void main(String[] args) {
    var request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(DiscoverySelectors.selectClass(args[0]))
            .build();
    LauncherFactory.create().execute(request, new VmTests(Path.of(args[1])));
    System.exit(0);
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
