package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Failure;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that one virtual router holds on its node. Used by one thread; times are its
 * nanoseconds.
 *
 * <p>Each {@link Kind} knows its own things; this class knows only their order. What others depend
 * on is put first and removed last.
 */
public final class Holdings {
  private static final Logger LOG = LoggerFactory.getLogger(Holdings.class);

  private final NodeNetwork network;
  private final AddressPort port;
  private final SharedRoutes shared;
  private final Held<Addresses.Held> addresses;
  private final Held<InstalledRoute> routes;
  private final Held<PolicyRule> rules;
  private final Services services;

  /** Whatever else it is that a master has is on this one, so it comes before all. */
  private final Held<VirtualLinks.Held> virtualLinks;

  private final List<Held<?>> all;
  private long renewedAt;

  /** What is left of a round of renewals, and when it began. */
  private final Queue<Change> renewals = new ArrayDeque<>();

  private long roundAt;

  private boolean doubted;

  /** An object that holds nothing yet. */
  public Holdings(NodeNetwork network, AddressPort port, SharedRoutes shared, IpvsPort ipvs) {
    this.network = network;
    this.port = port;
    this.shared = shared;
    addresses = new Held<>(new Addresses(), network);
    routes = new Held<>(new Routes(), network);
    rules = new Held<>(new Rules(), network);
    services = new Services(ipvs);
    virtualLinks = new Held<>(new VirtualLinks(), network);
    all = List.of(addresses, routes, rules);
  }

  static Link link(String interfaceName, NodeNetwork network) throws Kind.MissingNic {
    var link = network.link(interfaceName);
    if (link == null) {
      throw new Kind.MissingNic(interfaceName);
    }
    return link;
  }

  static int linkIndex(String interfaceName, NodeNetwork network) throws Kind.MissingNic {
    return link(interfaceName, network).index();
  }

  /**
   * Puts everything that has a lease or is not on the node, then removes what is held but no longer
   * configured.
   *
   * @return null, or the error: a missing NIC, or the changes that the kernel refused
   */
  public String hold(InstanceConfig config, List<VirtualService> wanted, long now) {
    try {
      var refused = haveVirtualMac(config);
      if (refused != null) {
        return refused;
      }
      for (var held : all) {
        held.want(config);
      }
    } catch (Kind.MissingNic e) {
      return e.getMessage();
    }
    // An address without its services resets the connections of clients that know this node's MAC.
    var refusal = balance(wanted);
    if (refusal != null) {
      return refusal;
    }
    var changes = changes(Timers.leaseSeconds(config.router()));
    all.forEach(Held::asked);
    var error = apply(changes);
    if (error == null) {
      all.forEach(Held::done);
      renewals.clear();
      renewedAt = now;
    }
    return error;
  }

  /** Makes the interface of the virtual MAC. The kernel tells its index then. */
  private String haveVirtualMac(InstanceConfig config) throws Kind.MissingNic {
    virtualLinks.want(config);
    var puts = virtualLinks.puts(0);
    if (puts.isEmpty()) {
      return null;
    }
    virtualLinks.asked();
    var error = apply(puts);
    if (error != null) {
      return error;
    }
    virtualLinks.done();
    try {
      network.reloadLinks();
    } catch (IOException e) {
      return e.getMessage();
    }
    return virtualLinks.missing().isEmpty() ? null : "the virtual MAC's interface is gone at once";
  }

  /**
   * Makes IPVS have exactly these virtual services of this virtual router.
   *
   * @return null, or what the kernel refused
   */
  public String balance(List<VirtualService> wanted) {
    return services.hold(wanted);
  }

  /**
   * Whether IPVS does not have what {@link #balance} has put.
   *
   * @param found all virtual services, as just read
   */
  public boolean isUnbalanced(List<VirtualService> wanted, List<VirtualService> found) {
    return services.isDifferent(wanted, found);
  }

  /** Keys of the virtual services that may be in IPVS. */
  public Set<ServiceKey> services() {
    return services.ours();
  }

  /**
   * Puts what is {@linkplain #missing missing}. The leases of all else are renewed as before.
   *
   * @return null, or the changes that the kernel refused
   */
  public String putBack(InstanceConfig config) {
    try {
      var refused = haveVirtualMac(config);
      if (refused != null) {
        return refused;
      }
      if (config.virtualMac() != null) {
        // One that was made anew has another index.
        for (var held : all) {
          held.wantElsewhere(config);
        }
      }
    } catch (Kind.MissingNic e) {
      return e.getMessage();
    }
    long lease = Timers.leaseSeconds(config.router());
    var changes = new ArrayList<Change>();
    all.forEach(held -> changes.addAll(held.putsBack(lease)));
    var error = apply(changes);
    if (error == null) {
      all.forEach(Held::done);
    }
    return error;
  }

  private String apply(List<Change> changes) {
    try {
      return refused(port.apply(shared.shared(this, changes)));
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  /**
   * Begins a round of renewals unless one is going on. Whoever removes addresses one by one keeps
   * the kernel busy: what a report says is gone is left to {@link #missing}.
   *
   * @return how many are left of the round
   */
  public int renewalsDue(InstanceConfig config, long now) {
    if (renewals.isEmpty()) {
      long lease = Timers.leaseSeconds(config.router());
      all.forEach(held -> renewals.addAll(held.renewals(lease)));
      roundAt = now;
    }
    return renewals.size();
  }

  /**
   * Goes on with a round of renewals.
   *
   * @param most how many to make
   * @return null, or the changes that the kernel refused
   */
  public String renew(int most) {
    return apply(next(most));
  }

  /**
   * The next renewals of a round, for a write to the kernel together with others'.
   *
   * @param most how many
   */
  public List<Change> renewals(int most) {
    return shared.shared(this, next(most));
  }

  private List<Change> next(int most) {
    var part = new ArrayList<Change>();
    while (part.size() < most && !renewals.isEmpty()) {
      part.add(renewals.remove());
    }
    if (renewals.isEmpty()) {
      renewedAt = roundAt;
    }
    return part;
  }

  /**
   * After a refused renewal: all that has a lease counts as {@link #missing}.
   *
   * @return false if that is so already, and nobody has looked since
   */
  public boolean doubt() {
    boolean first = !doubted;
    doubted = true;
    renewals.clear();
    all.forEach(Held::doubt);
    return first;
  }

  /** Whether a round of renewals is not at its end. */
  public boolean renewsMore() {
    return !renewals.isEmpty();
  }

  private List<Change> changes(long lease) {
    var changes = new ArrayList<Change>();
    all.forEach(held -> changes.addAll(held.puts(lease)));
    changes.addAll(rules.deletes());
    changes.addAll(routes.deletes());
    var gone = addresses.deletes();
    if (!gone.isEmpty()) {
      changes.addAll(gone);
      // When the first address of a subnet is deleted, the kernel may remove the others and their
      // routes.
      changes.addAll(addresses.putsAnew(lease));
      changes.addAll(routes.putsAnew(lease));
    }
    return changes;
  }

  /** Changes that the kernel refused, in words; null if there are none. */
  public static String refused(List<Failure> failures) {
    return failures.isEmpty()
        ? null
        : failures.stream()
            .map(failure -> failure.change().subject() + ": " + failure.error())
            .collect(Collectors.joining("; "));
  }

  /** Whether the leases have to be renewed with the advert that is sent now. */
  public boolean renewalDue(long now, InstanceConfig config) {
    return Timers.renewalDue(now - renewedAt, config.router().advertInterval());
  }

  /** Whether a report says that something held has been removed. */
  public boolean loses(NetworkEvent event) {
    boolean loses = virtualLinks.loses(event);
    for (var held : all) {
      loses |= held.loses(event);
    }
    return loses;
  }

  /**
   * Whether a report may mean that something held has been removed, so that the node has to be
   * read.
   */
  public boolean mayLose(NetworkEvent event) {
    boolean may = virtualLinks.mayLose(event);
    for (var held : all) {
      may |= held.mayLose(event);
    }
    return may;
  }

  /** Wanted things that were not on the node when it was last read. {@link #putBack} puts them. */
  public List<?> missing() {
    doubted = false;
    return Stream.concat(Stream.of(virtualLinks), all.stream())
        .flatMap(held -> held.missing().stream())
        .toList();
  }

  /**
   * Takes over what is configured and an earlier life of the agent has left on the node.
   *
   * @return seconds until the last lease of these addresses ends, 0 if none is left
   */
  public long adopt(InstanceConfig config) {
    virtualLinks.adopt(config);
    all.forEach(held -> held.adopt(config));
    return network
        .addresses()
        .filter(bound -> addresses.holds(Addresses.held(bound)))
        .mapToLong(BoundAddress::leaseSeconds)
        .max()
        .orElse(0);
  }

  /**
   * Takes off what it has put, and nothing else. What the kernel refuses is a {@linkplain
   * #clearLeftOvers left-over}.
   */
  public void release(InstanceConfig config) {
    renewals.clear();
    doubted = false;
    var changes = new ArrayList<Change>();
    all.reversed().forEach(held -> changes.addAll(held.release()));
    notReleased(config, changes.isEmpty() ? null : apply(changes));
    // An interface takes the kernel a while: it becomes a left-over, and nobody waits for it.
    virtualLinks.release();
    // With its last service IPVS lets packets through: an address that is still there resets them.
    notReleased(config, services.release());
  }

  private static void notReleased(InstanceConfig config, String error) {
    if (error != null) {
      LOG.error("release_failed vip={} error=\"{}\" action=try_again", config.name(), error);
    }
  }

  /**
   * Removes everything on the node, as last read, that carries virtualip's mark but is held by none
   * of these: left-overs of an earlier life, or of a failed release.
   *
   * @param holders the holdings of all virtual routers of the node
   * @param accepted what the node accepts as a real server
   */
  public static void clearLeftOvers(
      NodeNetwork network, AddressPort port, List<Holdings> holders, AcceptedAddresses accepted) {
    var changes = new ArrayList<Change>();
    changes.addAll(leftOvers(new Rules(), network, ours(holders, holdings -> holdings.rules)));
    changes.addAll(leftOvers(new Routes(), network, ours(holders, holdings -> holdings.routes)));
    var addresses = ours(holders, holdings -> holdings.addresses);
    addresses.addAll(accepted.ours());
    changes.addAll(leftOvers(new Addresses(), network, addresses));
    changes.addAll(
        leftOvers(new VirtualLinks(), network, ours(holders, holdings -> holdings.virtualLinks)));
    if (changes.isEmpty()) {
      return;
    }
    try {
      var failures = port.apply(changes);
      LOG.warn("left_overs_removed changes={} failures={}", changes, failures);
    } catch (IOException e) {
      LOG.error("left_overs_not_removed error=\"{}\" action=try_again", e.getMessage());
    }
  }

  /** At the end of the agent: removes the interfaces of virtual MACs, which nobody needs then. */
  public static void clearVirtualLinks(NodeNetwork network, AddressPort port) {
    var changes = leftOvers(new VirtualLinks(), network, Set.of());
    if (changes.isEmpty()) {
      return;
    }
    try {
      var failures = port.apply(changes);
      LOG.info("virtual_links_removed changes={} failures={}", changes, failures);
    } catch (IOException e) {
      LOG.error("virtual_links_not_removed error=\"{}\"", e.getMessage());
    }
  }

  private static <T> Set<T> ours(List<Holdings> holders, Function<Holdings, Held<T>> held) {
    var ours = new HashSet<T>();
    holders.forEach(holder -> ours.addAll(held.apply(holder).ours()));
    return ours;
  }

  private static <T> List<Change> leftOvers(Kind<T> kind, NodeNetwork network, Set<T> ours) {
    return kind.marked(network).stream()
        .filter(thing -> !ours.contains(thing))
        .filter(thing -> ours.stream().noneMatch(our -> kind.isSame(our, thing)))
        .map(kind::delete)
        .toList()
        .reversed();
  }

  /**
   * Addresses that are configured and that their NIC has from somebody else: the node's own, or
   * those of another program. They are not put, and never taken off.
   */
  public List<IpPrefix> addressesOfOthers(InstanceConfig config) {
    return addresses.ofOthers(config).stream().map(Addresses.Held::prefix).toList();
  }

  /** What the kernel would refuse now, and what to do about it. Nothing is changed. */
  public List<String> obstacles(InstanceConfig config) {
    var obstacles = new ArrayList<>(linksWithoutIpv6(config));
    for (var route : routesTaken(config)) {
      obstacles.add(
          "route to %s: somebody else's has this destination and metric: remove it, or set another metric in spec.routes"
              .formatted(route.to()));
    }
    return obstacles;
  }

  /**
   * What keeps this node from having the virtual MAC, and what to do about it; null if nothing does
   * or none is configured. Nothing is changed.
   */
  public String virtualMacObstacle(InstanceConfig config) {
    return config.virtualMac() == null
        ? null
        : port.virtualLinkObstacle(
            config.addresses().stream().anyMatch(address -> !address.prefix().isIpv6()));
  }

  private List<String> linksWithoutIpv6(InstanceConfig config) {
    return addresses.configured(config).stream()
        .filter(address -> address.prefix().isIpv6())
        .map(address -> network.linkAt(address.linkIndex()))
        .distinct()
        .filter(link -> !port.takesIpv6(link))
        .map(Link::name)
        .map(
            name -> "IPv6 is off on %1$s: set net.ipv6.conf.%1$s.disable_ipv6 to 0".formatted(name))
        .toList();
  }

  private List<InstalledRoute> routesTaken(InstanceConfig config) {
    var wanted = routes.configured(config);
    if (wanted.isEmpty()) {
      return List.of();
    }
    try {
      return port.taken(wanted).stream().filter(route -> !routes.holds(route)).toList();
    } catch (IOException e) {
      LOG.warn("routes_not_asked vip={} error=\"{}\"", config.name(), e.getMessage());
      return List.of();
    }
  }

  /**
   * Where the node has the configured addresses from others, on any NIC but lo, as in {@code
   * 203.0.113.10/32 dev kube-ipvs0}.
   */
  public List<String> strays(InstanceConfig config) {
    return config.addresses().stream()
        .flatMap(address -> network.boundAs(address.prefix().address()))
        .filter(bound -> network.isOfOthers(bound) && !addresses.holds(Addresses.held(bound)))
        .map(bound -> bound.prefix() + " dev " + network.linkName(bound.linkIndex()))
        .filter(stray -> !stray.endsWith(" dev lo"))
        .toList();
  }
}
