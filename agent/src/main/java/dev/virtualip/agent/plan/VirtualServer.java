package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.IpvsPort.Destination;
import dev.virtualip.agent.net.IpvsPort.Forwarding;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.SchedulerFlag;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.Tunnel;
import dev.virtualip.agent.net.IpvsPort.TunnelChecksum;
import dev.virtualip.agent.net.IpvsPort.TunnelType;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.CheckedVirtualServer;
import dev.virtualip.crds.check.CheckedVirtualServer.Server;
import dev.virtualip.crds.check.CheckedVirtualServer.Service;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualServer.OnFailure;
import dev.virtualip.crds.values.IpPrefix;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A virtual server of a VirtualIP as one node runs it (keepalived: {@code virtual_server}).
 *
 * @param spec what the user wants
 * @param servers weight of each real server, listed ones first
 */
public record VirtualServer(CheckedVirtualServer spec, Map<RealServer, Integer> servers) {

  /**
   * A host that serves (keepalived: {@code real_server}).
   *
   * @param port 0 = that of the virtual service
   */
  public record RealServer(InetAddress address, int port) {
    private static RealServer of(Server server) {
      return new RealServer(server.address(), server.port());
    }

    private boolean isIpv6() {
      return address instanceof Inet6Address;
    }
  }

  /**
   * A virtual server with its real servers: those that are listed, then nodes, then pods. What is
   * one server in two ways is what it is first.
   *
   * @param nodes all nodes, if the virtual server takes servers from them
   * @param pods by selector; missing ones are not known yet
   */
  static VirtualServer of(
      CheckedVirtualServer spec, List<NodeFacts> nodes, Map<PodSelector, List<PodFacts>> pods) {
    var servers = new LinkedHashMap<RealServer, Integer>();
    var seen = new HashSet<RealServer>();
    Stream.of(listed(spec), ofNodes(spec, nodes), ofPods(spec, pods))
        .flatMap(kind -> kind)
        .filter(server -> ports(spec, server.getKey()).allMatch(seen::add))
        .forEach(server -> servers.put(server.getKey(), server.getValue()));
    return new VirtualServer(spec, servers);
  }

  private static Stream<Map.Entry<RealServer, Integer>> listed(CheckedVirtualServer spec) {
    return spec.servers().stream().map(s -> Map.entry(RealServer.of(s), s.weight()));
  }

  private static Stream<Map.Entry<RealServer, Integer>> ofNodes(
      CheckedVirtualServer spec, List<NodeFacts> nodes) {
    var wanted = spec.nodes();
    return wanted == null
        ? Stream.of()
        : nodes.stream()
            .filter(node -> wanted.selector().matches(node.labels()))
            .flatMap(node -> servers(node.addresses(), wanted.port(), wanted.weight()));
  }

  /**
   * Ready pods, and with weight 0 terminating ones, whose connections may finish. Ready ones come
   * first: a pod that has ended may still have an address that is another's now.
   */
  private static Stream<Map.Entry<RealServer, Integer>> ofPods(
      CheckedVirtualServer spec, Map<PodSelector, List<PodFacts>> pods) {
    var wanted = spec.pods();
    if (wanted == null) {
      return Stream.of();
    }
    var selected = pods.getOrDefault(PodSelector.of(wanted), List.of());
    var virtual = spec.services().stream().map(Service::address).collect(Collectors.toSet());
    return Stream.concat(
            selected.stream()
                .filter(pod -> pod.ready() && !pod.terminating())
                .flatMap(pod -> servers(pod.addresses(), wanted.port(), wanted.weight())),
            selected.stream()
                .filter(PodFacts::terminating)
                .flatMap(pod -> servers(pod.addresses(), wanted.port(), 0)))
        // A kubelet may take a virtual address for its node's, and so for that of hostNetwork.
        .filter(server -> !virtual.contains(server.getKey().address()));
  }

  private static Stream<Map.Entry<RealServer, Integer>> servers(
      List<String> addresses, Integer port, int weight) {
    return addresses.stream()
        .map(a -> new RealServer(IpPrefix.parseAddress(a), port == null ? 0 : port))
        .map(server -> Map.entry(server, weight));
  }

  /** What a server is in the virtual services, where its port may be the same as another's. */
  private static Stream<RealServer> ports(CheckedVirtualServer spec, RealServer server) {
    return server.port() != 0
        ? Stream.of(server)
        : spec.services().stream()
            .map(Service::port)
            .distinct()
            .map(port -> new RealServer(server.address(), port));
  }

  /** Its name, unique in its VirtualIP. */
  public String name() {
    return spec.name();
  }

  /** Keys of its virtual services. */
  public List<ServiceKey> keys() {
    return spec.services().stream().map(VirtualServer::key).toList();
  }

  private static ServiceKey key(Service service) {
    return service.fwmark() != 0
        ? ServiceKey.ofMark(service.ipv6(), service.fwmark())
        : ServiceKey.of(
            Protocol.valueOf(service.protocol().name()), service.address(), service.port());
  }

  /** The server that serves while the quorum is lost, or null. */
  public RealServer sorry() {
    return spec.sorryServer() == null ? null : RealServer.of(spec.sorryServer());
  }

  /** Whether a real server that fails keeps its connections (keepalived: inhibit_on_failure). */
  public boolean quiesces() {
    return spec.onFailure() == OnFailure.Quiesce;
  }

  /** Its virtual services with these weights of real servers. */
  public List<VirtualService> services(Map<RealServer, Integer> weights) {
    return spec.services().stream().map(service -> service(service, weights)).toList();
  }

  private VirtualService service(Service service, Map<RealServer, Integer> weights) {
    var persistence = spec.persistence();
    return new VirtualService(
        key(service),
        spec.scheduler().name(),
        spec.schedulerFlags().stream()
            .map(flag -> SchedulerFlag.valueOf(flag.name().toUpperCase(Locale.ROOT)))
            .collect(Collectors.toUnmodifiableSet()),
        spec.onePacket(),
        persistence == null ? 0 : persistence.timeout().toSeconds(),
        persistence == null ? 0 : persistence.length(service.ipv6()),
        destinations(service, weights));
  }

  private List<Destination> destinations(Service service, Map<RealServer, Integer> weights) {
    var fitting = fitting(service, weights.keySet());
    return weights.entrySet().stream()
        .filter(server -> fitting.contains(server.getKey()))
        .map(server -> destination(service, server.getKey(), server.getValue()))
        .toList();
  }

  /** Those of the service's family; through a tunnel others too, if none is. */
  private Collection<RealServer> fitting(Service service, Set<RealServer> servers) {
    var own = servers.stream().filter(server -> server.isIpv6() == service.ipv6()).toList();
    boolean tunnels = spec.tunnel() != null;
    boolean paired =
        !own.isEmpty() && spec.services().stream().anyMatch(s -> s.ipv6() != service.ipv6());
    return tunnels && !paired ? servers : own;
  }

  private Destination destination(Service service, RealServer server, int weight) {
    int port = server.port() == 0 ? service.port() : server.port();
    var forwarding =
        switch (spec.forwarding()) {
          case Masquerade -> Forwarding.MASQUERADE;
          case DirectRoute -> Forwarding.DIRECT_ROUTE;
          case Tunnel -> Forwarding.TUNNEL;
        };
    return new Destination(server.address(), port, weight, forwarding, tunnel());
  }

  private Tunnel tunnel() {
    var tunnel = spec.tunnel();
    return tunnel == null
        ? null
        : new Tunnel(
            TunnelType.valueOf(tunnel.type().name()),
            tunnel.port() == null ? 0 : tunnel.port(),
            TunnelChecksum.valueOf(tunnel.checksum().name().toUpperCase(Locale.ROOT)));
  }
}
