package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Dns;
import java.util.regex.Pattern;

/** Rules about {@code spec.dns}. */
final class DnsRules {
  private static final Pattern HOSTNAME = Pattern.compile(Dns.HOSTNAME_PATTERN);

  private DnsRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var dns = parsed.spec().dns();
    if (dns == null) {
      return;
    }
    findings.range("spec.dns.ttl", dns.ttl(), 1, 86400, "number of seconds");
    var names = dns.hostnames();
    if (names.isEmpty() || names.size() > 32) {
      findings.add("spec.dns.hostnames", "give 1 to 32 names, as in www.example.com");
    }
    for (int i = 0; i < names.size(); i++) {
      var name = names.get(i);
      if (name == null || name.length() > 253 || !HOSTNAME.matcher(name).matches()) {
        findings.add(
            "spec.dns.hostnames[" + i + "]",
            "\"%s\" is no name: write it in full and in small letters, as in www.example.com"
                .formatted(name));
      }
    }
  }
}
