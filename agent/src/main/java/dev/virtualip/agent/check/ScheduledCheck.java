package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/**
 * A check as it runs: what it asks, what its command is told, and when it begins.
 *
 * @param environment variables of an exec check's command
 * @param spread where in its interval it runs, 0 (at its beginning) to less than 1
 */
public record ScheduledCheck(HealthCheck check, Map<String, String> environment, double spread) {
  private static final Duration FIRST_RUN_MAX = Duration.ofSeconds(1);

  /** Golden ratio by 2^32: multiples of it are spread evenly (Knuth 6.4). */
  private static final int GOLDEN = 0x9E3779B9;

  /** Copies the environment. */
  public ScheduledCheck {
    environment = Map.copyOf(environment);
  }

  /** A check of the node itself, which begins at once. */
  public static ScheduledCheck ofNode(HealthCheck check) {
    return new ScheduledCheck(check, Map.of(), 0);
  }

  /**
   * A check of a real server. A hash of its name spreads it over its interval, so that many servers
   * are not asked in one burst.
   *
   * @param check with the server's address and port, by a name that no other check has
   * @param port null if the server has none
   */
  public static ScheduledCheck ofServer(HealthCheck check, InetAddress address, Integer port) {
    var environment = new TreeMap<String, String>();
    environment.put("VIRTUALIP_SERVER_ADDRESS", IpPrefix.text(address));
    if (port != null) {
      environment.put("VIRTUALIP_SERVER_PORT", port.toString());
    }
    int hash = check.name().hashCode() * GOLDEN;
    return new ScheduledCheck(check, environment, Integer.toUnsignedLong(hash) / 0x1p32);
  }

  /** Time before its first run, 1 s at most. */
  Duration firstRun() {
    var interval = interval();
    return part(interval.compareTo(FIRST_RUN_MAX) < 0 ? interval : FIRST_RUN_MAX);
  }

  /** Time from the start to a run that is followed by one at each interval. */
  Duration phase() {
    return part(interval());
  }

  private Duration interval() {
    return Durations.parse(check.interval());
  }

  private Duration part(Duration of) {
    return Duration.ofNanos((long) (of.toNanos() * spread));
  }
}
