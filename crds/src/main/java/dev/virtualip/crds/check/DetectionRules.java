package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Bfd;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;

/** Rules about {@code spec.detection}. */
final class DetectionRules {
  private static final Duration INTERVAL_MIN = Duration.ofMillis(10);
  private static final Duration INTERVAL_MAX = Duration.ofSeconds(1);

  private DetectionRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var bfd = parsed.bfd();
    if (bfd == null) {
      return;
    }
    var path = "spec.detection.bfd";
    findings.duration(path + ".interval", bfd.interval(), INTERVAL_MIN, INTERVAL_MAX);
    findings.range(
        path + ".multiplier",
        bfd.spec().multiplier(),
        Bfd.MULTIPLIER_MIN,
        Bfd.MULTIPLIER_MAX,
        "multiplier");
    if (bfd.peers().size() > Bfd.PEERS_MAX) {
      findings.add(path + ".peers", "has more than 16 routers: shorten it");
    }
    var seen = new HashSet<List<Object>>();
    for (int i = 0; i < bfd.peers().size(); i++) {
      checkPeer(path + ".peers[" + i + "]", bfd, i, seen, findings);
    }
  }

  private static void checkPeer(
      String path, ParsedSpec.BfdTexts bfd, int i, HashSet<List<Object>> seen, Findings findings) {
    var peer = bfd.spec().peers().get(i);
    if (peer == null || peer.address() == null) {
      findings.add(path + ".address", "is missing: give the address of a router");
      return;
    }
    var address = findings.value(path + ".address", bfd.peers().get(i));
    if (address != null && HostAddresses.kind(address) != null) {
      findings.add(
          path + ".address",
          "%s %s: give the address of a router"
              .formatted(peer.address(), HostAddresses.kind(address)));
    }
    var nic = peer.interfaceName() == null ? "" : peer.interfaceName();
    if (address != null && !seen.add(List.of(address, nic))) {
      findings.add(path + ".address", peer.address() + " is tracked already: remove one");
    }
    findings.nic(path + ".interface", peer.interfaceName());
    findings.range(path + ".weight", peer.weight(), -253, 253, "weight");
    if (peer.reverse() && peer.weight() == 0) {
      findings.add(path + ".reverse", "turns a weight round: set a weight, or remove it");
    }
  }
}
