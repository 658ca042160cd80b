package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.HealthCheck;

/**
 * The present state of a check.
 *
 * @param name name of the check
 * @param weight its spec.healthChecks[].weight
 * @param reverse its spec.healthChecks[].reverse
 * @param verdict verdict from its results so far
 * @param detail what failed or ends, as in {@code connect refused 127.0.0.1:80}; empty unless
 *     Failed or Leaving
 * @param serverWeight weight that the real server should have by this check; null leaves it as it
 *     is
 */
public record CheckState(
    String name,
    int weight,
    boolean reverse,
    Verdict verdict,
    String detail,
    Integer serverWeight) {

  /** The state of a check that says no weight. */
  public CheckState(String name, int weight, boolean reverse, Verdict verdict, String detail) {
    this(name, weight, reverse, verdict, detail, null);
  }

  /** The state of a check before its first result. */
  public static CheckState initial(HealthCheck check) {
    return switch (check.initial()) {
      case Unknown -> of(check, Verdict.Unknown, "");
      case Good -> of(check, Verdict.Good, "");
      case Failed -> of(check, Verdict.Failed, "no result yet");
    };
  }

  /** The state of a check with a verdict. */
  public static CheckState of(HealthCheck check, Verdict verdict, String detail) {
    return of(check, verdict, detail, null);
  }

  static CheckState of(HealthCheck check, Verdict verdict, String detail, Integer serverWeight) {
    return new CheckState(
        check.name(), check.weight(), check.reverse(), verdict, detail, serverWeight);
  }
}
