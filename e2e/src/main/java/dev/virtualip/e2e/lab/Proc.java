package dev.virtualip.e2e.lab;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A running program. It leads a process group of its own, so that signals reach its children too.
 * They also reach children that have left the group, such as the container of a runc. Only {@link
 * #stop} signals the leader alone, as an init system does. Standard output and error go to a file.
 */
public final class Proc implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(5);
  private static final int TAIL_CHARS = 4000;

  private final String name;
  private final Process process;
  private final Path output;

  private Proc(String name, Process process, Path output) {
    this.name = name;
    this.process = process;
    this.output = output;
  }

  /** Starts {@code command} with {@code environment} added to this JVM's. */
  static Proc start(
      String name, Path output, Map<String, String> environment, List<String> command) {
    List<String> leader = new ArrayList<>(List.of("setsid"));
    leader.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(leader)
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .redirectOutput(ProcessBuilder.Redirect.to(output.toFile()));
    builder.environment().putAll(environment);
    try {
      return new Proc(name, builder.start(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String name() {
    return name;
  }

  /** Process id inside the lab. */
  public long pid() {
    return process.pid();
  }

  /** Process id of the container that this program, a runc, runs. */
  public long container() {
    return process.children().findFirst().orElseThrow().pid();
  }

  public boolean alive() {
    return process.isAlive();
  }

  /**
   * The exit code; 128 + signal when a signal ended it.
   *
   * @throws IllegalThreadStateException while it is running
   */
  public int exitCode() {
    return process.exitValue();
  }

  /** Waits for the end and returns the exit code. */
  public int awaitExit(Duration deadline) {
    if (!exitsWithin(deadline)) {
      throw new AssertionError(
          "%s runs on after %d ms:%n%s".formatted(name, deadline.toMillis(), tail()));
    }
    return process.exitValue();
  }

  /** SIGTERM, and after 5 s SIGKILL for all processes that are left. */
  public void stop() {
    stop(GRACE);
  }

  /** SIGTERM, and after {@code grace} SIGKILL for all processes that are left. */
  public void stop(Duration grace) {
    process.destroy();
    exitsWithin(grace);
    kill();
  }

  /** SIGKILL to the program and all it forked; returns when the program is gone. */
  public void kill() {
    signal("KILL");
    exitsWithin(GRACE);
  }

  /** SIGSTOP: a hung program. */
  public void suspend() {
    signal("STOP");
  }

  /** SIGCONT after {@link #suspend}. */
  public void resume() {
    signal("CONT");
  }

  /** Sends a signal, such as HUP or USR1, to the program and all it forked. */
  public void signal(String signal) {
    String forked = process.descendants().map(p -> " " + p.pid()).collect(Collectors.joining());
    // A group without processes is no failure.
    Shell.result(List.of("sh", "-c", "kill -s " + signal + " -- -" + process.pid() + forked));
  }

  /** File with all it printed. */
  public Path outputFile() {
    return output;
  }

  /** All it printed so far. */
  public String output() {
    try {
      return new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Waits until the output contains a match.
   *
   * @throws AssertionError with the end of the output when there is none within {@code deadline},
   *     or when the program ended without one
   */
  public Matcher awaitOutput(String regex, Duration deadline) {
    Pattern pattern = Pattern.compile(regex, Pattern.MULTILINE);
    long endNanos = System.nanoTime() + deadline.toNanos();
    while (true) {
      boolean last = !alive() || System.nanoTime() - endNanos >= 0;
      Matcher matcher = pattern.matcher(output());
      if (matcher.find()) {
        return matcher;
      }
      if (last) {
        throw new AssertionError(
            "%s %s without printing /%s/:%n%s"
                .formatted(
                    name,
                    alive() ? "ran " + deadline.toMillis() + " ms" : "ended, exit " + exitCode(),
                    regex,
                    tail()));
      }
      exitsWithin(Duration.ofMillis(10));
    }
  }

  /** Ends it at once with all it forked. */
  @Override
  public void close() {
    kill();
  }

  @Override
  public String toString() {
    return name + "[" + pid() + (alive() ? "]" : ", ended]");
  }

  private String tail() {
    String all = output();
    return all.substring(Math.max(0, all.length() - TAIL_CHARS));
  }

  private boolean exitsWithin(Duration time) {
    try {
      return process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for " + name, e);
    }
  }
}
