package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import java.util.List;

/**
 * Checks one spec. The same code serves the operator, the agent and {@code virtualip-agent
 * validate}. It repeats the rules of schema and CEL, since neither applies to files and old API
 * servers.
 */
public final class Validator {
  /** The rules of one section of a spec. They do not depend on the findings of other rules. */
  @FunctionalInterface
  interface Section {
    void check(ParsedSpec spec, Findings findings);
  }

  /** All sections, in the order in which problems are listed. */
  static final List<Section> SECTIONS =
      List.of(
          ProtocolRules::check,
          AddressRules::check,
          VirtualMacRules::check,
          TransportRules::check,
          RouteRules::check,
          PolicyRules::check,
          TrackingRules::check,
          DetectionRules::check,
          NodeRules::check,
          HealthCheckRules::check,
          VirtualServerRules::check,
          ConnectionRules::check,
          EgressRules::check,
          DnsRules::check,
          NotificationRules::check);

  private Validator() {}

  /** All problems of a spec on its own, without conflicts; empty if it is valid. */
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
