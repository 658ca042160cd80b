package dev.virtualip.agent.report;

import dev.virtualip.agent.linux.NotifySocket;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd how its service is, as sd_notify(3) and sd_watchdog_enabled(3) describe it: that it
 * is ready, alive, stopping. Without {@code NOTIFY_SOCKET} nothing is told.
 */
public final class Systemd {
  private static final Logger LOG = LoggerFactory.getLogger(Systemd.class);
  private static final Duration LOOK = Duration.ofMillis(20);
  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final NotifySocket socket;
  private final Duration watchdog;
  private boolean failing;

  private Systemd(NotifySocket socket, Duration watchdog) {
    this.socket = socket;
    this.watchdog = watchdog;
  }

  /**
   * The service manager that has started this process.
   *
   * @param environment {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} in microseconds and {@code
   *     WATCHDOG_PID}, all optional
   * @throws IllegalArgumentException if one of them cannot be read
   */
  public static Systemd of(Map<String, String> environment) {
    var name = environment.get("NOTIFY_SOCKET");
    return new Systemd(name == null ? null : new NotifySocket(name), watchdog(environment));
  }

  /** The time within which a sign of life is wanted; null if none is, or of another process. */
  private static Duration watchdog(Map<String, String> environment) {
    var micros = environment.get("WATCHDOG_USEC");
    var pid = environment.get("WATCHDOG_PID");
    boolean ours = pid == null || pid.equals(Long.toString(ProcessHandle.current().pid()));
    if (micros == null || !ours) {
      return null;
    }
    if (!micros.matches("[1-9][0-9]{0,14}")) {
      throw new IllegalArgumentException("WATCHDOG_USEC=" + micros + ": give microseconds");
    }
    return Duration.ofNanos(Math.multiplyExact(Long.parseLong(micros), 1_000L));
  }

  /**
   * Tells from now on, on a thread of its own, when the service is ready, and then that it lives.
   *
   * @param ready whether it runs what it was told to run
   * @param alive while false no sign of life is given, and systemd ends the process
   */
  public void follow(BooleanSupplier ready, BooleanSupplier alive) {
    if (socket != null) {
      Thread.ofPlatform().daemon().name("systemd").start(() -> run(ready, alive));
    }
  }

  private void run(BooleanSupplier ready, BooleanSupplier alive) {
    try {
      while (!ready.getAsBoolean()) {
        Thread.sleep(LOOK);
      }
      while (!tell("READY=1")) {
        Thread.sleep(AGAIN);
      }
      while (watchdog != null) {
        if (alive.getAsBoolean()) {
          tell("WATCHDOG=1");
        }
        Thread.sleep(watchdog.dividedBy(2));
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /** The service is about to end. */
  public void stopping() {
    if (socket != null) {
      Defects.contain(() -> tell("STOPPING=1"));
    }
  }

  private synchronized boolean tell(String state) {
    try {
      socket.send(state);
      failing = false;
      return true;
    } catch (IOException e) {
      if (!failing) {
        LOG.warn("systemd_not_told state={} error=\"{}\"", state, e.getMessage());
      }
      failing = true;
      return false;
    }
  }
}
