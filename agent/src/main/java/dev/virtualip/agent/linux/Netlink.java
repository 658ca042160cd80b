package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.Rtnetlink.IPV4_DEVCONF_ARP_ANNOUNCE;
import static dev.virtualip.agent.linux.Rtnetlink.IPV4_DEVCONF_ARP_IGNORE;
import static dev.virtualip.agent.linux.Rtnetlink.IPV4_DEVCONF_PROMOTE_SECONDARIES;
import static dev.virtualip.agent.linux.Rtnetlink.IPV4_DEVCONF_RP_FILTER;

import dev.virtualip.agent.linux.NetlinkMessage.Body;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.Change.DeleteVirtualLink;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRule;
import dev.virtualip.agent.net.AddressPort.Change.PutVirtualLink;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Links, addresses, routes and rules of the network namespace it was opened in, through one
 * rtnetlink socket. Reading needs no capability, {@link #apply} needs NET_ADMIN. Calls of several
 * threads run one after the other.
 *
 * <p>After an IOException it is unknown which changes were made: read everything again.
 */
public final class Netlink implements AddressPort, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Netlink.class);

  private static final int[] FAMILIES = {Rtnetlink.AF_INET, Rtnetlink.AF_INET6};

  /** Protocols of routes that belong to the node's own configuration. */
  private static final int[] CONFIGURED = {
    Rtnetlink.RTPROT_BOOT, Rtnetlink.RTPROT_STATIC, Rtnetlink.RTPROT_DHCP
  };

  private static final String TAKEN =
      "EEXIST: somebody else's route has this destination and metric: remove it, or set another"
          + " metric in spec.routes";

  private static final String RULE_TAKEN =
      "EEXIST: somebody else has added the very same rule: remove it, or set another priority in"
          + " spec.rules";

  private final NetlinkExchange<NetlinkRequests> exchange =
      new NetlinkExchange<>(
          NetlinkProtocol.ROUTE, NetlinkRequests::new, NetlinkRequests.CHANGE_BYTES_MAX);

  private final VirtualLinks virtualLinks = new VirtualLinks(exchange);

  /** Interfaces of virtual MACs, as last read. */
  private Set<Integer> indexesOfVirtualLinks = Set.of();

  /** Links that have been asked to keep the other addresses of a subnet when its first one goes. */
  private final Set<Integer> promoting = new HashSet<>();

  private static final boolean KEEPS_ADDRESS_MARKS =
      keepsAddressMarks(System.getProperty("os.version"));

  /**
   * Opens the socket.
   *
   * @throws IOException if the kernel refuses
   * @throws UnsatisfiedLinkError if Java may not make native calls, or this is no Linux
   */
  public Netlink() throws IOException {}

  @Override
  public synchronized List<Link> links() throws IOException {
    var links =
        exchange.ask(
            NetlinkRequests::dumpLinks,
            body ->
                body instanceof Body.LinkState(_, var link) ? Optional.of(link) : Optional.empty());
    indexesOfVirtualLinks =
        links.stream()
            .filter(link -> link.virtual() != null)
            .map(Link::index)
            .collect(Collectors.toSet());
    return links;
  }

  @Override
  public synchronized String virtualLinkObstacle(boolean ipv4) {
    return virtualLinks.obstacle(ipv4);
  }

  @Override
  public synchronized List<BoundAddress> addresses() throws IOException {
    var addresses = new ArrayList<BoundAddress>();
    for (int family : FAMILIES) {
      addresses.addAll(
          exchange.ask(
              (out, number) -> out.dumpAddresses(number, family),
              body ->
                  body instanceof Body.AddressState(_, var address)
                          && isOf(family, address.prefix())
                      ? Optional.of(address)
                      : Optional.empty()));
    }
    return List.copyOf(addresses);
  }

  /**
   * Without IPv6 the kernel answers a request for its addresses with those of all other families.
   */
  private static boolean isOf(int family, IpPrefix prefix) {
    return prefix.isIpv6() == (family == Rtnetlink.AF_INET6);
  }

  @Override
  public synchronized List<InstalledRoute> routes() throws IOException {
    return routes(PROTOCOL);
  }

  private List<InstalledRoute> routes(int protocol) throws IOException {
    var routes = new ArrayList<InstalledRoute>();
    for (int family : FAMILIES) {
      routes.addAll(
          exchange.ask(
              (out, number) -> out.dumpRoutes(number, family, protocol),
              body ->
                  body instanceof Body.RouteState(_, _, int found, var route)
                          && found == protocol
                          && isOf(family, route.to())
                      ? Optional.of(route)
                      : Optional.empty()));
    }
    return List.copyOf(routes);
  }

  @Override
  public synchronized Set<InetAddress> gateways() throws IOException {
    var gateways = new HashSet<InetAddress>();
    for (int protocol : CONFIGURED) {
      for (var route : routes(protocol)) {
        if (route.via() != null && route.table() == Rtnetlink.RT_TABLE_MAIN) {
          gateways.add(route.via());
        }
      }
    }
    return gateways;
  }

  @Override
  public synchronized List<PolicyRule> rules() throws IOException {
    return dumpRules().stream()
        .filter(state -> state.protocol() == PROTOCOL)
        .map(Body.RuleState::rule)
        .toList();
  }

  private List<Body.RuleState> dumpRules() throws IOException {
    return exchange.ask(
        NetlinkRequests::dumpRules,
        body -> body instanceof Body.RuleState state ? Optional.of(state) : Optional.empty());
  }

  @Override
  public boolean keepsAddressMarks() {
    return KEEPS_ADDRESS_MARKS;
  }

  /** By the kernel's release, as in {@code 5.14.0-503.el9}: from 5.18 on. */
  static boolean keepsAddressMarks(String release) {
    var numbers = release.split("[^0-9]+", 3);
    int major = Integer.parseInt(numbers[0]);
    return major > 5 || major == 5 && Integer.parseInt(numbers[1]) >= 18;
  }

  @Override
  public boolean takesIpv6(Link link) {
    return isIpv6Setting(link, "disable_ipv6", "0");
  }

  @Override
  public boolean forwardsIpv6(Link link) {
    return isIpv6Setting(link, "forwarding", "1");
  }

  @Override
  public synchronized void restrictArp(Link link) throws IOException {
    atLeast(link, "arp_ignore", IPV4_DEVCONF_ARP_IGNORE, 1);
    atLeast(link, "arp_announce", IPV4_DEVCONF_ARP_ANNOUNCE, 2);
  }

  @Override
  public synchronized void openTunnel(Link link) throws IOException {
    if (!link.up()) {
      acknowledged((out, _, number) -> out.setUp(number, link.index()));
    }
    if (ipv4Setting(link.name(), "rp_filter") != 0) {
      acknowledged(
          (out, _, number) -> out.setInet(number, link.index(), IPV4_DEVCONF_RP_FILTER, 0));
    }
    if (ipv4Setting("all", "rp_filter") == 1) {
      throw new IOException(
          "net.ipv4.conf.all.rp_filter is 1, so packets from tunnels are dropped: set it to 0 or 2");
    }
  }

  private void atLeast(Link link, String name, int setting, int value) throws IOException {
    if (Math.max(ipv4Setting(link.name(), name), ipv4Setting("all", name)) < value) {
      acknowledged((out, _, number) -> out.setInet(number, link.index(), setting, value));
    }
  }

  private void acknowledged(NetlinkExchange.Request<NetlinkRequests> request) throws IOException {
    var answer = exchange.acknowledged(1, request).getFirst();
    if (answer.errno() != 0) {
      throw new IOException(explain(answer));
    }
  }

  static int ipv4Setting(String link, String setting) throws IOException {
    return Integer.parseInt(
        Files.readString(Path.of("/proc/sys/net/ipv4/conf", link, setting)).strip());
  }

  private static boolean isIpv6Setting(Link link, String setting, String value) {
    try {
      return Files.readString(Path.of("/proc/sys/net/ipv6/conf", link.name(), setting))
          .startsWith(value);
    } catch (IOException _) {
      // The file is missing without IPv6 or without the link.
      return false;
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>One write takes up to 512 changes; more changes take several writes.
   */
  @Override
  public synchronized List<Failure> apply(List<Change> changes) throws IOException {
    var failures = new ArrayList<Failure>();
    var others = withoutVirtualLinks(changes, failures);
    promoteSecondaries(others);
    var taken = new ArrayList<PutRoute>();
    var possible = withoutVainRules(withoutVainDeletions(others), failures);
    applyAll(possible, false, failures, taken);
    if (!taken.isEmpty()) {
      applyAll(besideOurs(taken, failures), true, failures, new ArrayList<>());
    }
    return List.copyOf(failures);
  }

  /** Puts whose place only our own routes have, and deletions of those IPv4 routes they replace. */
  private List<Change> besideOurs(List<PutRoute> taken, List<Failure> failures) throws IOException {
    var ours = routes();
    var others = withPlaceOfOthers(taken.stream().map(PutRoute::route).toList(), ours);
    var changes = new ArrayList<Change>();
    var replaced = new LinkedHashSet<InstalledRoute>();
    for (var put : taken) {
      var route = put.route();
      if (others.contains(route)) {
        failures.add(new Failure(put, TAKEN));
        continue;
      }
      changes.add(put);
      ours.stream()
          .filter(our -> !our.to().isIpv6() && route.replaces(our) && !route.equals(our))
          .forEach(replaced::add);
    }
    // After the puts: packets always find one of them.
    replaced.forEach(route -> changes.add(new Change.DeleteRoute(route)));
    return changes;
  }

  /**
   * Those of these routes whose place is somebody else's. Behind a route that has replaced one of
   * ours, there may be others of ours.
   *
   * @param taken routes whose place any route has
   */
  private Set<InstalledRoute> withPlaceOfOthers(
      List<InstalledRoute> taken, List<InstalledRoute> ours) throws IOException {
    var unclear = new LinkedHashSet<>(taken);
    unclear.removeIf(route -> ours.stream().anyMatch(route::replaces));
    var others = new HashSet<>(unclear);
    others.removeIf(route -> ours.stream().anyMatch(route::hasPlaceOf));
    unclear.removeAll(others);
    if (!unclear.isEmpty()) {
      for (int protocol : CONFIGURED) {
        var configured = routes(protocol);
        unclear.stream()
            .filter(route -> configured.stream().anyMatch(route::hasPlaceOf))
            .forEach(others::add);
      }
    }
    return others;
  }

  /** Makes and removes the interfaces of virtual MACs, each of which takes several requests. */
  private List<Change> withoutVirtualLinks(List<Change> changes, List<Failure> failures)
      throws IOException {
    var others = new ArrayList<Change>();
    for (var change : changes) {
      var error =
          switch (change) {
            case PutVirtualLink put -> putVirtualLink(put);
            case DeleteVirtualLink delete -> virtualLinks.delete(delete, links());
            default -> {
              others.add(change);
              yield null;
            }
          };
      if (error != null) {
        failures.add(new Failure(change, error));
      }
    }
    return others;
  }

  private String putVirtualLink(PutVirtualLink put) throws IOException {
    var links = links();
    var error = virtualLinks.put(put, links);
    for (var link : links) {
      if (error == null && link.index() == put.parent()) {
        restrictArp(link);
      }
    }
    return error;
  }

  /**
   * The node's own address may have come to a link after a virtual one of its subnet, and would go
   * with it. At the end of a lease nobody would be there to put it back: so the link is told once,
   * and keeps to it without us.
   */
  private void promoteSecondaries(List<Change> changes) throws IOException {
    for (var change : changes) {
      switch (change) {
        case Change.PutAddress(int link, var prefix, _) when !prefix.isIpv6() ->
            promoteSecondaries(link);
        case Change.DeleteAddress(int link, var prefix) when !prefix.isIpv6() ->
            promoteSecondaries(link);
        default -> {}
      }
    }
  }

  private void promoteSecondaries(int link) throws IOException {
    if (!promoting.add(link)) {
      return;
    }
    var answer =
        exchange
            .acknowledged(
                1,
                (out, _, number) -> out.setInet(number, link, IPV4_DEVCONF_PROMOTE_SECONDARIES, 1))
            .getFirst();
    if (answer.errno() != 0 && answer.errno() != Errno.ENODEV) {
      LOG.warn("secondaries_not_promoted link={} error=\"{}\"", link, explain(answer));
    }
  }

  /**
   * Drops deletions of routes that do not exist. To the kernel, a missing metric, gateway or source
   * matches any, so it would delete another route instead.
   */
  private List<Change> withoutVainDeletions(List<Change> changes) throws IOException {
    if (changes.stream().noneMatch(Change.DeleteRoute.class::isInstance)) {
      return changes;
    }
    var installed = new HashSet<InstalledRoute>();
    routes().forEach(route -> installed.add(deletable(route)));
    var possible = new ArrayList<Change>();
    for (var change : changes) {
      if (change instanceof PutRoute put) {
        installed.add(deletable(put.route()));
      }
      if (!(change instanceof Change.DeleteRoute(var route))) {
        possible.add(change);
      } else if (installed.remove(deletable(route))) {
        possible.add(new Change.DeleteRoute(deletable(route)));
      }
    }
    return possible;
  }

  /** The parts that identify a route: an IPv6 route loses its source together with the address. */
  private static InstalledRoute deletable(InstalledRoute route) {
    return route.to().isIpv6()
        ? new InstalledRoute(
            route.linkIndex(),
            route.to(),
            route.via(),
            null,
            route.table(),
            route.metric(),
            route.onLink())
        : route;
  }

  /**
   * Drops additions of rules that exist and deletions of rules that do not. To the kernel, a
   * missing source or destination matches any. With NLM_F_EXCL it would refuse a rule because of a
   * narrower one, and it would delete the narrower one instead.
   */
  private List<Change> withoutVainRules(List<Change> changes, List<Failure> failures)
      throws IOException {
    if (changes.stream().noneMatch(c -> c instanceof PutRule || c instanceof DeleteRule)) {
      return changes;
    }
    var ours = new HashSet<PolicyRule>();
    var others = new HashSet<PolicyRule>();
    dumpRules().forEach(state -> (state.protocol() == PROTOCOL ? ours : others).add(state.rule()));
    var possible = new ArrayList<Change>();
    for (var change : changes) {
      switch (change) {
        case PutRule(var rule) when ours.contains(rule) -> {}
        case PutRule(var rule) when others.contains(rule) ->
            failures.add(new Failure(change, RULE_TAKEN));
        case PutRule(var rule) -> {
          ours.add(rule);
          possible.add(change);
        }
        case DeleteRule(var rule) when !ours.remove(rule) -> {}
        case Change.PutAddress _,
            Change.DeleteAddress _,
            PutRoute _,
            Change.DeleteRoute _,
            DeleteRule _,
            PutVirtualLink _,
            DeleteVirtualLink _ ->
            possible.add(change);
      }
    }
    return possible;
  }

  private void applyAll(
      List<? extends Change> changes,
      boolean besideRoutes,
      List<Failure> failures,
      List<PutRoute> taken)
      throws IOException {
    var answers =
        exchange.acknowledged(
            changes.size(), (out, i, number) -> write(out, number, changes.get(i), besideRoutes));
    for (int i = 0; i < answers.size(); i++) {
      boolean exists = answers.get(i).errno() == Errno.EEXIST;
      if (exists && !besideRoutes && changes.get(i) instanceof PutRoute put) {
        taken.add(put);
      } else if (!isSuccess(changes.get(i), answers.get(i).errno())) {
        failures.add(new Failure(changes.get(i), explain(answers.get(i))));
      }
    }
  }

  private void write(NetlinkRequests out, int number, Change change, boolean besideRoutes) {
    if (change instanceof Change.PutAddress put
        && indexesOfVirtualLinks.contains(put.linkIndex())) {
      out.putAddress(number, put, true);
    } else {
      out.change(number, change, besideRoutes);
    }
  }

  @Override
  public synchronized List<InstalledRoute> taken(List<InstalledRoute> routes) throws IOException {
    var asked = routes.stream().filter(route -> !route.to().isIpv6()).toList();
    if (asked.isEmpty()) {
      return List.of();
    }
    var answers =
        exchange.acknowledged(asked.size(), (out, i, number) -> out.probe(number, asked.get(i)));
    var taken =
        IntStream.range(0, asked.size())
            .filter(i -> answers.get(i).errno() == Errno.EEXIST)
            .mapToObj(asked::get)
            .toList();
    if (taken.isEmpty()) {
      return taken;
    }
    var others = withPlaceOfOthers(taken, routes());
    return taken.stream().filter(others::contains).toList();
  }

  /** EEXIST beside other routes means that exactly this route exists. */
  private static boolean isSuccess(Change change, int errno) {
    return switch (change) {
      case Change.PutAddress _ -> errno == 0;
      case PutRoute _ -> errno == 0 || errno == Errno.EEXIST;
      case Change.DeleteAddress _ ->
          errno == 0 || errno == Errno.EADDRNOTAVAIL || errno == Errno.ENODEV;
      case Change.DeleteRoute _ -> errno == 0 || errno == Errno.ESRCH || errno == Errno.ENODEV;
      case PutRule _, PutVirtualLink _, DeleteVirtualLink _ -> errno == 0;
      case DeleteRule _ -> errno == 0 || errno == Errno.ENOENT;
    };
  }

  static String explain(Body.Acknowledged answer) {
    var meaning =
        switch (answer.errno()) {
          case Errno.EPERM -> "not allowed: give the agent the capability NET_ADMIN";
          case Errno.EACCES -> "IPv6 is off there: set net.ipv6.conf.NIC.disable_ipv6 to 0";
          case Errno.ENODEV -> "no such interface";
          case Errno.ENETDOWN -> "the interface is down: set it up";
          case Errno.ENETUNREACH, Errno.EHOSTUNREACH ->
              "no prefix on the interface covers the gateway: bind one, or set onLink";
          case Errno.EINVAL -> "the kernel takes no such value";
          case Errno.ENOMEM, Errno.ENOBUFS -> "the kernel is out of memory";
          default -> "the kernel refused";
        };
    var text = Errno.name(answer.errno()) + ": " + meaning;
    return answer.text().isEmpty() ? text : text + " (" + answer.text() + ")";
  }

  /** Closes the socket. Addresses, routes and rules stay; those with a lease until it ends. */
  @Override
  public synchronized void close() {
    exchange.close();
  }
}
