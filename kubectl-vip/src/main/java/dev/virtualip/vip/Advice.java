package dev.virtualip.vip;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.Transport;
import dev.virtualip.crds.values.Durations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What could be better about a valid spec, and why; docs/checks.md and docs/quickstart.md say more.
 */
final class Advice {
  /** Below it, a machine that is busy for a moment fails a good check. */
  private static final Duration TIMEOUT_MIN = Duration.ofMillis(500);

  private Advice() {}

  static List<String> on(CheckedSpec checked) {
    var spec = checked.spec();
    var advice = new ArrayList<String>();
    if (spec.healthChecks().isEmpty() && spec.virtualServers().isEmpty()) {
      advice.add("spec.healthChecks: there is none, so a node without a proxy keeps the addresses");
    }
    for (int i = 0; i < spec.healthChecks().size(); i++) {
      check("spec.healthChecks[" + i + "]", spec.healthChecks().get(i), advice);
    }
    for (int i = 0; i < spec.virtualServers().size(); i++) {
      if (spec.virtualServers().get(i).checks().isEmpty()) {
        advice.add(
            "spec.virtualServers[%d].checks: there is none, so a dead server gets connections"
                .formatted(i));
      }
    }
    if (spec.priority() == 255) {
      advice.add("spec.priority: 255 is for the router that owns the addresses: use 254 or less");
    }
    if (spec.transport().mode() == Transport.Mode.Unicast && spec.transport().peers().isEmpty()) {
      advice.add(
          "spec.transport.peers: without a list they come from the API server: give one for servers"
              + " without it");
    }
    return advice;
  }

  private static void check(String path, HealthCheck check, List<String> advice) {
    if (check.tcp() != null || check.process() != null) {
      advice.add(
          "%s: a proxy that hangs passes a %s check: ask for a page with http, if it serves one"
              .formatted(path, check.tcp() != null ? "tcp" : "process"));
    }
    boolean asks = check.pod() == null && check.process() == null;
    if (asks && check.fall() == 1 && Durations.parse(check.timeout()).compareTo(TIMEOUT_MIN) < 0) {
      advice.add(
          "%s.timeout: below 500ms a busy moment is a failure, and one is enough: use fall: 2, or a"
                  .formatted(path)
              + " longer one");
    }
  }
}
