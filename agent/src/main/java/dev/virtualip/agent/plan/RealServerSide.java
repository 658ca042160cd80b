package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.IpvsPort.TunnelType;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedVirtualServer;
import dev.virtualip.crds.check.CheckedVirtualServer.Server;
import dev.virtualip.crds.check.CheckedVirtualServer.Service;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualServer.Forwarding;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a node has to do if a virtual server with DirectRoute or Tunnel sends it packets: they come
 * with the virtual address, so it has to accept that as its own, without telling anybody.
 *
 * @param virtualIp name of the VirtualIP
 * @param addresses virtual addresses that packets come with, as /32 or /128
 * @param interfaces NICs of the VirtualIP on this node, where neighbours may ask for them
 * @param isNamed whether a label of this node makes it a real server
 * @param listed addresses of listed servers: with one of these it is a real server too
 * @param tunnels what packets come in; empty with DirectRoute alone
 */
public record RealServerSide(
    String virtualIp,
    List<IpPrefix> addresses,
    Set<String> interfaces,
    boolean isNamed,
    Set<InetAddress> listed,
    Set<TunnelType> tunnels) {

  /**
   * That of each virtual server of a VirtualIP that needs one; empty if none does, or this node is
   * certainly no real server of it.
   */
  static List<RealServerSide> of(String virtualIp, CheckedSpec spec, NodeFacts self, String name) {
    var sides = new ArrayList<RealServerSide>();
    for (var server : spec.virtualServers()) {
      boolean named = server.nodes() != null && server.nodes().selector().matches(self.labels());
      boolean possible = named || !server.servers().isEmpty();
      if (server.forwarding() != Forwarding.Masquerade && possible) {
        sides.add(of(virtualIp, spec, server, named, interfaces(spec, name)));
      }
    }
    return sides;
  }

  private static RealServerSide of(
      String virtualIp,
      CheckedSpec spec,
      CheckedVirtualServer server,
      boolean named,
      Set<String> interfaces) {
    return new RealServerSide(
        virtualIp,
        addresses(spec, server),
        interfaces,
        named,
        server.servers().stream().map(Server::address).collect(Collectors.toUnmodifiableSet()),
        server.tunnel() == null
            ? Set.of()
            : Set.of(TunnelType.valueOf(server.tunnel().type().name())));
  }

  private static Set<String> interfaces(CheckedSpec spec, String nodeName) {
    return spec.addresses().stream()
        .map(address -> spec.interfaceOn(nodeName, address.interfaceName()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Those of its services; with a firewall mark any of the VirtualIP may be meant. */
  private static List<IpPrefix> addresses(CheckedSpec spec, CheckedVirtualServer server) {
    Function<Service, Stream<InetAddress>> of =
        service ->
            service.fwmark() == 0
                ? Stream.of(service.address())
                : spec.addresses().stream()
                    .map(address -> address.prefix().address())
                    .filter(address -> !address.isLinkLocalAddress());
    return server.services().stream().flatMap(of).distinct().map(RealServerSide::host).toList();
  }

  private static IpPrefix host(InetAddress address) {
    return new IpPrefix(address, 8 * address.getAddress().length);
  }
}
