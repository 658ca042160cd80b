package dev.virtualip.crds.check;

import dev.virtualip.crds.check.CheckedVirtualServer.Service;
import dev.virtualip.crds.schema.Tunnel;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.schema.VirtualServer.Forwarding;
import dev.virtualip.crds.schema.VirtualServer.Protocol;
import dev.virtualip.crds.schema.VirtualServer.Scheduler;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Rules about {@code spec.virtualServers}; those about their servers are {@link RealServerRules}.
 */
final class VirtualServerRules {
  /** Most virtual services of one VirtualIP: a takeover has to add them all. */
  private static final int SERVICES_MAX = 4096;

  static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Duration PERSISTENCE_MAX = Duration.ofHours(24);
  private static final int IPV4_BITS = 32;

  private final ParsedSpec parsed;
  private final Set<InetAddress> virtual;
  private final Findings findings;
  private final Set<String> names = new HashSet<>();
  private final Map<Service, String> owners = new HashMap<>();

  private VirtualServerRules(ParsedSpec parsed, Findings findings) {
    this.parsed = parsed;
    this.virtual = CheckedVirtualServer.virtual(parsed).collect(Collectors.toSet());
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    var servers = parsed.spec().virtualServers();
    if (servers.size() > VirtualServer.VIRTUAL_SERVERS_MAX) {
      findings.add(
          "spec.virtualServers", "has more than 64 virtual servers: use a second VirtualIP");
    }
    var rules = new VirtualServerRules(parsed, findings);
    for (int i = 0; i < servers.size(); i++) {
      rules.check("spec.virtualServers[" + i + "]", i);
    }
    if (rules.owners.size() > SERVICES_MAX) {
      findings.add(
          "spec.virtualServers",
          "%d ports of addresses are too many: use up to %d, or a fwmark"
              .formatted(rules.owners.size(), SERVICES_MAX));
    }
  }

  private void check(String path, int index) {
    var server = parsed.spec().virtualServers().get(index);
    if (server == null) {
      findings.add(path, "is empty: give at least name, port, forwarding and realServers");
      return;
    }
    checkName(path + ".name", server.name());
    int before = findings.count();
    checkPorts(path, server);
    checkAddresses(path + ".addresses", server, index);
    if (findings.count() == before) {
      checkOwners(path, server, index);
    }
    checkScheduling(path, server);
    checkPersistence(path + ".persistence", server, index);
    checkForwarding(path, server);
    findings.range(path + ".quorum", server.quorum(), 1, VirtualServer.QUORUM_MAX, "quorum");
    findings.range(
        path + ".hysteresis", server.hysteresis(), 0, VirtualServer.QUORUM_MAX, "hysteresis");
    if (server.hysteresis() >= Math.max(server.quorum(), 1)) {
      findings.add(
          path + ".hysteresis", "hysteresis has to be less than quorum: lower it, or raise quorum");
    }
    boolean havePort = server.port() != null && server.port() != 0;
    HealthCheckRules.checkOfServers(path + ".checks", server.checks(), havePort, findings);
    new RealServerRules(parsed, index, virtual, findings).check(path);
  }

  private void checkName(String path, String name) {
    if (Findings.isBlank(name)) {
      findings.add(path, "is missing: give the virtual server a short name, as in https");
    } else if (!NAME.matcher(name).matches()) {
      findings.add(path, "\"" + name + "\" is no name: use 1 to 63 of a-z, 0-9 and -");
    } else if (!names.add(name)) {
      findings.add(path, "two virtual servers are called " + name + ": rename one");
    }
  }

  private void checkPorts(String path, VirtualServer server) {
    var port = server.port();
    var endPort = server.endPort();
    findings.range(path + ".port", port, 0, 65535, "port");
    findings.range(path + ".endPort", endPort, 1, 65535, "port");
    findings.range(path + ".fwmark", server.fwmark(), 1, VirtualServer.FWMARK_MAX, "firewall mark");
    if (port == null && server.fwmark() == null) {
      findings.add(path + ".port", "a virtual server needs a port, or a fwmark: give one of them");
    }
    if (server.fwmark() != null
        && (server.protocol() != null
            || port != null
            || endPort != null
            || !server.addresses().isEmpty())) {
      findings.add(
          path + ".fwmark",
          "fwmark stands in place of protocol, port, endPort and addresses: remove those, or fwmark");
    }
    if (port != null
        && endPort != null
        && (endPort <= port || endPort - port >= VirtualServer.PORTS_MAX)) {
      findings.add(
          path + ".endPort",
          "a range of ports goes up and has at most 64: use port + 1 to port + 63");
    }
    if (port != null && port == 0 && (server.persistence() == null || endPort != null)) {
      findings.add(
          path + ".port",
          "port 0 is every port, for which IPVS needs persistence, and no endPort: change that, or"
              + " give a port");
    }
  }

  private void checkAddresses(String path, VirtualServer server, int index) {
    var addresses = parsed.virtualServers().get(index).addresses();
    if (addresses.isEmpty()
        && !virtual.isEmpty()
        && virtual.stream().allMatch(InetAddress::isLinkLocalAddress)) {
      findings.add(
          server.fwmark() == null ? path : "spec.addresses",
          "the VirtualIP has link-local addresses only, and IPVS does not look at the NIC: add"
              + " another to spec.addresses");
    }
    if (addresses.size() > 1024) {
      findings.add(path, "has more than 1024 addresses: use a second virtual server");
    }
    var seen = new HashSet<InetAddress>();
    for (int i = 0; i < addresses.size(); i++) {
      checkAddress(path + "[" + i + "]", addresses.get(i), seen);
    }
  }

  private void checkAddress(String path, Parsed<InetAddress> text, Set<InetAddress> seen) {
    if (text.text() == null) {
      findings.add(path, "is missing: give an address of spec.addresses, without its prefix");
      return;
    }
    var address = findings.value(path, text);
    // An address that cannot be read has a problem of its own, and may be the one that is meant.
    boolean known =
        virtual.contains(address)
            || parsed.addresses().stream().anyMatch(other -> other.value() == null);
    if (address == null) {
      return;
    }
    if (!known) {
      findings.add(
          path, text.text() + " is no address of this VirtualIP: add it to spec.addresses first");
    } else if (address.isLinkLocalAddress()) {
      findings.add(
          path, text.text() + " is link-local, and IPVS does not look at the NIC: use another");
    } else if (!seen.add(address)) {
      findings.add(path, "stands in the list twice: remove one");
    }
  }

  /** No two virtual servers have one virtual service. */
  private void checkOwners(String path, VirtualServer server, int index) {
    var name = Objects.requireNonNullElse(server.name(), "");
    var services = CheckedVirtualServer.services(parsed, index);
    services.stream()
        .filter(owners::containsKey)
        .findFirst()
        .ifPresent(
            service ->
                findings.add(
                    path + (server.fwmark() == null ? ".port" : ".fwmark"),
                    "%s is that of virtual server %s: give one of the two another"
                        .formatted(service, owners.get(service))));
    services.forEach(service -> owners.putIfAbsent(service, name));
  }

  private void checkScheduling(String path, VirtualServer server) {
    boolean hashes = server.scheduler() == Scheduler.sh || server.scheduler() == Scheduler.mh;
    if (!hashes && !server.schedulerFlags().isEmpty()) {
      findings.add(
          path + ".schedulerFlags",
          "schedulerFlags are for sh and mh: set scheduler to one of these, or remove them");
    } else if (server.schedulerFlags().stream().anyMatch(Objects::isNull)) {
      findings.add(path + ".schedulerFlags", "has an empty item: remove it");
    }
    if (!server.onePacket()) {
      return;
    }
    if (server.protocol() != Protocol.UDP && server.fwmark() == null) {
      findings.add(path + ".onePacket", "onePacket is for UDP: set protocol to UDP, or remove it");
    }
    if (server.persistence() != null) {
      findings.add(
          path + ".onePacket",
          "onePacket forgets the client at once, persistence remembers it: remove one of them");
    }
  }

  private void checkPersistence(String path, VirtualServer server, int index) {
    findings.seconds(
        path + ".timeout", parsed.virtualServers().get(index).persistence(), PERSISTENCE_MAX);
    var prefix = server.persistence() == null ? null : server.persistence().prefix();
    if (prefix == null) {
      return;
    }
    findings.range(path + ".prefix", prefix, 1, 128, "prefix length");
    boolean ipv4 = CheckedVirtualServer.services(parsed, index).stream().anyMatch(s -> !s.ipv6());
    if (ipv4 && prefix > IPV4_BITS && prefix <= 128) {
      findings.add(
          path + ".prefix", prefix + " is longer than an IPv4 address: use 1 to 32 for those");
    }
  }

  private void checkForwarding(String path, VirtualServer server) {
    if (server.forwarding() == null) {
      findings.add(path + ".forwarding", "is missing: write Masquerade, DirectRoute or Tunnel");
    }
    var tunnel = server.tunnel();
    if (tunnel == null) {
      return;
    }
    if (server.forwarding() != null && server.forwarding() != Forwarding.Tunnel) {
      findings.add(path + ".tunnel", "tunnel is for forwarding Tunnel: set that, or remove tunnel");
    }
    findings.range(path + ".tunnel.port", tunnel.port(), 1, 65535, "UDP port");
    if (tunnel.port() != null && tunnel.type() != Tunnel.Type.GUE) {
      findings.add(path + ".tunnel.port", "the port is that of GUE: set type to GUE, or remove it");
    }
    var checksums =
        switch (tunnel.type()) {
          case IPIP -> List.of(Tunnel.Checksum.None);
          case GRE -> List.of(Tunnel.Checksum.None, Tunnel.Checksum.Full);
          case GUE -> List.of(Tunnel.Checksum.values());
        };
    if (!checksums.contains(tunnel.checksum())) {
      findings.add(
          path + ".tunnel.checksum",
          "GRE has the checksums None and Full, IPIP has none: use one of these, or type GUE");
    }
  }
}
