package dev.virtualip.agent.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds a process by its name (keepalived: {@code track_process}). It first checks whether the
 * process found last still runs.
 */
final class ProcessProbe implements Probe {
  /** The kernel stores this many bytes of a name (TASK_COMM_LEN without the terminating zero). */
  private static final int NAME_MAX = 15;

  private final String name;
  private final Path proc;
  private Path last;

  /**
   * @param proc mount point of procfs
   */
  ProcessProbe(String name, Path proc) {
    this.name = name;
    this.proc = proc;
  }

  @Override
  public Result run() throws IOException {
    if (agentAlone()) {
      return new Result.Failure(
          "process checks see the agent alone: let it see the node's processes (hostPID)");
    }
    if (last != null && isIt(last)) {
      return new Result.Success();
    }
    last = null;
    try (var processes = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (var process : processes) {
        if (isIt(process)) {
          last = process;
          return new Result.Success();
        }
      }
    }
    return new Result.Failure("no process " + name);
  }

  @Override
  public Runnable watch(CheckMeans means, Runnable ended) throws IOException {
    return means.exits().watch(Integer.parseInt(last.getFileName().toString()), ended);
  }

  @Override
  public EarlyCause cause() {
    return EarlyCause.ProcessExited;
  }

  /**
   * Whether the agent sees only its own child processes: in its own PID namespace it is process 1,
   * or in the image for scripts a child of process 1, tini.
   */
  private boolean agentAlone() throws IOException {
    return Files.readSymbolicLink(proc.resolve("self")).endsWith("1")
        || new ProcessProbe("tini", proc).isIt(proc.resolve("1"));
  }

  /**
   * Whether a process has the name and is no zombie. A process that just ends has no stat file any
   * more.
   */
  private boolean isIt(Path process) {
    try {
      // PID (NAME) STATE ...; the name may itself contain parentheses (proc_pid_stat(5)).
      var stat = Files.readString(process.resolve("stat"));
      int end = stat.lastIndexOf(')');
      var comm = stat.substring(stat.indexOf('(') + 1, end);
      boolean runs = "ZX".indexOf(stat.charAt(end + 2)) < 0;
      return runs && (name.length() <= NAME_MAX ? name.equals(comm) : isLong(process, comm));
    } catch (IOException | StringIndexOutOfBoundsException _) {
      return false;
    }
  }

  private boolean isLong(Path process, String comm) throws IOException {
    if (!name.startsWith(comm)) {
      return false;
    }
    var program = Files.readString(process.resolve("cmdline")).split("[\0 ]", 2)[0];
    return program.substring(program.lastIndexOf('/') + 1).equals(name);
  }
}
