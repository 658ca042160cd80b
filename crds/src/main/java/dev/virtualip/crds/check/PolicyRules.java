package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Rule;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.util.TreeMap;

/** Rules about {@code spec.rules}, the policy routing rules. */
final class PolicyRules {
  private final Findings findings;

  private PolicyRules(Findings findings) {
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    var rules = parsed.spec().rules();
    if (rules.size() > VirtualIpSpec.RULES_MAX) {
      findings.add("spec.rules", "has more than 64 rules: use a second VirtualIP");
    }
    var good = new TreeMap<Integer, PolicyRule>();
    for (int i = 0; i < rules.size(); i++) {
      var path = "spec.rules[" + i + "]";
      int before = findings.count();
      new PolicyRules(findings).checkRule(path, rules.get(i), parsed.rules().get(i));
      if (findings.count() == before) {
        var rule = of(rules.get(i), parsed.rules().get(i));
        good.entrySet().stream()
            .filter(other -> other.getValue().clashesWith(rule))
            .findFirst()
            .ifPresent(other -> findings.add(path, clash("rules[" + other.getKey() + "]", rule)));
        good.put(i, rule);
      }
    }
  }

  /** The value of a valid rule. */
  static PolicyRule of(Rule rule, ParsedSpec.RuleTexts parsed) {
    return new PolicyRule(
        parsed.from().value(), parsed.to().value(), rule.table(), rule.priority());
  }

  /** The message about two rules that {@linkplain PolicyRule#clashesWith clash}. */
  static String clash(String other, PolicyRule rule) {
    return "%s is for the same packets at the same priority %d: change one of the two priorities, or"
            .formatted(other, rule.priority())
        + " remove one";
  }

  private void checkRule(String path, Rule rule, ParsedSpec.RuleTexts parsed) {
    if (rule == null || rule.from() == null && rule.to() == null) {
      findings.add(path, "needs from or to: without either it catches every packet");
      return;
    }
    checkMatch(path + ".from", parsed.from());
    checkMatch(path + ".to", parsed.to());
    if (rule.from() != null
        && rule.to() != null
        && parsed.from().isIpv6() != parsed.to().isIpv6()) {
      findings.add(path, "from and to are of different families: use IPv4 or IPv6 for both");
    }
    if (rule.table() == null) {
      findings.add(path + ".table", "is missing: give the routing table to ask, as in 100");
    } else if (rule.table() == Rule.LOCAL_TABLE) {
      findings.add(
          path + ".table", "every packet asks table 255 (local) first anyway: use another table");
    }
    findings.range(path + ".table", rule.table(), 1, 0xFFFF_FFFFL, "routing table");
    if (rule.priority() == null) {
      findings.add(
          path + ".priority",
          "is missing: use 1 to 32765; rules are asked from the lowest up, and ip rule shows what"
              + " the node has");
    }
    findings.range(path + ".priority", rule.priority(), 1, Rule.PRIORITY_MAX, "rule priority");
  }

  private void checkMatch(String path, Parsed<IpPrefix> match) {
    var prefix = findings.value(path, match);
    if (prefix != null && prefix.length() == 0) {
      findings.add(
          path, match.text() + " is every address: leave it out, or give a smaller prefix");
    } else if (prefix != null && !prefix.isNetwork()) {
      findings.add(
          path,
          "has bits set behind the prefix: write %s, or %s for the one address"
              .formatted(prefix.network(), IpPrefix.text(prefix.address())));
    }
  }
}
