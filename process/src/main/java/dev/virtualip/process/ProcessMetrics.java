package dev.virtualip.process;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * What Prometheus' own client libraries tell of a process, under the same names, and the Java heap.
 * Read from Linux when asked for, since the JDK's management beans would cost a megabyte or two.
 */
public final class ProcessMetrics implements MeterBinder {
  private static final Path PROC = Path.of("/proc/self");

  @Override
  public void bindTo(MeterRegistry registry) {
    var self = ProcessHandle.current();
    FunctionCounter.builder("process.cpu", self, ProcessMetrics::cpuSeconds)
        .description("Processor time used by the process.")
        .baseUnit("seconds")
        .register(registry);
    Gauge.builder("process.start.time", self, ProcessMetrics::startSeconds)
        .description("When the process was started, since the epoch.")
        .baseUnit("seconds")
        .register(registry);
    Gauge.builder("process.resident.memory", ProcessMetrics::residentBytes)
        .description("Memory of the process that is in RAM.")
        .baseUnit("bytes")
        .register(registry);
    Gauge.builder("process.open.fds", ProcessMetrics::openFiles)
        .description("Open file descriptors.")
        .register(registry);
    var runtime = Runtime.getRuntime();
    Gauge.builder("jvm.heap.used", runtime, r -> r.totalMemory() - r.freeMemory())
        .description("Java heap in use, garbage included.")
        .baseUnit("bytes")
        .register(registry);
    Gauge.builder("jvm.heap.max", runtime, Runtime::maxMemory)
        .description("Size the Java heap may grow to.")
        .baseUnit("bytes")
        .register(registry);
  }

  private static double cpuSeconds(ProcessHandle self) {
    return self.info().totalCpuDuration().map(Duration::toMillis).orElse(0L) / 1e3;
  }

  private static double startSeconds(ProcessHandle self) {
    return self.info().startInstant().map(Instant::toEpochMilli).orElse(0L) / 1e3;
  }

  private static double residentBytes() {
    try (var lines = Files.lines(PROC.resolve("status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  private static double openFiles() {
    try (var files = Files.list(PROC.resolve("fd"))) {
      return files.count();
    } catch (IOException e) {
      return Double.NaN;
    }
  }
}
