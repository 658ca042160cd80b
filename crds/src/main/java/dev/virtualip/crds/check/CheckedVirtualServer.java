package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.NodeServers;
import dev.virtualip.crds.schema.PodServers;
import dev.virtualip.crds.schema.Tunnel;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.schema.VirtualServer.Forwarding;
import dev.virtualip.crds.schema.VirtualServer.OnFailure;
import dev.virtualip.crds.schema.VirtualServer.Protocol;
import dev.virtualip.crds.schema.VirtualServer.Scheduler;
import dev.virtualip.crds.schema.VirtualServer.SchedulerFlag;
import dev.virtualip.crds.values.IpPrefix;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A valid virtual server with its virtual services.
 *
 * @param services at least one: each port of each address in this order, or the firewall mark for
 *     each family
 * @param tunnel null with other forwarding than Tunnel
 * @param persistence null if there is none
 * @param quorum least sum of the weights of servers that are up, 1 to {@link
 *     VirtualServer#QUORUM_MAX}
 * @param hysteresis less than quorum
 * @param sorryServer null if there is none; of the family of all services, except with Tunnel
 * @param checks as the user wrote them; see {@link #checksOf}
 * @param servers listed servers; see {@link #serversOf}
 * @param nodes null if no nodes are servers
 * @param pods null if no pods are servers
 */
public record CheckedVirtualServer(
    String name,
    List<Service> services,
    Scheduler scheduler,
    Set<SchedulerFlag> schedulerFlags,
    Forwarding forwarding,
    Tunnel tunnel,
    Persistence persistence,
    boolean onePacket,
    int quorum,
    int hysteresis,
    Server sorryServer,
    OnFailure onFailure,
    List<HealthCheck> checks,
    List<Server> servers,
    NodeServers nodes,
    PodServers pods) {

  /** Copies the lists. */
  public CheckedVirtualServer {
    services = List.copyOf(services);
    schedulerFlags = Set.copyOf(schedulerFlags);
    checks = List.copyOf(checks);
    servers = List.copyOf(servers);
  }

  /**
   * A virtual service, as IPVS tells them apart.
   *
   * @param ipv6 its family
   * @param protocol null with a firewall mark
   * @param address null with a firewall mark
   * @param port 0 for every port, and with a firewall mark
   * @param fwmark 1 to 4294967295, or 0 if there is an address
   */
  public record Service(
      boolean ipv6, Protocol protocol, InetAddress address, int port, long fwmark) {
    @Override
    public String toString() {
      return fwmark != 0
          ? "fwmark %d of %s".formatted(fwmark, ipv6 ? "IPv6" : "IPv4")
          : "%s %s port %d".formatted(protocol, IpPrefix.text(address), port);
    }
  }

  /**
   * Persistence of clients.
   *
   * @param timeout 1 s to 24 h in whole seconds
   * @param length prefix length of clients that stay together, or 0 for each by itself
   */
  public record Persistence(Duration timeout, int length) {
    /** The prefix length for the clients of one family. */
    public int length(boolean ipv6) {
      return length != 0 ? length : ipv6 ? 128 : 32;
    }
  }

  /**
   * A real server.
   *
   * @param port 1 to 65535, or 0 for that of the virtual service
   * @param weight 0 to 65535
   */
  public record Server(InetAddress address, int port, int weight) {
    /** The port of its destination in a virtual service; 0 keeps that of the packet. */
    public int portIn(Service service) {
      return port == 0 ? service.port() : port;
    }
  }

  /**
   * The listed servers of services of a family: those of the same. Through a tunnel also the
   * others, unless services and servers exist in both families.
   */
  public List<Server> serversOf(boolean ipv6) {
    var own = servers.stream().filter(server -> isIpv6(server.address()) == ipv6).toList();
    if (forwarding != Forwarding.Tunnel) {
      return own;
    }
    boolean paired = !own.isEmpty() && services.stream().anyMatch(other -> other.ipv6() != ipv6);
    return paired ? own : servers;
  }

  /** Whether a service has a server of the other family, for which the kernel copies nothing. */
  boolean mixesFamilies() {
    return forwarding == Forwarding.Tunnel
        && services.stream().map(Service::ipv6).distinct().anyMatch(this::hasOtherThan);
  }

  private boolean hasOtherThan(boolean ipv6) {
    return Stream.concat(serversOf(ipv6).stream(), Stream.ofNullable(sorryServer))
        .anyMatch(server -> isIpv6(server.address()) != ipv6);
  }

  /**
   * The checks of a server, complete with address and port.
   *
   * @param port its port, or 0 for that of the virtual service, of a range the first
   */
  public List<HealthCheck> checksOf(InetAddress address, int port) {
    var asked = askedPort(port);
    var host = IpPrefix.text(address);
    return checks.stream().map(check -> check.at(host, asked)).toList();
  }

  /**
   * The port that checks of a server ask at, unless they have another.
   *
   * @param port its port, or 0 for that of the virtual service, of a range the first
   * @return null if there is none: with port 0 and with a firewall mark
   */
  public Integer askedPort(int port) {
    int asked = port == 0 ? services.getFirst().port() : port;
    return asked == 0 ? null : asked;
  }

  /** The value of a valid virtual server. */
  static CheckedVirtualServer of(ParsedSpec parsed, int index) {
    var server = parsed.spec().virtualServers().get(index);
    var texts = parsed.virtualServers().get(index);
    var real = server.realServers();
    return new CheckedVirtualServer(
        server.name(),
        services(parsed, index),
        server.scheduler(),
        Set.copyOf(server.schedulerFlags()),
        server.forwarding(),
        server.forwarding() != Forwarding.Tunnel
            ? null
            : Objects.requireNonNullElse(server.tunnel(), Tunnel.IPIP),
        persistence(server, texts),
        server.onePacket(),
        server.quorum(),
        server.hysteresis(),
        server.sorryServer() == null
            ? null
            : server(texts.sorryServer(), server.sorryServer().port(), 1),
        server.onFailure(),
        server.checks(),
        IntStream.range(0, real.addresses().size())
            .mapToObj(
                i ->
                    server(
                        texts.servers().get(i),
                        real.addresses().get(i).port(),
                        real.addresses().get(i).weight()))
            .toList(),
        real.nodes(),
        real.pods());
  }

  private static Server server(Parsed<InetAddress> address, Integer port, int weight) {
    return new Server(address.value(), port == null ? 0 : port, weight);
  }

  private static Persistence persistence(
      VirtualServer server, ParsedSpec.VirtualServerTexts texts) {
    var persistence = server.persistence();
    return persistence == null
        ? null
        : new Persistence(
            texts.persistence().value(), persistence.prefix() == null ? 0 : persistence.prefix());
  }

  /** The virtual services of what is valid of a virtual server. */
  static List<Service> services(ParsedSpec parsed, int index) {
    var server = parsed.spec().virtualServers().get(index);
    if (server.fwmark() != null) {
      return families(parsed, index).stream()
          .map(ipv6 -> new Service(ipv6, null, null, 0, server.fwmark()))
          .toList();
    }
    var protocol = Objects.requireNonNullElse(server.protocol(), Protocol.TCP);
    var services = new ArrayList<Service>();
    for (var address : addresses(parsed, index)) {
      ports(server)
          .mapToObj(port -> new Service(isIpv6(address), protocol, address, port, 0))
          .forEach(services::add);
    }
    return services;
  }

  /** Its ports: none without one, and one if the end of its range is not valid. */
  static IntStream ports(VirtualServer server) {
    if (server.port() == null) {
      return IntStream.empty();
    }
    int first = server.port();
    int last = server.endPort() == null ? first : server.endPort();
    return last >= first && last < first + VirtualServer.PORTS_MAX
        ? IntStream.rangeClosed(first, last)
        : IntStream.of(first);
  }

  /** Its own addresses, or else those of the VirtualIP; without what is not valid. */
  private static List<InetAddress> addresses(ParsedSpec parsed, int index) {
    var own = parsed.virtualServers().get(index).addresses();
    var all =
        own.isEmpty()
            ? virtual(parsed).filter(address -> !address.isLinkLocalAddress())
            : own.stream().map(Parsed::value);
    return all.filter(Objects::nonNull).distinct().toList();
  }

  /** The virtual addresses of a VirtualIP that are valid. */
  static Stream<InetAddress> virtual(ParsedSpec parsed) {
    return parsed.addresses().stream()
        .map(Parsed::value)
        .filter(Objects::nonNull)
        .map(IpPrefix::address);
  }

  /** The families of a mark: those of the virtual addresses, of which there are listed servers. */
  private static Set<Boolean> families(ParsedSpec parsed, int index) {
    var families = new TreeSet<Boolean>();
    addresses(parsed, index).forEach(address -> families.add(isIpv6(address)));
    var listed = new TreeSet<Boolean>();
    parsed.virtualServers().get(index).servers().stream()
        .map(Parsed::value)
        .filter(Objects::nonNull)
        .forEach(address -> listed.add(isIpv6(address)));
    var both = new TreeSet<>(families);
    both.retainAll(listed);
    return both.isEmpty() ? families : both;
  }

  static boolean isIpv6(InetAddress address) {
    return address instanceof Inet6Address;
  }
}
