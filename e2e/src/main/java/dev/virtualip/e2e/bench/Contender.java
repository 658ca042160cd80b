package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.OutputLines;
import dev.virtualip.e2e.lab.Proc;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

/** The programs that are compared. */
enum Contender {
  OURS("virtualip", " state vip=\\S+ state=Backup ") {
    @Override
    Proc start(Host host, Setup setup) {
      return AgentProgram.start(host, setup.manifest(), Map.of("vip-auth/web", Setup.PASSWORD))
          .proc();
    }
  },
  KEEPALIVED("keepalived", "Entering BACKUP STATE") {
    @Override
    Proc start(Host host, Setup setup) {
      var config = setup.keepalivedConfig(host.name());
      return (setup.bfd() ? Keepalived.startWithBfd(host, config) : Keepalived.start(host, config))
          .proc();
    }
  };

  private static final Duration START = Duration.ofSeconds(30);
  private static final Duration LOOK = Duration.ofMillis(5);

  private final String text;
  private final Pattern backup;

  Contender(String text, String backup) {
    this.text = text;
    this.backup = Pattern.compile(backup);
  }

  /** Starts it on a host; returns at once. */
  abstract Proc start(Host host, Setup setup);

  /**
   * Waits until the log of a program just started says that all its virtual routers are Backup.
   * Checks every 5 ms.
   */
  void awaitBackup(Proc proc, Setup setup) {
    var lines = new OutputLines(proc);
    long endNanos = System.nanoTime() + START.toNanos();
    int seen = 0;
    while (seen < setup.routers()) {
      if (!proc.alive() || System.nanoTime() > endNanos) {
        throw new AssertionError(
            "%s: %d of %d virtual routers became Backup%n%s"
                .formatted(proc, seen, setup.routers(), proc.output()));
      }
      LockSupport.parkNanos(LOOK.toNanos());
      seen += (int) lines.fresh().stream().filter(line -> backup.matcher(line).find()).count();
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
