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
import java.util.concurrent.TimeUnit;

/**
 * A command of the scripts directory, the only ones that are run at all. It runs as nobody, without
 * capabilities and without a way to gain any, with an environment of its own, in {@code /}.
 *
 * @param directory where commands have to lie, links resolved
 * @param command path of a program, absolute or below the directory, and its arguments; not empty
 */
public record ScriptCommand(Path directory, List<String> command) {
  /** Kept of what a command prints, in bytes; the rest is read and dropped. */
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
   * @param timedOut it did not end within its limit
   * @param output first 4 KiB of what it printed on standard output and error, stripped
   */
  public record Outcome(int exitCode, boolean timedOut, String output) {}

  /**
   * Runs the command to its end. After the limit it and what it has started get SIGTERM, and
   * SIGKILL a second later; an interrupt changes nothing, so that never more than one runs at a
   * time.
   *
   * @param arguments further arguments
   * @param limit longest time it may run
   * @throws IOException if it may not or cannot be run, with what to do about it
   */
  public Outcome run(List<String> arguments, Duration limit) throws IOException {
    long start = System.nanoTime();
    var process = start(line(arguments, limit));
    var output = new StringBuffer();
    // Platform threads: a read from a pipe would hold up the other virtual threads.
    var reader =
        Thread.ofPlatform().daemon().name("script-output").unstarted(() -> read(process, output));
    reader.start();
    // A program that hangs in the kernel outlives even SIGKILL.
    boolean ended = waitFor(process, limit.plus(KILL_AFTER.multipliedBy(2)));
    boolean timedOut = !ended || System.nanoTime() - start >= limit.toNanos();
    // What it has left running in the background may keep its output open.
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
   * Looks whether the command may be run, as {@link #run} does.
   *
   * @throws IOException if not, with what to do about it
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
    // Not killed from here: without CAP_KILL root may not. Under its own user, timeout may, and it
    // does so even if the agent is gone.
    line.addAll(
        List.of(
            tool("timeout"), "--kill-after=" + seconds(KILL_AFTER), seconds(limit), program));
    line.addAll(command.subList(1, command.size()));
    line.addAll(arguments);
    return line;
  }

  /** By path: Java would look for it on its own PATH, and busybox has others of these names. */
  static String tool(String name) throws IOException {
    for (var folder : PATH.split(":")) {
      var file = Path.of(folder, name);
      if (Files.isExecutable(file)) {
        return file.toString();
      }
    }
    throw new IOException(
        "there is no %s here: take the agent's image whose tag ends with -exec, on a host install"
                .formatted(name)
            + " util-linux and coreutils");
  }

  private static String seconds(Duration duration) {
    return "%d.%09d".formatted(duration.toSeconds(), duration.toNanosPart());
  }

  /** The program, links resolved: a ConfigMap's files are links within its directory. */
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

  private static Process start(List<String> line) throws IOException {
    var builder =
        new ProcessBuilder(line)
            .directory(new File("/"))
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"));
    builder.environment().clear();
    builder.environment().put("PATH", PATH);
    builder.environment().put("LANG", "C.UTF-8");
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
      // The stream was closed under it: all that matters has been read.
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
