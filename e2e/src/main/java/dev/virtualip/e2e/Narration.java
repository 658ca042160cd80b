package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.Await;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.function.BooleanSupplier;

/** What a scenario tells of itself, with the time since its start, and what it expects. */
final class Narration {
  private final PrintStream out;
  private final Duration limit;
  private final Instant started = Instant.now();

  /**
   * A narration that begins now.
   *
   * @param limit how long it waits for what it expects
   */
  Narration(PrintStream out, Duration limit) {
    this.out = out;
    this.limit = limit;
  }

  /** Begins a part. */
  void stage(String title) {
    out.println();
    out.println("== " + title);
  }

  void say(String text) {
    double seconds = Duration.between(started, Instant.now()).toMillis() / 1000.0;
    out.printf("%7.2f s  %s%n", seconds, text);
  }

  /** Shows what a command has printed. */
  void show(String output) {
    output.lines().forEach(line -> out.println("           " + line));
  }

  /** Waits until something holds. */
  void expect(String what, BooleanSupplier condition) {
    Await.until(what, limit, condition);
    say("ok: " + what);
  }

  void check(String what, boolean holds) {
    if (!holds) {
      throw new AssertionError("not so: " + what);
    }
    say("ok: " + what);
  }
}
