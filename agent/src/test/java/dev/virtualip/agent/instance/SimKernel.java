package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.Change.DeleteVirtualLink;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRule;
import dev.virtualip.agent.net.AddressPort.Change.PutVirtualLink;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The network of one simulated node as Linux keeps it: leases that end, up to 1.1 s late; addresses
 * that go with the first of their subnet; routes that go unreported with a link or with its last
 * address; NICs that are pulled out and come back as another; reports that come late, or are lost
 * and become an overrun; refusals of one change, and answers that are lost. See the contract of
 * {@link AddressPort}.
 */
final class SimKernel implements AddressPort {
  /** The NICs by their slots; the kernel's index of one that has been pulled out is another. */
  static final int ETH0 = 2;

  static final int ETH1 = 3;
  static final int ETH2 = 4;
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;

  /** A report is late, a turn takes its time, and a frozen node takes longer. */
  private static final long KNOWN_AFTER = 9 * SECOND;

  /** Something bound. */
  private record Bound(int link, IpPrefix prefix, long leaseEnd, int protocol, long id) {
    boolean isInSubnetOf(Bound other) {
      return link == other.link
          && prefix.length() == other.prefix.length()
          && other.prefix.contains(prefix.address());
    }
  }

  private final SimAgenda agenda;
  private final SplittableRandom random;
  private final Consumer<NetworkEvent> reports;
  private final Map<Integer, Link> links = new LinkedHashMap<>();

  /** A kernel may refuse to be told. */
  private final boolean promotesSecondaries;

  private final Map<IpPrefix, Bound> addresses = new LinkedHashMap<>();
  private final List<InstalledRoute> routes = new ArrayList<>();
  private final List<InstalledRoute> foreignRoutes = new ArrayList<>();
  private final List<PolicyRule> rules = new ArrayList<>();
  private final Set<Integer> pulledOut = new LinkedHashSet<>();

  /** The interfaces of virtual MACs, by name. */
  private final Map<String, Link> virtualLinks = new LinkedHashMap<>();

  private int made;
  private long ids;
  private int plugged;
  private long lastReportAt;
  private boolean overrun;

  /**
   * Probability that a batch of changes fails half-way or one of them is refused, and that a report
   * is lost.
   */
  double failure;

  double reportLoss;

  /** When the node last lost something that the agent could not know of at once. */
  long disturbedAt = Long.MIN_VALUE / 2;

  final FakeIpvs ipvs = new FakeIpvs(new ArrayList<>());

  /** When it was read, and when it refused a change, for the last time. */
  long readAt = Long.MIN_VALUE / 2;

  long refusedAt = Long.MIN_VALUE / 2;

  /** When somebody else last gave a place back that ours may want. */
  long freedAt = Long.MIN_VALUE / 2;

  private InetAddress own;

  /** The node's own address on eth2; null where it has none. */
  private IpPrefix further;

  private long foreignSince = Long.MIN_VALUE / 2;

  /** When a batch of changes last failed half-way. */
  long failedAt = Long.MIN_VALUE / 2;

  SimKernel(SimAgenda agenda, SplittableRandom random, int node, Consumer<NetworkEvent> reports) {
    this.agenda = agenda;
    this.random = random;
    this.reports = reports;
    promotesSecondaries = random.nextBoolean();
    for (int index : new int[] {ETH0, ETH1, ETH2}) {
      var mac = new HardwareAddress(new byte[] {2, 0, 0, 0, (byte) node, (byte) index});
      links.put(index, new Link(index, "eth" + (index - ETH0), true, mac, 1500));
    }
    boot(node);
  }

  private void boot(int node) {
    var own = IpPrefix.parse("10.0.0." + (11 + node) + "/24");
    this.own = own.address();
    addresses.put(own, new Bound(ETH0, own, 0, 0, ids++));
    if (further != null) {
      addresses.put(further, new Bound(link(ETH2).index(), further, 0, 0, ids++));
    }
  }

  /** Gives eth2 a network, on which the addresses of the nodes have another order than on eth0. */
  void connectEth2(int node) {
    further = IpPrefix.parse("10.0.2." + (40 - 7 * node + 20 * (node % 2)) + "/24");
    addresses.put(further, new Bound(ETH2, further, 0, 0, ids++));
  }

  /** The node's own address. */
  InetAddress own() {
    return own;
  }

  /** All but the node's own address is gone. */
  void reboot(int node) {
    addresses.clear();
    routes.clear();
    foreignRoutes.clear();
    freedAt = agenda.now();
    rules.clear();
    virtualLinks.clear();
    links.replaceAll((_, link) -> with(link, link.index(), true));
    pulledOut.clear();
    overrun = false;
    boot(node);
  }

  private static Link with(Link link, int index, boolean up) {
    return new Link(index, link.name(), up, link.mac(), link.mtu());
  }

  /** The NIC in a slot, or null while it is pulled out. */
  Link link(int slot) {
    return pulledOut.contains(slot) ? null : links.get(slot);
  }

  /** The NIC with this index, or null. */
  private Link byIndex(int index) {
    for (int slot : links.keySet()) {
      var link = link(slot);
      if (link != null && link.index() == index) {
        return link;
      }
    }
    return virtualLinks.values().stream()
        .filter(link -> link.index() == index)
        .map(this::withCarrier)
        .findFirst()
        .orElse(null);
  }

  /** It has the carrier of its NIC. */
  private Link withCarrier(Link link) {
    return new Link(
        link.index(),
        link.name(),
        works(link.virtual().parent()),
        link.mac(),
        link.mtu(),
        link.altNames(),
        0,
        link.virtual());
  }

  int virtualLinkCount() {
    return virtualLinks.size();
  }

  /** The slot of the NIC with this index. */
  int slot(int index) {
    return links.keySet().stream()
        .filter(slot -> links.get(slot).index() == index)
        .findFirst()
        .orElse(0);
  }

  /** Whether frames get out by the NIC in a slot, and come in. */
  boolean isUp(int slot) {
    var link = link(slot);
    return link != null && link.up();
  }

  /** Whether frames get out by the NIC with this index. */
  boolean works(int index) {
    var link = byIndex(index);
    return link != null && link.up();
  }

  boolean holds(InetAddress address) {
    for (var bound : addresses.values()) {
      if (bound.prefix().address().equals(address)) {
        return true;
      }
    }
    return false;
  }

  /** The MAC that it answers with for an address, by the NIC in a slot; null if it is silent. */
  HardwareAddress answers(int slot, InetAddress address) {
    var nic = link(slot);
    if (nic == null || !nic.up()) {
      return null;
    }
    return addresses.values().stream()
        .filter(bound -> bound.prefix().address().equals(address))
        .map(bound -> byIndex(bound.link()))
        .filter(Objects::nonNull)
        .filter(link -> isOn(nic, link))
        .map(Link::mac)
        .findFirst()
        .orElse(null);
  }

  private static boolean isOn(Link nic, Link link) {
    return link.index() == nic.index()
        || link.virtual() != null && link.virtual().parent() == nic.index();
  }

  /** Whether the agent has put this here. */
  boolean holds(IpPrefix prefix) {
    var bound = addresses.get(prefix);
    return bound != null && bound.protocol() == PROTOCOL;
  }

  /** Somebody else puts an address here, for ever. */
  void putByOthers(IpPrefix prefix) {
    var link = link(ETH1);
    if (link != null && !addresses.containsKey(prefix)) {
      addresses.put(prefix, new Bound(link.index(), prefix, 0, 0, ids++));
      foreignSince = agenda.now();
      report(new AddressPut(new BoundAddress(link.index(), prefix, 0, 0)));
    }
  }

  boolean holdsRoute(SimVip vip) {
    return routes.stream().anyMatch(vip::owns);
  }

  int ruleCount() {
    return rules.size();
  }

  /**
   * A NIC works, or not.
   *
   * @param setDown it is set down, and its routes go without a word; else it has lost its carrier,
   *     and keeps them
   */
  void setLink(int slot, boolean up, boolean setDown) {
    var link = link(slot);
    if (link != null && link.up() != up) {
      links.put(slot, with(link, link.index(), up));
      if (setDown && !up) {
        routes.removeIf(route -> route.linkIndex() == link.index());
      }
      disturbedAt = agenda.now();
      report(new LinkChanged(links.get(slot)));
      // Linux tells the operational state of macvlans as well, as it follows that of their NIC.
      virtualLinksOf(link).forEach(virtual -> report(new LinkChanged(withCarrier(virtual))));
    }
  }

  private List<Link> virtualLinksOf(Link link) {
    return virtualLinks.values().stream()
        .filter(virtual -> virtual.virtual().parent() == link.index())
        .toList();
  }

  /** A NIC is pulled out, with all that is bound to it: its routes go without a word. */
  void pullOut(int slot) {
    var link = link(slot);
    if (link != null) {
      disturbedAt = agenda.now();
      virtualLinksOf(link).forEach(this::removeVirtualLink);
      removeAllOf(link);
      pulledOut.add(slot);
      report(new LinkRemoved(link.index(), link.name()));
    }
  }

  private void removeVirtualLink(Link link) {
    virtualLinks.remove(link.name());
    removeAllOf(link);
    report(new LinkRemoved(link.index(), link.name()));
  }

  private void removeAllOf(Link link) {
    routes.removeIf(route -> route.linkIndex() == link.index());
    List.copyOf(addresses.values()).stream()
        .filter(bound -> bound.link() == link.index())
        .forEach(this::removeOne);
  }

  /** It is put in again, and works. */
  void putIn(int slot) {
    if (pulledOut.remove(slot)) {
      disturbedAt = agenda.now();
      links.put(slot, with(links.get(slot), 10 + 10 * ++plugged + slot, true));
      report(new LinkChanged(links.get(slot)));
      if (slot == ETH2 && further != null) {
        int index = links.get(slot).index();
        addresses.put(further, new Bound(index, further, 0, 0, ids++));
        report(new AddressPut(new BoundAddress(index, further, 0, 0)));
      }
    }
  }

  /** Somebody else removes an address. */
  void removeByOthers(IpPrefix prefix) {
    var bound = addresses.get(prefix);
    if (bound != null) {
      disturbedAt = agenda.now();
      remove(bound);
    }
  }

  /** Somebody else puts a route in the place of ours, or takes it away again. */
  void foreignRoute(InstalledRoute route, boolean there) {
    foreignRoutes.removeIf(route::hasPlaceOf);
    freedAt = there ? freedAt : agenda.now();
    if (there) {
      foreignRoutes.add(route);
      if (routes.removeIf(route::hasPlaceOf)) {
        disturbedAt = agenda.now();
        report(new RouteRemoved(route));
      }
    }
  }

  void clearForeign() {
    foreignRoutes.clear();
    freedAt = agenda.now();
    disturbedAt = agenda.now();
    List.copyOf(addresses.values()).stream()
        .filter(bound -> bound.protocol() != PROTOCOL && bound.link() != ETH0)
        .filter(bound -> !bound.prefix().equals(further))
        .forEach(this::remove);
  }

  private void report(NetworkEvent event) {
    if (random.nextDouble() < reportLoss) {
      overrun = true;
    }
    lastReportAt = Math.max(lastReportAt, agenda.now() + random.nextLong(20_000, 3 * MS));
    agenda.after(
        lastReportAt - agenda.now(),
        () -> {
          if (overrun) {
            overrun = false;
            reports.accept(new Overrun());
          } else {
            reports.accept(event);
          }
        });
  }

  private void remove(Bound bound) {
    var subnet = addresses.values().stream().filter(b -> b.isInSubnetOf(bound)).toList();
    if (!promotesSecondaries && subnet.size() > 1 && subnet.getFirst() == bound) {
      disturbedAt = agenda.now();
      subnet.subList(1, subnet.size()).forEach(this::removeOne);
    }
    removeOne(bound);
  }

  private void removeOne(Bound bound) {
    addresses.remove(bound.prefix());
    boolean lastOfLink =
        addresses.values().stream()
            .noneMatch(b -> b.link() == bound.link() && !b.prefix().isIpv6());
    // No report for what goes with the last address of a link.
    var source = bound.prefix().address();
    for (var route : List.copyOf(routes)) {
      boolean goes = route.linkIndex() == bound.link() && lastOfLink;
      if (goes || source.equals(route.source())) {
        routes.remove(route);
        if (!goes) {
          report(new RouteRemoved(route));
        }
      }
    }
    report(new AddressRemoved(new BoundAddress(bound.link(), bound.prefix(), 0, bound.protocol())));
  }

  private void expire(Bound bound) {
    var there = addresses.get(bound.prefix());
    if (there != null && there.id() == bound.id()) {
      remove(there);
    }
  }

  @Override
  public List<Link> links() {
    readAt = agenda.now();
    return Stream.concat(
            links.keySet().stream().map(this::link).filter(Objects::nonNull),
            virtualLinks.values().stream().map(this::withCarrier))
        .toList();
  }

  @Override
  public List<BoundAddress> addresses() {
    return addresses.values().stream()
        .map(
            b ->
                new BoundAddress(
                    b.link(),
                    b.prefix(),
                    b.leaseEnd() == 0
                        ? 0
                        : Math.max(1, Math.ceilDiv(b.leaseEnd() - agenda.now(), SECOND)),
                    b.protocol()))
        .toList();
  }

  @Override
  public List<InstalledRoute> routes() {
    return List.copyOf(routes);
  }

  @Override
  public List<PolicyRule> rules() {
    return List.copyOf(rules);
  }

  @Override
  public List<InstalledRoute> taken(List<InstalledRoute> asked) {
    return asked.stream()
        .filter(route -> foreignRoutes.stream().anyMatch(route::hasPlaceOf))
        .toList();
  }

  @Override
  public Set<InetAddress> gateways() {
    return Set.of();
  }

  @Override
  public String virtualLinkObstacle(boolean ipv4) {
    return null;
  }

  @Override
  public boolean takesIpv6(Link link) {
    return true;
  }

  @Override
  public boolean forwardsIpv6(Link link) {
    return false;
  }

  @Override
  public void restrictArp(Link link) {}

  @Override
  public void openTunnel(Link link) {}

  @Override
  public List<Failure> apply(List<Change> changes) throws IOException {
    var failures = new ArrayList<Failure>();
    boolean breaks = random.nextDouble() < failure;
    int done = breaks ? random.nextInt(changes.size() + 1) : changes.size();
    for (var change : changes.subList(0, done)) {
      boolean refuses = random.nextDouble() < failure / 4;
      var error = refuses ? refusal() : apply(change);
      if (error != null) {
        failures.add(new Failure(change, error));
        refusedAt = agenda.now();
      }
    }
    if (breaks) {
      failedAt = agenda.now();
      throw new IOException("ENOBUFS: the answer of the kernel is lost");
    }
    return failures;
  }

  private String refusal() {
    failedAt = agenda.now();
    return "ENOMEM: out of memory";
  }

  private String apply(Change change) {
    switch (change) {
      case PutAddress put -> {
        if (put.leaseSeconds() < 1) {
          throw new AssertionError("an address without a lease: " + put);
        }
        return put(put);
      }
      case DeleteAddress delete -> {
        var bound = addresses.get(delete.prefix());
        if (bound != null && bound.link() == delete.linkIndex()) {
          requireOurs(bound);
          remove(bound);
        }
      }
      case PutRoute put -> {
        return put(put.route());
      }
      case DeleteRoute delete -> {
        if (routes.remove(delete.route())) {
          report(new RouteRemoved(delete.route()));
        }
      }
      case PutRule put -> {
        if (!rules.contains(put.rule())) {
          rules.add(put.rule());
        }
      }
      case PutVirtualLink put -> {
        return put(put);
      }
      case DeleteVirtualLink delete -> {
        if (virtualLinks.containsKey(delete.name())) {
          removeVirtualLink(virtualLinks.get(delete.name()));
        }
      }
      case DeleteRule delete -> {
        if (rules.remove(delete.rule())) {
          report(new RuleRemoved(delete.rule()));
        }
      }
    }
    return null;
  }

  private String put(PutVirtualLink put) {
    if (byIndex(put.parent()) == null) {
      return "ENODEV: no such interface";
    }
    if (!virtualLinks.containsKey(put.name())) {
      var virtual = new Link.Virtual(put.parent(), PROTOCOL, true);
      var link = new Link(1_000 + ++made, put.name(), true, put.mac(), 1500, List.of(), 0, virtual);
      virtualLinks.put(put.name(), link);
      report(new LinkChanged(withCarrier(link)));
    }
    return null;
  }

  private String put(PutAddress put) {
    if (byIndex(put.linkIndex()) == null) {
      return "ENODEV: no such interface";
    }
    long lease = put.leaseSeconds() * SECOND;
    var bound = new Bound(put.linkIndex(), put.prefix(), agenda.now() + lease, PROTOCOL, ids++);
    var before = addresses.put(put.prefix(), bound);
    if (before != null) {
      requireOurs(before);
    }
    if (before != null && before.link() != bound.link()) {
      throw new AssertionError("one address on two NICs is not simulated: " + put);
    }
    agenda.after(lease + random.nextLong(-20 * MS, 1_100 * MS), () -> expire(bound));
    // The monitor keeps what the agent puts to itself.
    return null;
  }

  /** What somebody else has put stays as it is, but for the moment until the agent can know. */
  private void requireOurs(Bound bound) {
    boolean known = agenda.now() - foreignSince > KNOWN_AFTER;
    if (bound.protocol() != PROTOCOL && known && reportLoss == 0) {
      throw new AssertionError(bound.prefix() + " is somebody else's, and is changed or removed");
    }
  }

  private String put(InstalledRoute route) {
    var link = byIndex(route.linkIndex());
    if (link == null) {
      return "ENODEV: no such interface";
    }
    if (!link.up()) {
      return "ENETDOWN: the link is down";
    }
    if (foreignRoutes.stream().anyMatch(route::hasPlaceOf)) {
      return "EEXIST: somebody else has a route to " + route.to();
    }
    boolean reachable =
        addresses.values().stream()
            .anyMatch(b -> b.link() == route.linkIndex() && b.prefix().contains(route.via()));
    if (!reachable) {
      return "ENETUNREACH: no way to the gateway";
    }
    routes.removeIf(route::replaces);
    routes.add(route);
    return null;
  }
}
