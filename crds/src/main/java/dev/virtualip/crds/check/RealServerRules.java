package dev.virtualip.crds.check;

import dev.virtualip.crds.check.CheckedVirtualServer.Service;
import dev.virtualip.crds.schema.RealServer;
import dev.virtualip.crds.schema.RealServers;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.schema.VirtualServer.Forwarding;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Rules about the servers of one virtual server: its {@code realServers, sorryServer}. */
final class RealServerRules {
  private final VirtualServer server;
  private final ParsedSpec.VirtualServerTexts texts;
  private final List<Service> services;
  private final Set<InetAddress> virtual;
  private final boolean mayMix;
  private final Findings findings;

  /**
   * The rules of one virtual server.
   *
   * @param virtual the virtual addresses of the VirtualIP
   */
  RealServerRules(ParsedSpec parsed, int index, Set<InetAddress> virtual, Findings findings) {
    server = parsed.spec().virtualServers().get(index);
    texts = parsed.virtualServers().get(index);
    services = CheckedVirtualServer.services(parsed, index);
    this.virtual = virtual;
    // The kernel takes a server of the other family with a tunnel alone, and while no
    // synchronisation of connections runs.
    mayMix =
        server.forwarding() == null
            || server.forwarding() == Forwarding.Tunnel && parsed.spec().connectionSync() == null;
    this.findings = findings;
  }

  void check(String path) {
    checkSorryServer(path + ".sorryServer");
    path += ".realServers";
    var real = server.realServers();
    if (real == null || real.addresses().isEmpty() && real.nodes() == null && real.pods() == null) {
      findings.add(
          path, "a virtual server has at least one kind of server: give addresses, nodes or pods");
      return;
    }
    checkAddresses(path + ".addresses", real);
    if (real.nodes() != null) {
      var nodes = real.nodes();
      findings.selectorOfSome(path + ".nodes.selector", nodes.selector());
      checkPort(path + ".nodes.port", nodes.port());
      checkWeight(path + ".nodes.weight", nodes.weight());
    }
    if (real.pods() != null) {
      checkPods(path + ".pods", real);
    }
  }

  private void checkPods(String path, RealServers real) {
    var pods = real.pods();
    if (server.forwarding() == Forwarding.DirectRoute) {
      findings.add(
          path,
          "DirectRoute needs servers that have the virtual address, and pods have another: use"
              + " Masquerade or Tunnel");
    }
    findings.namespace(path + ".namespace", pods.namespace());
    findings.selectorOfSome(path + ".selector", pods.selector());
    checkPort(path + ".port", pods.port());
    checkWeight(path + ".weight", pods.weight());
  }

  private void checkPort(String path, Integer port) {
    findings.range(path, port, 1, 65535, "port");
    boolean changes =
        server.forwarding() == Forwarding.Masquerade
            && (server.port() != null ? server.port() != 0 : server.persistence() == null);
    if (port != null
        && server.forwarding() != null
        && !changes
        && (!port.equals(server.port()) || server.endPort() != null)) {
      findings.add(
          path,
          "only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give"
              + " the virtual port, or none");
    }
  }

  private void checkWeight(String path, Integer weight) {
    findings.range(path, weight, 0, RealServer.WEIGHT_MAX, "weight");
  }

  private void checkAddresses(String path, RealServers real) {
    if (real.addresses().size() > RealServers.ADDRESSES_MAX) {
      findings.add(
          path, "has more than 256 servers: use nodes or pods, or a second virtual server");
    }
    var seen = new HashSet<Map.Entry<InetAddress, Integer>>();
    for (int i = 0; i < real.addresses().size(); i++) {
      var one = real.addresses().get(i);
      var at = path + "[" + i + "]";
      var address = checkAddress(at + ".address", texts.servers().get(i), false);
      if (one != null) {
        checkPort(at + ".port", one.port());
        checkWeight(at + ".weight", one.weight());
      }
      if (address != null && !ports(one).allMatch(port -> seen.add(Map.entry(address, port)))) {
        findings.add(at, "stands in the list twice with the same port: remove one");
      }
    }
    if (real.nodes() == null && real.pods() == null) {
      checkFamilies(path);
    }
  }

  /** The ports of a server in all virtual services; 0 is that of the packet. */
  private IntStream ports(RealServer one) {
    return one.port() != null
        ? IntStream.of(one.port())
        : server.port() == null ? IntStream.of(0) : CheckedVirtualServer.ports(server);
  }

  /** Each virtual address has a server of its family. */
  private void checkFamilies(String path) {
    if (mayMix || texts.servers().stream().anyMatch(text -> text.value() == null)) {
      return;
    }
    for (boolean ipv6 : new boolean[] {false, true}) {
      boolean wanted = services.stream().anyMatch(service -> service.ipv6() == ipv6);
      boolean known = services.stream().anyMatch(service -> service.ipv6() != ipv6);
      if (wanted && known && texts.servers().stream().noneMatch(text -> text.isIpv6() == ipv6)) {
        findings.add(
            path,
            "has no %s server, and the virtual server has such addresses: add one, or list the others"
                    .formatted(ipv6 ? "IPv6" : "IPv4")
                + " in addresses");
      }
    }
  }

  private void checkSorryServer(String path) {
    var sorry = server.sorryServer();
    if (sorry == null) {
      return;
    }
    checkPort(path + ".port", sorry.port());
    boolean ipv6 = texts.sorryServer().isIpv6();
    var address =
        checkAddress(
            path + ".address", texts.sorryServer(), server.forwarding() == Forwarding.DirectRoute);
    if (address != null
        && !mayMix
        && services.stream().anyMatch(service -> service.ipv6() == ipv6)
        && services.stream().anyMatch(service -> service.ipv6() != ipv6)) {
      findings.add(
          path + ".address",
          "serves one family, and the virtual server has addresses of both: make two of it, each"
              + " with its addresses");
    }
  }

  /**
   * The address of a server, or null if it has a problem.
   *
   * @param mayBeLoopback whether a loopback address, for the master itself, is one
   */
  private InetAddress checkAddress(String path, Parsed<InetAddress> text, boolean mayBeLoopback) {
    if (text.text() == null) {
      findings.add(path, "is missing: give the server's address, as in 10.0.0.21");
      return null;
    }
    var address = findings.value(path, text);
    if (address == null) {
      return null;
    }
    int before = findings.count();
    var kind = HostAddresses.kind(address);
    if (kind != null && !(mayBeLoopback && address.isLoopbackAddress())) {
      findings.add(path, "%s %s: give the server's own".formatted(text.text(), kind));
    } else if (address.isLinkLocalAddress()) {
      findings.add(
          path, text.text() + " is link-local, and IPVS does not look at the NIC: give another");
    } else if (IpPrefix.isMetadata(address)) {
      findings.add(path, text.text() + " tells a machine its credentials: give another");
    } else if (virtual.contains(address)) {
      findings.add(path, text.text() + " is a virtual address: give the server's own");
    } else if (!mayMix
        && !services.isEmpty()
        && services.stream().noneMatch(service -> service.ipv6() == text.isIpv6())) {
      findings.add(
          path,
          "no virtual address is of this server's family, and only Tunnel without connectionSync"
              + " reaches it: use servers of the other");
    }
    return findings.count() == before ? address : null;
  }
}
