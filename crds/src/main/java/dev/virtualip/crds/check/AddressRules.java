package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;

/** Rules about {@code spec.addresses}, and about the protocol version that their family needs. */
final class AddressRules {
  /** Most virtual addresses in one advert (RFC 9568 5.2.5). */
  private static final int ADVERTISED_MAX = 255;

  private AddressRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var addresses = parsed.spec().addresses();
    if (addresses.isEmpty()) {
      findings.add("spec.addresses", "is empty: give at least one address, as in 203.0.113.10/24");
    }
    if (addresses.size() > VirtualIpSpec.ADDRESSES_MAX) {
      findings.add("spec.addresses", "has more than 1024 addresses: use a second VirtualIP");
    }
    var seen = new HashSet<InetAddress>();
    for (int i = 0; i < addresses.size(); i++) {
      var path = "spec.addresses[" + i + "]";
      if (addresses.get(i) != null && addresses.get(i).address() != null) {
        findings.nic(path + ".interface", addresses.get(i).interfaceName());
      }
      checkAddress(path + ".address", parsed.addresses().get(i), seen, findings);
    }
    checkFamilies(parsed, findings);
  }

  private static void checkAddress(
      String path, Parsed<IpPrefix> parsed, Set<InetAddress> seen, Findings findings) {
    if (parsed.text() == null) {
      findings.add(path, "is missing: give an address with prefix, as in 203.0.113.10/24");
      return;
    }
    var prefix = findings.value(path, parsed);
    if (prefix == null) {
      return;
    }
    var flaw = HostAddresses.flaw(prefix);
    if (flaw != null) {
      findings.add(path, parsed.text() + " " + flaw);
    } else if (!seen.add(prefix.address())) {
      findings.add(path, "stands in the list twice: remove one");
    }
  }

  private static void checkFamilies(ParsedSpec parsed, Findings findings) {
    var spec = parsed.spec();
    var addresses = spec.addresses().stream().filter(Objects::nonNull).toList();
    var listed =
        addresses.stream()
            .filter(a -> a.address() != null && a.advertised())
            .map(a -> a.address().contains(":"))
            .toList();
    if (listed.isEmpty() && addresses.stream().anyMatch(a -> !a.advertised())) {
      findings.add(
          "spec.addresses", "adverts need an address: leave advertised: false off one of them");
    }
    if (listed.size() > ADVERTISED_MAX) {
      findings.add(
          "spec.addresses", "an advert lists at most 255: set advertised: false on the others");
    }
    if (listed.contains(true) && listed.contains(false)) {
      findings.add(
          "spec.addresses",
          "one advert lists IPv4 or IPv6 addresses, not both: set advertised: false on those of one"
              + " family");
    } else if (parsed.isIpv6() && spec.vrrpVersion() == 2) {
      findings.add(
          "spec.vrrpVersion",
          "VRRPv2 has no IPv6: set it to 3, or advertised: false on IPv6 addresses");
    }
    if (spec.rfc9568Checksum() && spec.vrrpVersion() == 2) {
      findings.add("spec.rfc9568Checksum", "is about VRRPv3: set vrrpVersion to 3, or remove it");
    } else if (spec.rfc9568Checksum() && parsed.isIpv6()) {
      findings.add("spec.rfc9568Checksum", "is about IPv4, IPv6 has one checksum only: remove it");
    }
  }
}
