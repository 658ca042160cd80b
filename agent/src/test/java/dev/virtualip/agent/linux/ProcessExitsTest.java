package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.Await;
import java.io.IOException;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProcessExitsTest {
  private final ProcessExits exits = new ProcessExits();
  private final AtomicInteger told = new AtomicInteger();
  private final ArrayList<Process> processes = new ArrayList<>();

  private Process process() throws IOException {
    var process = new ProcessBuilder("sleep", "600").start();
    processes.add(process);
    return process;
  }

  @AfterEach
  void end() {
    processes.forEach(Process::destroyForcibly);
  }

  private void awaitTold(int expected) {
    Await.until(() -> told.get() == expected, told::get);
  }

  @Test
  void anExitIsTold() throws IOException {
    var first = process();
    var second = process();
    exits.watch((int) first.pid(), told::incrementAndGet);
    exits.watch((int) second.pid(), () -> told.addAndGet(10));
    second.destroyForcibly();
    awaitTold(10);
    first.destroy();
    awaitTold(11);
  }

  @Test
  void aProcessMayBeWatchedTwice() throws IOException {
    var process = process();
    for (int i = 0; i < 3; i++) {
      exits.watch((int) process.pid(), told::incrementAndGet);
    }
    process.destroyForcibly();
    awaitTold(3);
  }

  @Test
  void aProcessThatIsGoneHasExited() throws IOException, InterruptedException {
    var process = process();
    process.destroyForcibly().waitFor();
    exits.watch((int) process.pid(), told::incrementAndGet);
    assertEquals(1, told.get());
  }

  @Test
  void afterTheEndOfTheWatchNothingIsTold() throws IOException {
    var first = process();
    var second = process();
    var unwatch = exits.watch((int) first.pid(), told::incrementAndGet);
    exits.watch((int) second.pid(), () -> told.addAndGet(10));
    unwatch.run();
    unwatch.run();
    first.destroyForcibly();
    second.destroyForcibly();
    awaitTold(10);
  }
}
