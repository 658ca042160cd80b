package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.OutputLines;
import dev.virtualip.e2e.lab.Proc;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

/** The programs that are compared, and pairs of both. */
enum Contender {
  OURS("virtualip", Log.OURS) {
    @Override
    Proc start(Host host, Setup setup) {
      return AgentProgram.start(host, setup.manifest(), Map.of("vip-auth/web", Setup.PASSWORD))
          .proc();
    }
  },
  KEEPALIVED("keepalived", Log.KEEPALIVED) {
    @Override
    Proc start(Host host, Setup setup) {
      var config = setup.keepalivedConfig(host.name());
      return (setup.bfd() ? Keepalived.startWithBfd(host, config) : Keepalived.start(host, config))
          .proc();
    }
  },
  /** Ours is master, and a keepalived takes over. */
  OURS_FIRST("virtualip, then keepalived", Log.OURS + "|" + Log.KEEPALIVED) {
    @Override
    Proc start(Host host, Setup setup) {
      return (host.name().equals("node-a") ? OURS : KEEPALIVED).start(host, setup);
    }
  },
  /** A keepalived is master, and ours takes over. */
  KEEPALIVED_FIRST("keepalived, then virtualip", Log.OURS + "|" + Log.KEEPALIVED) {
    @Override
    Proc start(Host host, Setup setup) {
      return (host.name().equals("node-a") ? KEEPALIVED : OURS).start(host, setup);
    }
  };

  /** Those that have the same program on both nodes. */
  static final List<Contender> ALIKE = List.of(OURS, KEEPALIVED);

  /** Those that have one program on each node. */
  static final List<Contender> MIXED = List.of(OURS_FIRST, KEEPALIVED_FIRST);

  private static final Duration START = Duration.ofSeconds(30);
  private static final Duration LOOK = Duration.ofMillis(5);

  /** What the programs log of each virtual router that becomes Backup. */
  private static final class Log {
    private static final String OURS = " state vip=\\S+ state=Backup ";
    private static final String KEEPALIVED = "Entering BACKUP STATE";
  }

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
