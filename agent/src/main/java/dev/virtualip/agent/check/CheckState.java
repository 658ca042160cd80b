package dev.virtualip.agent.check;

import dev.virtualip.crds.HealthCheck;

/**
 * A check as it stands.
 *
 * @param name name of the check
 * @param weight its spec.healthChecks[].weight
 * @param verdict what its results mean
 * @param detail what failed, as in {@code connect refused 127.0.0.1:80}; empty unless Failed
 */
public record CheckState(String name, int weight, Verdict verdict, String detail) {

  /** The state of a check before its first result. */
  public static CheckState initial(HealthCheck check) {
    return switch (check.initial()) {
      case Unknown -> new CheckState(check.name(), check.weight(), Verdict.Unknown, "");
      case Good -> new CheckState(check.name(), check.weight(), Verdict.Good, "");
      case Failed -> new CheckState(check.name(), check.weight(), Verdict.Failed, "no result yet");
    };
  }
}
