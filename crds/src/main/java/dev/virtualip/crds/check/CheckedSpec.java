package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Address;
import dev.virtualip.crds.schema.Route;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A valid spec with the parsed values of its texts, so that code that has one need not parse or
 * check anything again. Only {@link #check} creates one. It is a value: equal specs have equal
 * checked specs.
 *
 * @param spec the spec as the user wrote it, for values that are not parsed
 * @param advertInterval time between adverts, 10 ms to 255 s
 * @param maxLearnedInterval longest interval that is learned from adverts of others
 * @param preemptDelay delay of a preemption, 0 to 1000 s
 * @param garpDelay time to the second burst of announcements, 0 to 1 h; 0 = there is none
 * @param garpRefresh time between single announcements, 1 s to 24 h; 0 = there are none
 * @param garpInterval time between the announcements of two addresses, 0 to 1 s
 * @param linkUpDelay how long a NIC has to be up before it counts, 0 to 1 h
 * @param linkDownDelay how long a NIC has to be down before it counts
 * @param delayAfterBoot how long after the node's boot it starts to take part, 0 to 1 h
 * @param addresses one for each of {@code spec.addresses}
 * @param routes one for each of {@code spec.routes}
 * @param rules one for each of {@code spec.rules}
 * @param peers one for each of {@code spec.transport.peers}
 * @param heartbeats one for each of {@code spec.heartbeats}
 * @param virtualServers one for each of {@code spec.virtualServers}
 * @param connectionSync null without {@code spec.connectionSync}; with it there are virtual servers
 * @param connectionTimeouts null without {@code spec.connectionTimeouts}; the same
 * @param egress null without {@code spec.egress}
 * @param bfd null without {@code spec.detection.bfd}
 */
public record CheckedSpec(
    VirtualIpSpec spec,
    Duration advertInterval,
    Duration maxLearnedInterval,
    Duration preemptDelay,
    Duration garpDelay,
    Duration garpRefresh,
    Duration garpInterval,
    Duration linkUpDelay,
    Duration linkDownDelay,
    Duration delayAfterBoot,
    List<VirtualAddress> addresses,
    List<VirtualRoute> routes,
    List<PolicyRule> rules,
    List<InetAddress> peers,
    List<Heartbeat> heartbeats,
    List<CheckedVirtualServer> virtualServers,
    ConnectionSync connectionSync,
    ConnectionTimeouts connectionTimeouts,
    CheckedEgress egress,
    Bfd bfd) {
  private static final long MAIN_TABLE = 254;

  /** Own intervals in the longest one that is learned, unless the spec says otherwise. */
  private static final int LEARNED_BY_DEFAULT = 10;

  private static final IpPrefix ANY = IpPrefix.parse("0.0.0.0/0");
  private static final IpPrefix ANY6 = IpPrefix.parse("::/0");

  /** Copies the lists. */
  public CheckedSpec {
    addresses = List.copyOf(addresses);
    routes = List.copyOf(routes);
    rules = List.copyOf(rules);
    peers = List.copyOf(peers);
    heartbeats = List.copyOf(heartbeats);
    virtualServers = List.copyOf(virtualServers);
  }

  /**
   * A virtual address.
   *
   * @param prefix the address and its prefix length
   * @param interfaceName the NIC to bind it on, or null for that of the adverts
   * @param advertised whether adverts list it
   */
  public record VirtualAddress(IpPrefix prefix, String interfaceName, boolean advertised) {}

  /**
   * A route.
   *
   * @param to destination, /0 for a default route
   * @param via gateway, or null
   * @param source preferred source address, or null
   * @param interfaceName the NIC that packets leave by, or null for that of the adverts
   * @param table routing table, 1 to 4294967295
   * @param metric 0 to 4294967295; 0 = the kernel's default
   * @param onLink whether the gateway counts as reachable although no prefix covers it
   */
  public record VirtualRoute(
      IpPrefix to,
      InetAddress via,
      InetAddress source,
      String interfaceName,
      long table,
      long metric,
      boolean onLink) {}

  /**
   * A NIC that carries adverts.
   *
   * @param interfaceName a selector as that of the adverts; it may be that very NIC
   * @param peers addresses of the routers on its network; empty if adverts go to the group
   */
  public record Heartbeat(String interfaceName, List<InetAddress> peers) {}

  /**
   * Sessions of BFD.
   *
   * @param interval time between two packets, 10 ms to 1 s
   * @param multiplier packets whose loss ends a session, 2 to 20
   */
  public record Bfd(Duration interval, int multiplier, List<BfdPeer> peers) {}

  /**
   * A router whose session counts for the election.
   *
   * @param interfaceName the NIC whose network it is on, or null for that of the adverts
   */
  public record BfdPeer(InetAddress address, String interfaceName, int weight, boolean reverse) {}

  /**
   * How connections are copied to the other nodes.
   *
   * @param interfaceName the NIC that the copies go by, a selector as that of the adverts
   * @param syncId 0 to 255
   */
  public record ConnectionSync(String interfaceName, int syncId) {}

  /**
   * How long the kernel remembers connections without packets, each 1 s to 31 days in whole
   * seconds, or null if it stays as it is.
   *
   * @param tcp of TCP connections
   * @param tcpFin of those that are being closed
   * @param udp of UDP
   */
  public record ConnectionTimeouts(Duration tcp, Duration tcpFin, Duration udp) {}

  /**
   * The outcome of the check of one VirtualIP.
   *
   * @param vip the object that was checked
   * @param spec its checked spec, or null if it has problems
   * @param problems all its problems; empty if it is valid
   */
  public record Result(VirtualIp vip, CheckedSpec spec, List<Problem> problems) {
    /** Copies the list. */
    public Result {
      problems = List.copyOf(problems);
    }

    /** Whether the spec is valid. */
    public boolean isGood() {
      return problems.isEmpty();
    }

    /** The name of the VirtualIP. */
    public String name() {
      return vip.getMetadata().getName();
    }

    /** This result for another object whose spec is equal. */
    public Result withVip(VirtualIp other) {
      return other == vip ? this : new Result(other, spec, problems);
    }
  }

  /** Checks the spec of a VirtualIP on its own, without conflicts with others. */
  public static Result check(VirtualIp vip) {
    var spec = vip.getSpec();
    if (spec == null) {
      return new Result(vip, null, Validator.problems(spec));
    }
    var parsed = ParsedSpec.of(spec);
    var problems = Validator.judge(parsed);
    return new Result(vip, problems.isEmpty() ? of(parsed) : null, problems);
  }

  private static CheckedSpec of(ParsedSpec parsed) {
    var spec = parsed.spec();
    return new CheckedSpec(
        spec,
        parsed.advertInterval().value(),
        maxLearnedInterval(parsed),
        parsed.preemptDelay().value(),
        parsed.garpDelay().value(),
        parsed.garpRefresh().value(),
        parsed.garpInterval().value(),
        either(parsed.linkUpDelay(), parsed.linkDebounce()),
        either(parsed.linkDownDelay(), parsed.linkDebounce()),
        parsed.delayAfterBoot().value(),
        each(spec.addresses(), i -> address(spec.addresses().get(i), parsed.addresses().get(i))),
        each(spec.routes(), i -> route(spec.routes().get(i), parsed.routes().get(i))),
        each(spec.rules(), i -> PolicyRules.of(spec.rules().get(i), parsed.rules().get(i))),
        parsed.peers().stream().map(Parsed::value).toList(),
        each(spec.heartbeats(), i -> heartbeat(parsed, i)),
        each(spec.virtualServers(), i -> CheckedVirtualServer.of(parsed, i)),
        connectionSync(spec),
        connectionTimeouts(parsed),
        CheckedEgress.of(parsed),
        bfd(parsed.bfd()));
  }

  private static Duration maxLearnedInterval(ParsedSpec parsed) {
    return parsed.spec().maxLearnedInterval() == null
        ? parsed.advertInterval().value().multipliedBy(LEARNED_BY_DEFAULT)
        : parsed.maxLearnedInterval().value();
  }

  private static Bfd bfd(ParsedSpec.BfdTexts parsed) {
    if (parsed == null) {
      return null;
    }
    var peers = parsed.spec().peers();
    return new Bfd(
        parsed.interval().value(),
        parsed.spec().multiplier(),
        each(
            peers,
            i ->
                new BfdPeer(
                    parsed.peers().get(i).value(),
                    peers.get(i).interfaceName(),
                    peers.get(i).weight(),
                    peers.get(i).reverse())));
  }

  private static Heartbeat heartbeat(ParsedSpec parsed, int i) {
    return new Heartbeat(
        parsed.spec().heartbeats().get(i).interfaceName(),
        parsed.heartbeats().get(i).stream().map(Parsed::value).toList());
  }

  private static ConnectionSync connectionSync(VirtualIpSpec spec) {
    var sync = spec.connectionSync();
    return sync == null
        ? null
        : new ConnectionSync(
            sync.interfaceName(), sync.syncId() == null ? spec.vrid() : sync.syncId());
  }

  private static ConnectionTimeouts connectionTimeouts(ParsedSpec parsed) {
    var timeouts = parsed.connectionTimeouts();
    return parsed.spec().connectionTimeouts() == null
        ? null
        : new ConnectionTimeouts(
            timeouts.tcp().value(), timeouts.tcpFin().value(), timeouts.udp().value());
  }

  private static Duration either(Parsed<Duration> own, Parsed<Duration> otherwise) {
    return own.value() != null ? own.value() : otherwise.value();
  }

  private static <T> List<T> each(List<?> list, IntFunction<T> item) {
    return IntStream.range(0, list.size()).mapToObj(item).toList();
  }

  private static VirtualAddress address(Address address, Parsed<IpPrefix> parsed) {
    return new VirtualAddress(parsed.value(), address.interfaceName(), address.advertised());
  }

  private static VirtualRoute route(Route route, ParsedSpec.RouteTexts parsed) {
    var via = parsed.via().value();
    return new VirtualRoute(
        !parsed.isDefault() ? parsed.to().value() : via instanceof Inet6Address ? ANY6 : ANY,
        via,
        parsed.source().value(),
        route.interfaceName(),
        route.table() == null ? MAIN_TABLE : route.table(),
        route.metric() == null ? 0 : route.metric(),
        Boolean.TRUE.equals(route.onLink()));
  }

  /** Whether adverts are IPv6 packets: the family of the addresses that they list. */
  public boolean isIpv6() {
    return advertised().anyMatch(address -> address.prefix().isIpv6());
  }

  /** The addresses that adverts list, one at least. */
  public Stream<VirtualAddress> advertised() {
    return addresses.stream().filter(VirtualAddress::advertised);
  }

  /**
   * The NIC of an address or a route on a node.
   *
   * @param interfaceName its own interface field, or null for the NIC of the adverts
   */
  public String interfaceOn(String nodeName, String interfaceName) {
    return interfaceName != null ? interfaceName : spec.interfaceOn(nodeName);
  }
}
