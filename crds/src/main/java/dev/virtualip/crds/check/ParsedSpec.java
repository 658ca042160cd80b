package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Bfd;
import dev.virtualip.crds.schema.ConnectionTimeouts;
import dev.virtualip.crds.schema.Detection;
import dev.virtualip.crds.schema.Egress;
import dev.virtualip.crds.schema.RealServer;
import dev.virtualip.crds.schema.Route;
import dev.virtualip.crds.schema.Rule;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/**
 * A spec whose texts are parsed, each once. Nothing is checked yet: any text may be invalid, and
 * elements of lists may be null.
 *
 * @param spec the spec as the user wrote it
 * @param addresses one for each of {@code spec.addresses}
 * @param peers one for each of {@code spec.transport.peers}
 * @param heartbeats for each of {@code spec.heartbeats} one for each of its {@code peers}
 * @param routes one for each of {@code spec.routes}
 * @param rules one for each of {@code spec.rules}
 * @param virtualServers one for each of {@code spec.virtualServers}
 * @param egress null without {@code spec.egress}
 * @param bfd null without {@code spec.detection.bfd}
 */
record ParsedSpec(
    VirtualIpSpec spec,
    Parsed<Duration> advertInterval,
    Parsed<Duration> maxLearnedInterval,
    Parsed<Duration> preemptDelay,
    Parsed<Duration> garpDelay,
    Parsed<Duration> garpRefresh,
    Parsed<Duration> garpInterval,
    Parsed<Duration> linkDebounce,
    Parsed<Duration> linkUpDelay,
    Parsed<Duration> linkDownDelay,
    Parsed<Duration> delayAfterBoot,
    List<Parsed<IpPrefix>> addresses,
    List<Parsed<InetAddress>> peers,
    List<List<Parsed<InetAddress>>> heartbeats,
    List<RouteTexts> routes,
    List<RuleTexts> rules,
    List<VirtualServerTexts> virtualServers,
    TimeoutTexts connectionTimeouts,
    EgressTexts egress,
    BfdTexts bfd) {

  /** The word for the default route. */
  private static final String ANYWHERE = "default";

  /**
   * The texts of a route.
   *
   * @param to destination; has no value for the default route
   */
  record RouteTexts(Parsed<IpPrefix> to, Parsed<InetAddress> via, Parsed<InetAddress> source) {
    /** Whether it is a default route. */
    boolean isDefault() {
      return ANYWHERE.equals(to.text());
    }

    /** Whether it is of the IPv6 family; if that is unknown, false. */
    boolean isIpv6() {
      return isDefault() ? via.isIpv6() : to.isIpv6();
    }
  }

  /** The texts of a policy routing rule. */
  record RuleTexts(Parsed<IpPrefix> from, Parsed<IpPrefix> to) {}

  /**
   * The texts of a virtual server.
   *
   * @param addresses one for each of its {@code addresses}
   * @param servers one for each of its {@code realServers.addresses}
   */
  record VirtualServerTexts(
      List<Parsed<InetAddress>> addresses,
      Parsed<Duration> persistence,
      Parsed<InetAddress> sorryServer,
      List<Parsed<InetAddress>> servers) {}

  /** The texts of {@code spec.connectionTimeouts}. */
  record TimeoutTexts(Parsed<Duration> tcp, Parsed<Duration> tcpFin, Parsed<Duration> udp) {}

  /** The texts of {@code spec.egress}, one for each of its lists. */
  record EgressTexts(
      List<Parsed<IpPrefix>> sources,
      List<Parsed<IpPrefix>> except,
      List<Parsed<InetAddress>> addresses) {}

  /**
   * The texts of {@code spec.detection.bfd}.
   *
   * @param peers one for each of its {@code peers}
   */
  record BfdTexts(Bfd spec, Parsed<Duration> interval, List<Parsed<InetAddress>> peers) {}

  /** Parses the texts of a spec. */
  static ParsedSpec of(VirtualIpSpec spec) {
    return new ParsedSpec(
        spec,
        duration(spec.advertInterval()),
        duration(spec.maxLearnedInterval()),
        duration(spec.preempt().delay()),
        duration(spec.garp().delay()),
        duration(spec.garp().refresh()),
        duration(spec.garp().interval()),
        duration(spec.linkDebounce()),
        duration(spec.linkUpDelay()),
        duration(spec.linkDownDelay()),
        duration(spec.delayAfterBoot()),
        spec.addresses().stream()
            .map(a -> Parsed.of(a == null ? null : a.address(), IpPrefix::parse))
            .toList(),
        addresses(spec.transport().peers()),
        spec.heartbeats().stream().map(h -> addresses(h == null ? List.of() : h.peers())).toList(),
        spec.routes().stream().map(ParsedSpec::route).toList(),
        spec.rules().stream().map(ParsedSpec::rule).toList(),
        spec.virtualServers().stream().map(ParsedSpec::virtualServer).toList(),
        timeouts(spec.connectionTimeouts()),
        egress(spec.egress()),
        bfd(spec.detection()));
  }

  private static Parsed<Duration> duration(String text) {
    return Parsed.of(text, Durations::parse);
  }

  private static Parsed<InetAddress> address(String text) {
    return Parsed.of(text, IpPrefix::parseAddress);
  }

  private static List<Parsed<InetAddress>> addresses(List<String> texts) {
    return texts.stream().map(ParsedSpec::address).toList();
  }

  private static RouteTexts route(Route route) {
    if (route == null) {
      return new RouteTexts(Parsed.of(null, IpPrefix::parse), address(null), address(null));
    }
    return new RouteTexts(
        Parsed.of(route.to(), to -> to.equals(ANYWHERE) ? null : IpPrefix.parse(to)),
        address(route.via()),
        address(route.source()));
  }

  private static RuleTexts rule(Rule rule) {
    return new RuleTexts(
        Parsed.of(rule == null ? null : rule.from(), PolicyRule::prefix),
        Parsed.of(rule == null ? null : rule.to(), PolicyRule::prefix));
  }

  private static VirtualServerTexts virtualServer(VirtualServer server) {
    if (server == null) {
      return new VirtualServerTexts(List.of(), duration(null), address(null), List.of());
    }
    var persistence = server.persistence();
    var sorry = server.sorryServer();
    var real =
        server.realServers() == null ? List.<RealServer>of() : server.realServers().addresses();
    return new VirtualServerTexts(
        server.addresses().stream().map(ParsedSpec::address).toList(),
        duration(persistence == null ? null : persistence.timeout()),
        address(sorry == null ? null : sorry.address()),
        real.stream().map(r -> address(r == null ? null : r.address())).toList());
  }

  private static TimeoutTexts timeouts(ConnectionTimeouts timeouts) {
    return timeouts == null
        ? new TimeoutTexts(duration(null), duration(null), duration(null))
        : new TimeoutTexts(
            duration(timeouts.tcp()), duration(timeouts.tcpFin()), duration(timeouts.udp()));
  }

  private static EgressTexts egress(Egress egress) {
    return egress == null
        ? null
        : new EgressTexts(
            egress.sources().stream().map(ParsedSpec::prefix).toList(),
            egress.except().stream().map(ParsedSpec::prefix).toList(),
            egress.addresses().stream().map(ParsedSpec::address).toList());
  }

  private static Parsed<IpPrefix> prefix(String text) {
    return Parsed.of(text, IpPrefix::parse);
  }

  private static BfdTexts bfd(Detection detection) {
    var bfd = detection == null ? null : detection.bfd();
    return bfd == null
        ? null
        : new BfdTexts(
            bfd,
            duration(bfd.interval()),
            bfd.peers().stream().map(p -> address(p == null ? null : p.address())).toList());
  }

  /**
   * Whether adverts are IPv6 packets. That is the family of the advertised addresses, which in a
   * valid spec is the same for all. In an invalid spec it counts as IPv4 if it is unknown.
   */
  boolean isIpv6() {
    return spec.addresses().stream()
        .filter(a -> a != null && a.address() != null && a.advertised())
        .findFirst()
        .map(a -> a.address().contains(":"))
        .orElse(false);
  }

  /**
   * The advert interval. An invalid one, which has a problem of its own, counts as a day, so that
   * it causes no further problems.
   */
  Duration intervalOrLong() {
    return advertInterval.value() == null ? Duration.ofDays(1) : advertInterval.value();
  }
}
