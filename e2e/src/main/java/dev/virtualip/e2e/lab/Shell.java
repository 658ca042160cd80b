package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs short commands to their end. */
final class Shell {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private Shell() {}

  /** How a command ended: its exit code, and its standard output and error in one. */
  record Result(int exit, String output) {}

  /**
   * Runs a command and returns what it printed.
   *
   * @throws IllegalStateException when it fails
   */
  static String run(List<String> command) {
    Result result = result(command);
    if (result.exit() != 0) {
      throw new IllegalStateException(
          "exit %d of %s: %s"
              .formatted(result.exit(), String.join(" ", command), result.output().strip()));
    }
    return result.output();
  }

  static String run(String... command) {
    return run(List.of(command));
  }

  /** Runs a command whatever its exit code; after 30 s it is killed. */
  static Result result(List<String> command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
              .start();
      Thread.ofVirtual().start(() -> killAfter(process, LIMIT));
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(process.waitFor(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted: " + String.join(" ", command), e);
    }
  }

  private static void killAfter(Process process, Duration limit) {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
