package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import java.util.List;

/**
 * Decides whether one spec may run. The same code serves the operator (for the status), the agent
 * (for what it does) and {@code virtualip-agent validate}; it repeats what schema and CEL say,
 * since files and old API servers have neither.
 */
public final class Validator {
  /** The rules of one section of a spec. They know nothing of what other rules find. */
  @FunctionalInterface
  interface Section {
    void check(ParsedSpec spec, Findings findings);
  }

  /** In the order in which users read of problems. */
  static final List<Section> SECTIONS =
      List.of(
          ProtocolRules::check,
          AddressRules::check,
          TransportRules::check,
          RouteRules::check,
          PolicyRules::check,
          TrackingRules::check,
          NodeRules::check,
          HealthCheckRules::check,
          DnsRules::check,
          NotificationRules::check);

  private Validator() {}

  /** Everything that is wrong with a spec on its own; empty if it may run. */
  public static List<Problem> problems(VirtualIpSpec spec) {
    return spec == null
        ? List.of(new Problem("spec", "is missing: give at least vrid, interface, addresses"))
        : judge(ParsedSpec.of(spec));
  }

  static List<Problem> judge(ParsedSpec spec) {
    var findings = new Findings();
    SECTIONS.forEach(section -> section.check(spec, findings));
    return findings.problems();
  }
}
