package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.Proc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Processor time and memory of two programs while nothing happens.
 *
 * @param setup name of the {@link Setup}
 * @param contender name of the contender
 * @param run number of the run, from 1
 * @param masterCpu processor time on node-a, in percent of one core
 * @param backupCpu processor time on node-b, in percent of one core
 * @param masterMib resident memory on node-a, in MiB
 * @param backupMib resident memory on node-b, in MiB
 */
record Load(
    String setup,
    String contender,
    int run,
    double masterCpu,
    double backupCpu,
    double masterMib,
    double backupMib) {
  private static final double TICK_NANOS = 1e7;

  /** Lets both programs run for a while, and measures them before and after. */
  static Load of(
      Setup setup, Contender contender, int run, Failover.Running running, Duration time) {
    double a = cpuNanos(running.a());
    double b = cpuNanos(running.b());
    long from = System.nanoTime();
    Failover.sleep(time);
    double percent = 100.0 / (System.nanoTime() - from);
    return new Load(
        setup.name(),
        contender.toString(),
        run,
        hundredths((cpuNanos(running.a()) - a) * percent),
        hundredths((cpuNanos(running.b()) - b) * percent),
        mib(running.a()),
        mib(running.b()));
  }

  private static double hundredths(double value) {
    return Math.round(100 * value) / 100.0;
  }

  /** User and system time of the program and its children, including ended ones, in nanoseconds. */
  static double cpuNanos(Proc proc) {
    return tree(proc.pid()).stream().mapToDouble(Load::cpuNanos).sum();
  }

  private static double cpuNanos(long pid) {
    // Fields are counted from behind the name, which is in parentheses and may contain spaces.
    var stat = read("/proc/" + pid + "/stat");
    if (stat.isEmpty()) {
      return 0;
    }
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    double ticks = 0;
    for (int i = 11; i <= 14; i++) {
      ticks += Long.parseLong(fields[i]);
    }
    return ticks * TICK_NANOS;
  }

  /** Resident memory of the program and its children. */
  static double mib(Proc proc) {
    return Math.round(status(proc, "VmRSS") / 102.4) / 10.0;
  }

  /** A number of {@code /proc/PID/status}, summed over the program and its children. */
  static long status(Proc proc, String field) {
    return tree(proc.pid()).stream()
        .flatMap(pid -> read("/proc/" + pid + "/status").lines())
        .filter(line -> line.startsWith(field + ":"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .sum();
  }

  /** A process and its living descendants. */
  static List<Long> tree(long pid) {
    var all = new ArrayList<>(List.of(pid));
    ProcessHandle.of(pid).stream()
        .flatMap(ProcessHandle::descendants)
        .map(ProcessHandle::pid)
        .forEach(all::add);
    return all;
  }

  /** Empty if the process has just ended. */
  static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (NoSuchFileException _) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
