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

  private static final Duration DELAY_MAX = Duration.ofHours(1);

  private TrackingRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var spec = parsed.spec();
    checkNics(spec, findings);
    checkDownDelay("spec.linkDebounce", parsed.linkDebounce(), parsed, findings);
    checkDownDelay("spec.linkDownDelay", parsed.linkDownDelay(), parsed, findings);
    findings.duration("spec.linkUpDelay", parsed.linkUpDelay(), Duration.ZERO, DELAY_MAX);
    findings.duration("spec.delayAfterBoot", parsed.delayAfterBoot(), Duration.ZERO, DELAY_MAX);
    if (spec.syncGroup() != null && !GROUP.matcher(spec.syncGroup()).matches()) {
      findings.add("spec.syncGroup", "use 1 to 63 of a-z, 0-9 and -, as in edge");
    }
  }

  private static void checkDownDelay(
      String path, Parsed<Duration> parsed, ParsedSpec spec, Findings findings) {
    var delay = findings.value(path, parsed);
    if (delay != null
        && !delay.isZero()
        && delay.compareTo(spec.intervalOrLong().multipliedBy(2)) >= 0) {
      findings.add(
          path,
          "%s is no less than two advert intervals: a peer would take over before it counts; use"
                  .formatted(parsed.text())
              + " a shorter one");
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
