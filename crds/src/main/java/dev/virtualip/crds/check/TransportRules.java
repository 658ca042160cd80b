package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Heartbeat;
import dev.virtualip.crds.schema.Transport.Mode;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/** Rules about {@code spec.transport} and {@code spec.heartbeats}. */
final class TransportRules {
  private final boolean ipv6;
  private final Set<InetAddress> virtual;
  private final Set<InetAddress> seen = new HashSet<>();
  private final Findings findings;

  private TransportRules(ParsedSpec parsed, Findings findings) {
    this.ipv6 = parsed.isIpv6();
    this.virtual =
        parsed.addresses().stream()
            .map(Parsed::value)
            .filter(Objects::nonNull)
            .map(IpPrefix::address)
            .collect(Collectors.toSet());
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    var peers = parsed.peers();
    if (parsed.spec().transport().mode() == Mode.Multicast && !peers.isEmpty()) {
      findings.add(
          "spec.transport.peers", "peers are for unicast: set mode to Unicast, or remove them");
    }
    int minTtl = parsed.spec().transport().minTtl();
    findings.range("spec.transport.minTtl", minTtl, 1, 255, "TTL");
    if (parsed.spec().transport().mode() == Mode.Multicast && minTtl != 255) {
      findings.add(
          "spec.transport.minTtl", "minTtl is for unicast: set mode to Unicast, or remove it");
    }
    if (peers.size() > 255) {
      findings.add("spec.transport.peers", "has more than 255 addresses: shorten it");
    }
    var rules = new TransportRules(parsed, findings);
    for (int i = 0; i < peers.size(); i++) {
      rules.checkPeer("spec.transport.peers[" + i + "]", peers.get(i));
    }
    checkHeartbeats(parsed, findings);
  }

  private static void checkHeartbeats(ParsedSpec parsed, Findings findings) {
    var heartbeats = parsed.spec().heartbeats();
    if (heartbeats.size() > VirtualIpSpec.HEARTBEATS_MAX) {
      findings.add("spec.heartbeats", "has more than 4 NICs: two or three are enough");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < heartbeats.size(); i++) {
      var path = "spec.heartbeats[" + i + "]";
      var heartbeat = heartbeats.get(i);
      if (heartbeat == null || heartbeat.interfaceName() == null) {
        findings.add(path + ".interface", "is missing: name the NIC that carries adverts too");
        continue;
      }
      findings.nic(path + ".interface", heartbeat.interfaceName());
      if (!names.add(heartbeat.interfaceName())) {
        findings.add(
            path + ".interface",
            heartbeat.interfaceName() + " stands in the list twice: remove one");
      }
      checkPeers(path + ".peers", heartbeat, parsed, parsed.heartbeats().get(i), findings);
    }
  }

  private static void checkPeers(
      String path,
      Heartbeat heartbeat,
      ParsedSpec parsed,
      List<Parsed<InetAddress>> peers,
      Findings findings) {
    if (!peers.isEmpty() && heartbeat.interfaceName().equals(parsed.spec().interfaceName())) {
      findings.add(
          path,
          "spec.transport says how adverts go on spec.interface: remove the peers of that NIC");
    }
    if (peers.size() > Heartbeat.PEERS_MAX) {
      findings.add(path, "has more than 255 addresses: shorten it");
    }
    var rules = new TransportRules(parsed, findings);
    for (int i = 0; i < peers.size(); i++) {
      rules.checkPeer(path + "[" + i + "]", peers.get(i));
    }
  }

  private void checkPeer(String path, Parsed<InetAddress> peer) {
    if (peer.text() == null) {
      findings.add(path, "is missing: give the address of a node");
      return;
    }
    var address = findings.value(path, peer);
    if (address == null) {
      return;
    }
    if (peer.isIpv6() != ipv6) {
      findings.add(
          path,
          "adverts are %s: give the peer's address of that family"
              .formatted(ipv6 ? "IPv6" : "IPv4"));
    } else if (HostAddresses.kind(address) != null) {
      findings.add(
          path,
          "%s %s: give the address of a node".formatted(peer.text(), HostAddresses.kind(address)));
    } else if (virtual.contains(address)) {
      findings.add(path, peer.text() + " is a virtual address: give the node's own");
    } else if (!seen.add(address)) {
      findings.add(path, "stands in the list twice: remove one");
    }
  }
}
