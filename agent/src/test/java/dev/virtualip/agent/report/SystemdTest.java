package dev.virtualip.agent.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.linux.NotifyListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemdTest {
  private static final String OURS = Long.toString(ProcessHandle.current().pid());

  @TempDir private Path folder;
  private final AtomicBoolean ready = new AtomicBoolean();
  private final AtomicBoolean alive = new AtomicBoolean(true);
  private final AtomicInteger looks = new AtomicInteger();
  private String name;
  private NotifyListener listener;

  @BeforeEach
  void listen() throws IOException {
    name = folder.resolve("notify").toString();
    listener = new NotifyListener(name);
  }

  @AfterEach
  void close() {
    listener.close();
  }

  private boolean isReady() {
    looks.incrementAndGet();
    return ready.get();
  }

  private boolean isAlive() {
    looks.incrementAndGet();
    return alive.get();
  }

  private void awaitLooks(int more) {
    int until = looks.get() + more;
    Await.until(() -> looks.get() >= until, looks::get);
  }

  private void awaitHeard(List<String> expected) {
    Await.until(() -> listener.heard().equals(expected), listener::heard);
  }

  @Test
  void itIsReadyWhenItRunsWhatItShould() {
    Systemd.of(Map.of("NOTIFY_SOCKET", name)).follow(this::isReady, this::isAlive);
    awaitLooks(3);
    assertEquals(List.of(), listener.heard());
    ready.set(true);
    awaitHeard(List.of("READY=1"));
  }

  @Test
  void theWatchdogIsFedOnlyWhileAlive() {
    ready.set(true);
    Systemd.of(Map.of("NOTIFY_SOCKET", name, "WATCHDOG_USEC", "4000", "WATCHDOG_PID", OURS))
        .follow(this::isReady, this::isAlive);
    Await.until(() -> Collections.frequency(listener.heard(), "WATCHDOG=1") > 2, listener::heard);
    alive.set(false);
    awaitLooks(2);
    var hung = listener.heard();
    awaitLooks(5);
    assertEquals(hung, listener.heard());
    assertEquals("READY=1", hung.getFirst());
    alive.set(true);
    Await.until(() -> listener.heard().size() > hung.size(), listener::heard);
  }

  @Test
  void theWatchdogOfAnotherProcessIsNotFed() {
    ready.set(true);
    Systemd.of(Map.of("NOTIFY_SOCKET", name, "WATCHDOG_USEC", "4000", "WATCHDOG_PID", "1"))
        .follow(this::isReady, this::isAlive);
    awaitHeard(List.of("READY=1"));
    assertEquals(1, looks.get());
  }

  @Test
  void theEndIsTold() {
    Systemd.of(Map.of("NOTIFY_SOCKET", name)).stopping();
    assertEquals(List.of("STOPPING=1"), listener.heard());
  }

  @Test
  void withoutSystemdNothingIsTold() {
    var none = Systemd.of(Map.of());
    none.follow(this::isReady, this::isAlive);
    none.stopping();
    assertEquals(List.of(), listener.heard());
  }

  @Test
  void nobodyWhoListensIsNoDefect() {
    Systemd.of(Map.of("NOTIFY_SOCKET", name + "/nobody")).stopping();
    assertEquals(List.of(), listener.heard());
  }

  @Test
  void aWatchdogThatCannotBeReadIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Systemd.of(Map.of("WATCHDOG_USEC", "10s")));
  }
}
