package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Egress;
import dev.virtualip.crds.values.IpPrefix;
import java.util.HashSet;
import java.util.List;

/** Rules about {@code spec.egress}. */
final class EgressRules {
  private static final String PATH = "spec.egress";

  private final ParsedSpec parsed;
  private final Egress egress;
  private final Findings findings;

  private EgressRules(ParsedSpec parsed, Findings findings) {
    this.parsed = parsed;
    this.egress = parsed.spec().egress();
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    if (parsed.egress() != null) {
      new EgressRules(parsed, findings).check();
    }
  }

  private void check() {
    if (egress.pods().isEmpty() && egress.sources().isEmpty()) {
      findings.add(PATH, Egress.WHOSE);
    }
    checkPods();
    checkAddresses();
    checkPrefixes(PATH + ".sources", parsed.egress().sources());
    checkPrefixes(PATH + ".except", parsed.egress().except());
    checkFamilies();
    if (!egress.pods().isEmpty() && egress.except().isEmpty()) {
      findings.add(PATH + ".except", Egress.EXCEPT);
    }
  }

  private void checkPods() {
    var path = PATH + ".pods";
    if (egress.pods().size() > Egress.PODS_MAX) {
      findings.add(path, "has more than 16 entries: use labels that more pods have");
    }
    for (int i = 0; i < egress.pods().size(); i++) {
      var at = path + "[" + i + "]";
      var pods = egress.pods().get(i);
      if (pods == null) {
        findings.add(at, "is empty: give namespace and selector");
      } else {
        findings.namespace(at + ".namespace", pods.namespace());
        findings.selectorOfSome(at + ".selector", pods.selector());
      }
    }
  }

  private void checkPrefixes(String path, List<Parsed<IpPrefix>> prefixes) {
    if (prefixes.size() > Egress.PREFIXES_MAX) {
      findings.add(path, "has more than 64 prefixes: use shorter ones, which have more addresses");
    }
    for (int i = 0; i < prefixes.size(); i++) {
      var at = path + "[" + i + "]";
      var text = prefixes.get(i);
      if (text.text() == null) {
        findings.add(at, "is empty: give a prefix, as in 10.7.0.0/16");
      }
      var prefix = findings.value(at, text);
      if (prefix != null && prefix.length() == 0) {
        findings.add(at, text.text() + " is every address: give a longer prefix");
      } else if (prefix != null && !prefix.isNetwork()) {
        findings.add(at, "has bits set behind the prefix: write " + prefix.network());
      }
    }
  }

  /** A source of a family that no address has would go out unchanged. */
  private void checkFamilies() {
    var addresses = CheckedEgress.addresses(parsed);
    if (addresses.isEmpty()) {
      return;
    }
    var sources = parsed.egress().sources();
    for (int i = 0; i < sources.size(); i++) {
      boolean ipv6 = sources.get(i).isIpv6();
      if (sources.get(i).value() != null
          && addresses.stream().noneMatch(address -> address.isIpv6() == ipv6)) {
        findings.add(
            PATH + ".sources[" + i + "]",
            "there is no %s address to leave with: add one, or remove this source"
                .formatted(ipv6 ? "IPv6" : "IPv4"));
      }
    }
  }

  private void checkAddresses() {
    var path = PATH + ".addresses";
    var virtual = CheckedEgress.virtual(parsed);
    var listed = parsed.egress().addresses();
    if (listed.isEmpty() && virtual.isEmpty() && !parsed.addresses().isEmpty()) {
      findings.add(
          path, "no address can be a source beyond the network: add one that is not link-local");
    }
    var families = new HashSet<Boolean>();
    for (int i = 0; i < listed.size(); i++) {
      var at = path + "[" + i + "]";
      var text = listed.get(i);
      if (text.text() == null) {
        findings.add(at, "is empty: give one of spec.addresses");
      }
      var address = findings.value(at, text);
      if (address != null && !virtual.containsKey(address)) {
        findings.add(
            at,
            text.text()
                + " is none of spec.addresses, or link-local: give one of those, or add it");
      }
      if (address != null && !families.add(text.isIpv6())) {
        findings.add(at, "is the second address of its family: remove one, or use two VirtualIPs");
      }
    }
  }
}
