package dev.virtualip.crds.check;

import static dev.virtualip.crds.schema.VirtualIpSpec.VRID_MAX;
import static dev.virtualip.crds.schema.VirtualIpSpec.VRID_MIN;

import dev.virtualip.crds.schema.Lease;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.time.Duration;

/** Rules about the election: VRID, priority, adverts, password, announcements and lease. */
final class ProtocolRules {
  private static final Duration V3_UNIT = Duration.ofMillis(10);
  private static final Duration V3_INTERVAL_MAX = V3_UNIT.multipliedBy(4095);

  private final ParsedSpec parsed;
  private final VirtualIpSpec spec;
  private final Findings findings;

  private ProtocolRules(ParsedSpec parsed, Findings findings) {
    this.parsed = parsed;
    this.spec = parsed.spec();
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    new ProtocolRules(parsed, findings).check();
  }

  private void check() {
    if (spec.vrid() == null) {
      findings.add(
          "spec.vrid",
          "is missing: use a number from 1 to 255 that no other router uses here; only in a"
              + " cluster the operator allocates one");
    }
    findings.range("spec.vrid", spec.vrid(), VRID_MIN, VRID_MAX, "VRID");
    findings.range("spec.vrrpVersion", spec.vrrpVersion(), 2, 3, "VRRP version");
    findings.range("spec.priority", spec.priority(), 1, 255, "priority");
    if (spec.interfaceName() == null) {
      findings.add(
          "spec.interface", "is missing: name the NIC that carries the adverts, as in eth0");
    }
    findings.nic("spec.interface", spec.interfaceName());
    checkRepeat();
    checkInterval();
    checkLearned();
    findings.duration(
        "spec.preempt.delay", parsed.preemptDelay(), Duration.ZERO, Duration.ofSeconds(1000));
    checkAuthentication();
    checkGarp();
    checkLease();
  }

  private void checkRepeat() {
    int repeat = spec.advertRepeat();
    findings.range("spec.advertRepeat", repeat, 1, VirtualIpSpec.ADVERT_REPEAT_MAX, "number");
    if (repeat > 1 && parsed.intervalOrLong().dividedBy(repeat).compareTo(V3_UNIT) < 0) {
      findings.add(
          "spec.advertRepeat", "makes an advert more often than every 10ms: use a lower number");
    }
  }

  private void checkInterval() {
    var path = "spec.advertInterval";
    if (spec.vrrpVersion() == 2) {
      var hint = " with VRRPv2, or set vrrpVersion to 3";
      var interval =
          findings.duration(
              path, parsed.advertInterval(), Duration.ofSeconds(1), Duration.ofSeconds(255), hint);
      if (interval != null && interval.toNanosPart() != 0) {
        findings.add(
            path, "VRRPv2 adverts have whole seconds: use 1s to 255s, or set vrrpVersion to 3");
      }
    } else {
      var interval = findings.duration(path, parsed.advertInterval(), V3_UNIT, V3_INTERVAL_MAX);
      if (interval != null && interval.toNanos() % V3_UNIT.toNanos() != 0) {
        findings.add(path, "VRRPv3 adverts count in steps of 10ms: round it to a multiple of 10ms");
      }
    }
  }

  private void checkLearned() {
    var path = "spec.maxLearnedInterval";
    if (spec.maxLearnedInterval() == null) {
      return;
    }
    if (spec.vrrpVersion() == 2) {
      findings.add(path, "VRRPv2 learns no interval: set vrrpVersion to 3, or remove it");
      return;
    }
    var own = parsed.advertInterval().value();
    boolean known = own != null && own.compareTo(V3_INTERVAL_MAX) <= 0;
    findings.duration(path, parsed.maxLearnedInterval(), known ? own : V3_UNIT, V3_INTERVAL_MAX);
  }

  private void checkAuthentication() {
    var authentication = spec.authentication();
    if (authentication == null) {
      return;
    }
    var password = authentication.passwordSecretRef();
    var hmac = authentication.hmac();
    if (password == null && hmac == null) {
      findings.add("spec.authentication", "needs passwordSecretRef, hmac, or both");
    }
    if (password != null && spec.vrrpVersion() != 2) {
      findings.add(
          "spec.authentication",
          "passwords exist in VRRPv2 only: set vrrpVersion to 2, or use hmac");
    }
    if (password != null) {
      checkSecret("spec.authentication.passwordSecretRef", password);
    }
    if (hmac != null) {
      checkSecret("spec.authentication.hmac.keysSecretRef", hmac.keysSecretRef());
    }
  }

  private void checkSecret(String path, SecretKey ref) {
    if (ref == null || Findings.isBlank(ref.name()) || Findings.isBlank(ref.key())) {
      findings.add(path, "needs name and key of a Secret in virtualip's namespace");
    }
  }

  private void checkGarp() {
    findings.range("spec.garp.repeat", spec.garp().repeat(), 1, 100, "number of announcements");
    findings.duration("spec.garp.delay", parsed.garpDelay(), Duration.ZERO, Duration.ofHours(1));
    findings.duration(
        "spec.garp.interval", parsed.garpInterval(), Duration.ZERO, Duration.ofSeconds(1));
    var refresh =
        findings.duration(
            "spec.garp.refresh", parsed.garpRefresh(), Duration.ZERO, Duration.ofHours(24));
    if (refresh != null && !refresh.isZero() && refresh.toSeconds() < 1) {
      findings.add(
          "spec.garp.refresh",
          spec.garp().refresh() + " is too often: use 1s to 24h, or 0s for never");
    }
  }

  /**
   * Leases last whole seconds, and the kernel ends them up to a second late. With an interval below
   * 1 s no lease is longer than an interval and yet ends before a backup takes over.
   */
  private void checkLease() {
    if (spec.lease().policy() == Lease.Policy.Exclusive
        && parsed.intervalOrLong().toSeconds() < 1) {
      findings.add(
          "spec.lease.policy",
          "the kernel ends leases within a second, so Exclusive needs an advertInterval of 1s or"
              + " more: use that, or Overlap");
    }
  }
}
