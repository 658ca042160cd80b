package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import java.time.Duration;
import java.util.HashSet;
import java.util.regex.Pattern;

/**
 * Rules about other conditions of a node's part in the election: tracked NICs, its boot, a sync
 * group.
 */
final class TrackingRules {
  private static final Pattern GROUP = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

  private TrackingRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var spec = parsed.spec();
    checkNics(spec, findings);
    var debounce = findings.value("spec.linkDebounce", parsed.linkDebounce());
    if (debounce != null
        && !debounce.isZero()
        && debounce.compareTo(parsed.intervalOrLong().multipliedBy(2)) >= 0) {
      findings.add(
          "spec.linkDebounce",
          "%s is no less than two advert intervals: a peer would take over before it counts; use"
                  .formatted(spec.linkDebounce())
              + " a shorter one");
    }
    findings.duration(
        "spec.delayAfterBoot", parsed.delayAfterBoot(), Duration.ZERO, Duration.ofHours(1));
    if (spec.syncGroup() != null && !GROUP.matcher(spec.syncGroup()).matches()) {
      findings.add("spec.syncGroup", "use 1 to 63 of a-z, 0-9 and -, as in edge");
    }
  }

  private static void checkNics(VirtualIpSpec spec, Findings findings) {
    if (spec.trackInterfaces().size() > VirtualIpSpec.TRACKED_MAX) {
      findings.add(
          "spec.trackInterfaces", "has more than 32 NICs: name several by one glob, as in en*");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < spec.trackInterfaces().size(); i++) {
      var path = "spec.trackInterfaces[" + i + "]";
      var tracked = spec.trackInterfaces().get(i);
      if (tracked == null || tracked.name() == null) {
        findings.add(path + ".name", "is missing: name the NIC to track");
        continue;
      }
      findings.nic(path + ".name", tracked.name());
      findings.range(path + ".weight", tracked.weight(), -253, 253, "weight");
      if (tracked.reverse() && tracked.weight() == 0) {
        findings.add(path + ".reverse", "turns a weight round: set a weight, or remove it");
      }
      if (!names.add(tracked.name())) {
        findings.add(path + ".name", tracked.name() + " is tracked already: remove one");
      }
    }
  }
}
