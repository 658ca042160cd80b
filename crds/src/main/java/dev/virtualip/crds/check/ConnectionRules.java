package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.ConnectionSync;
import java.time.Duration;

/** Rules about {@code spec.connectionSync} and {@code spec.connectionTimeouts}. */
final class ConnectionRules {
  /** What the kernel's timers can hold at every HZ. */
  private static final Duration TIMEOUT_MAX = Duration.ofDays(31);

  private ConnectionRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var spec = parsed.spec();
    var pointless = "it is about virtualServers: give one, or remove it";
    var sync = spec.connectionSync();
    if (sync != null) {
      var path = "spec.connectionSync";
      if (spec.virtualServers().isEmpty()) {
        findings.add(path, pointless);
      }
      if (sync.interfaceName() == null) {
        findings.add(
            path + ".interface", "is missing: name the NIC that the copies go by, as in eth0");
      }
      findings.nic(path + ".interface", sync.interfaceName());
      findings.range(path + ".syncId", sync.syncId(), 0, ConnectionSync.SYNC_ID_MAX, "sync ID");
    }
    var path = "spec.connectionTimeouts";
    if (spec.connectionTimeouts() != null && spec.virtualServers().isEmpty()) {
      findings.add(path, pointless);
    }
    findings.seconds(path + ".tcp", parsed.connectionTimeouts().tcp(), TIMEOUT_MAX);
    findings.seconds(path + ".tcpFin", parsed.connectionTimeouts().tcpFin(), TIMEOUT_MAX);
    findings.seconds(path + ".udp", parsed.connectionTimeouts().udp(), TIMEOUT_MAX);
  }
}
