package dev.virtualip.crds.check;

import java.util.Objects;

/** Rules about {@code spec.virtualMac}. */
final class VirtualMacRules {
  private static final int OWNER = 255;

  private VirtualMacRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var spec = parsed.spec();
    if (!spec.virtualMac()) {
      if (spec.vmacXmitBase()) {
        findings.add(
            "spec.vmacXmitBase", "is about virtualMac: set virtualMac to true, or remove it");
      }
      return;
    }
    if (spec.addresses().stream()
        .filter(Objects::nonNull)
        .anyMatch(address -> address.interfaceName() != null)) {
      findings.add(
          "spec.virtualMac",
          "a virtual MAC is on one NIC, that of the adverts: remove interface from the addresses");
    }
    boolean owner =
        spec.nodes().overrides().stream()
            .filter(Objects::nonNull)
            .anyMatch(override -> Objects.equals(override.priority(), OWNER));
    if (owner || spec.priority() == OWNER) {
      findings.add(
          "spec.virtualMac",
          "the owner of an address (priority 255) has its NIC's MAC: use 254, or no virtualMac");
    }
  }
}
