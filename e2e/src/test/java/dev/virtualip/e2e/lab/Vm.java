package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The VM ({@code e2e/src/lab/vm}) with one JVM in it, {@link VmTests}, to which test classes are
 * handed one after the other: it takes half a minute to start. What it printed stays in {@code
 * e2e/target/vm/console}.
 */
final class Vm implements AutoCloseable {
  private static final Path PROGRAM = Lab.root().resolve("e2e/src/lab/vm");
  private static final Path FOLDER = Lab.root().resolve("e2e/target/vm");
  private static final Duration LIMIT = Duration.ofMinutes(15);

  private Proc process;

  /** Debian packages without which there is no VM, separated by spaces; empty if all are there. */
  static String missingPackages() {
    return Shell.run(PROGRAM.toString(), "--missing").strip();
  }

  /** Runs the class; a VM that takes longer than 15 minutes for it is killed. */
  VmRun run(Class<?> tests) {
    try {
      if (process == null || !process.alive()) {
        boot();
      }
      var outcomes = FOLDER.resolve(tests.getName() + ".outcomes");
      Files.deleteIfExists(outcomes);
      int printed = process.output().length();
      var end = hand(tests);
      var run = new VmRun(outcomes, end);
      if (run.hasFailures()) {
        System.out.println(process.output().substring(printed));
      }
      return run;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void boot() throws IOException {
    Files.createDirectories(FOLDER);
    Files.deleteIfExists(FOLDER.resolve(VmTests.NEXT));
    var command =
        List.of(
            PROGRAM.toString(),
            FOLDER.toString(),
            Lab.root().resolve("e2e/src/lab/bin/java").toString(),
            "-ea",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            VmTests.class.getName(),
            FOLDER.toString());
    process = Proc.start("VM", FOLDER.resolve("console"), Map.of(), command);
  }

  /** Returns how it ended, in words. */
  private String hand(Class<?> tests) throws IOException {
    var request = FOLDER.resolve(VmTests.NEXT);
    var written = Files.writeString(FOLDER.resolve("written"), tests.getName());
    Files.move(written, request, StandardCopyOption.ATOMIC_MOVE);
    try {
      Await.until(
          "the VM has run " + tests.getSimpleName(),
          LIMIT,
          () -> !Files.exists(request) || !process.alive());
    } catch (AssertionError e) {
      process.kill();
      return e.getMessage();
    }
    return process.alive() ? "its JVM runs on" : "exit " + process.exitCode();
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
  }
}
