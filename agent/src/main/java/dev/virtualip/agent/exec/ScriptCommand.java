package dev.virtualip.agent.exec;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A command in the scripts directory; the agent runs no other commands. It runs as user nobody,
 * without capabilities and with no_new_privs, with an environment of its own, in {@code /}.
 *
 * @param directory directory that has to contain the program, links resolved
 * @param command path of a program, absolute or below the directory, and its arguments; not empty
 */
public record ScriptCommand(Path directory, List<String> command) {
  /** How much of a command's output is kept, in bytes; the rest is read and dropped. */
  static final int OUTPUT_MAX = 4096;

  private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  private static final int NOBODY = 65534;
  private static final int SETPRIV_FAILED = 127;
  private static final Duration KILL_AFTER = Duration.ofSeconds(1);
  private static final Duration LAST_WORDS = Duration.ofMillis(100);

  /** Copies the command. */
  public ScriptCommand {
    command = List.copyOf(command);
  }

  /**
   * How a command ended.
   *
   * @param exitCode 128 + signal if a signal ended it
   * @param timedOut whether it did not end within its limit
   * @param output first 4 KiB of what it printed on standard output and error, stripped
   */
  public record Outcome(int exitCode, boolean timedOut, String output) {}

  /**
   * Runs the command to its end. After the limit the command and its child processes get SIGTERM,
   * and SIGKILL a second later. An interrupt of the caller is ignored until then, so that a second
   * run never overlaps with the first.
   *
   * @param arguments arguments appended to the configured ones
   * @param limit longest time it may run
   * @throws IOException if it may not or cannot be run; the message says what to do
   */
  public Outcome run(List<String> arguments, Duration limit) throws IOException {
    return run(arguments, Map.of(), limit);
  }

  /**
   * The same with more variables in its environment.
   *
   * @throws IOException if it may not or cannot be run; the message says what to do
   */
  public Outcome run(List<String> arguments, Map<String, String> environment, Duration limit)
      throws IOException {
    long start = System.nanoTime();
    var process = start(line(arguments, limit), environment);
    var output = new StringBuffer();
    // On a platform thread: a blocking read from a pipe would hold the carrier of other virtual
    // threads.
    var reader =
        Thread.ofPlatform().daemon().name("script-output").unstarted(() -> read(process, output));
    reader.start();
    // With a limit of its own: a program that hangs in the kernel survives even SIGKILL.
    boolean ended = waitFor(process, limit.plus(KILL_AFTER.multipliedBy(2)));
    boolean timedOut = !ended || System.nanoTime() - start >= limit.toNanos();
    // Child processes that still run may keep the output open.
    join(reader);
    int exitCode = ended ? process.exitValue() : -1;
    var said = output.toString().strip();
    if (exitCode == SETPRIV_FAILED && said.startsWith("setpriv: ")) {
      throw new IOException(
          "cannot become user %d (%s): give the agent the capabilities SETUID and SETGID"
              .formatted(NOBODY, said));
    }
    return new Outcome(exitCode, timedOut, said);
  }

  /**
   * Checks whether the command may be run, without running it.
   *
   * @throws IOException if it may not; the message says what to do
   */
  public void check() throws IOException {
    line(List.of(), Duration.ZERO);
  }

  private List<String> line(List<String> arguments, Duration limit) throws IOException {
    var program = program().toString();
    var line = new ArrayList<>(List.of(tool("setpriv"), "--no-new-privs", "--inh-caps=-all"));
    if ((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0) {
      line.addAll(List.of("--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups"));
    }
    // timeout(1) ends the command, not the agent: without CAP_KILL even root may not kill a process
    // of another user. timeout runs as the same user as the command, and works even after the agent
    // has ended.
    line.addAll(
        List.of(tool("timeout"), "--kill-after=" + seconds(KILL_AFTER), seconds(limit), program));
    line.addAll(command.subList(1, command.size()));
    line.addAll(arguments);
    return line;
  }

  /**
   * Finds a program that runs scripts. Java would look for it on its own PATH, and busybox has
   * programs of the same names that lack what is needed.
   *
   * @throws IOException if it is not installed; the message says what to do
   */
  static String tool(String name) throws IOException {
    for (var folder : PATH.split(":")) {
      var file = Path.of(folder, name);
      if (Files.isExecutable(file)) {
        return file.toString();
      }
    }
    throw new IOException(
        ("there is no %s here: use the agent's image whose tag ends with -exec, or on a host install"
                + " util-linux and coreutils")
            .formatted(name));
  }

  private static String seconds(Duration duration) {
    return "%d.%09d".formatted(duration.toSeconds(), duration.toNanosPart());
  }

  /**
   * The program with links resolved: the files of a mounted ConfigMap are links within its
   * directory.
   */
  private Path program() throws IOException {
    var given = directory.resolve(command.getFirst());
    if (!Files.exists(given)) {
      throw new IOException("there is no " + given + ": put it there or correct the command");
    }
    if (!given.toRealPath().startsWith(directory.toRealPath())) {
      throw new IOException(
          "%s is not below %s: only commands there may be run".formatted(given, directory));
    }
    if (Files.isDirectory(given) || !Files.isExecutable(given)) {
      throw new IOException(
          given + " is no executable file: chmod 755 (a ConfigMap's defaultMode)");
    }
    return given;
  }

  private static Process start(List<String> line, Map<String, String> environment)
      throws IOException {
    var builder =
        new ProcessBuilder(line)
            .directory(new File("/"))
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"));
    builder.environment().clear();
    builder.environment().put("PATH", PATH);
    builder.environment().put("LANG", "C.UTF-8");
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static void read(Process process, StringBuffer kept) {
    try (InputStream in = process.getInputStream()) {
      var buffer = new byte[OUTPUT_MAX];
      int room = OUTPUT_MAX;
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        int take = Math.min(n, room);
        kept.append(new String(buffer, 0, take, StandardCharsets.UTF_8));
        room -= take;
      }
    } catch (IOException _) {
      // The stream was closed meanwhile; everything of interest has been read.
    }
  }

  private static boolean waitFor(Process process, Duration time) {
    boolean interrupted = false;
    long end = System.nanoTime() + time.toNanos();
    try {
      while (true) {
        try {
          return process.waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void join(Thread reader) {
    boolean interrupted = Thread.interrupted();
    try {
      reader.join(LAST_WORDS);
    } catch (InterruptedException _) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
