package dev.virtualip.agent.net;

import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The node's links and addresses as last reported by the kernel, and virtualip's routes and rules
 * as last {@linkplain #reload read}. Used by the event loop's thread only.
 */
public final class NodeNetwork {
  private final Map<Integer, Link> links = new LinkedHashMap<>();
  private final Map<Place, BoundAddress> addresses = new LinkedHashMap<>();

  /** Where each address is: there may be thousands, and each is asked for again and again. */
  private final Map<InetAddress, List<Place>> places = new HashMap<>();

  private final AddressPort port;
  private List<InstalledRoute> routes = List.of();
  private List<PolicyRule> rules = List.of();
  private Set<InetAddress> gateways = Set.of();

  /** Virtual addresses that this node may put, where the kernel keeps no mark of them. */
  private Set<InetAddress> unmarked = Set.of();

  private boolean doubtful;
  private Nics nics = new Nics(List.of(), Map.of());

  /** Key of an address: the kernel keeps one address for each link and prefix. */
  private record Place(int linkIndex, IpPrefix prefix) {
    static Place of(BoundAddress address) {
      return new Place(address.linkIndex(), address.prefix());
    }
  }

  /**
   * A network that is empty until it is {@linkplain #reload read}. Subscribe to the kernel's
   * reports before that.
   */
  public NodeNetwork(AddressPort port) {
    this.port = port;
  }

  /**
   * Reads everything again.
   *
   * @return whether links, addresses or gateways have changed, apart from leases
   * @throws IOException if something could not be read; then links and addresses stay as they were
   */
  public boolean reload() throws IOException {
    var linksBefore = Map.copyOf(links);
    var addressesBefore = withoutLeases();
    var readLinks = port.links();
    var readAddresses = port.addresses();
    routes = port.routes();
    rules = port.rules();
    var gatewaysBefore = gateways;
    gateways = port.gateways();
    links.clear();
    readLinks.forEach(link -> links.put(link.index(), link));
    addresses.clear();
    places.clear();
    readAddresses.forEach(this::put);
    placeAnew();
    return !links.equals(linksBefore)
        || !withoutLeases().equals(addressesBefore)
        || !gateways.equals(gatewaysBefore);
  }

  private Map<Place, Integer> withoutLeases() {
    var marks = new HashMap<Place, Integer>();
    addresses.forEach(
        (place, address) ->
            marks.put(place, address.tentative() ? -1 - address.protocol() : address.protocol()));
    return marks;
  }

  private void placeAnew() {
    var own = new HashMap<Integer, List<IpPrefix>>();
    addresses.values().stream()
        .filter(address -> !isVirtual(address))
        .forEach(
            address ->
                own.computeIfAbsent(address.linkIndex(), _ -> new ArrayList<>())
                    .add(address.prefix()));
    nics = new Nics(links.values().stream().filter(link -> link.virtual() == null).toList(), own);
  }

  /**
   * Applies a report.
   *
   * @return whether anything has changed apart from the lease of an address
   */
  public boolean apply(NetworkEvent event) {
    boolean news = take(event);
    boolean ours =
        switch (event) {
          case AddressPut put -> isVirtual(put.address());
          case AddressRemoved removed -> isVirtual(removed.address());
          case RouteRemoved _, RuleRemoved _, Overrun _ -> true;
          case LinkChanged _, LinkRemoved _ -> false;
        };
    if (news && !ours) {
      placeAnew();
    }
    return news;
  }

  private boolean take(NetworkEvent event) {
    switch (event) {
      case LinkChanged changed -> {
        return !changed.link().equals(links.put(changed.link().index(), changed.link()));
      }
      case LinkRemoved removed -> {
        links.remove(removed.linkIndex());
        List.copyOf(addresses.keySet()).stream()
            .filter(place -> place.linkIndex() == removed.linkIndex())
            .forEach(this::remove);
      }
      case AddressPut put -> {
        var before = put(put.address());
        return before == null
            || before.protocol() != put.address().protocol()
            || before.tentative() != put.address().tentative();
      }
      case AddressRemoved removed -> remove(Place.of(removed.address()));
      case RouteRemoved _, RuleRemoved _, Overrun _ -> {}
    }
    return true;
  }

  private BoundAddress put(BoundAddress address) {
    var place = Place.of(address);
    var before = addresses.put(place, address);
    if (before == null) {
      places.computeIfAbsent(place.prefix().address(), _ -> new ArrayList<>(1)).add(place);
    }
    return before;
  }

  private void remove(Place place) {
    if (addresses.remove(place) != null) {
      places.computeIfPresent(
          place.prefix().address(),
          (_, all) -> {
            all.remove(place);
            return all.isEmpty() ? null : all;
          });
    }
  }

  /**
   * Takes in the virtual addresses that this node may put. Kernels before 5.18 keep no mark by
   * which those of one virtual router would be told from the node's own by the others.
   */
  public void expectVirtual(Set<InetAddress> virtual) {
    if (!port.keepsAddressMarks() && !virtual.equals(unmarked)) {
      unmarked = Set.copyOf(virtual);
      placeAnew();
    }
  }

  private boolean isVirtual(BoundAddress bound) {
    return AddressPort.isVirtual(bound.protocol()) || unmarked.contains(bound.prefix().address());
  }

  /** Asks for another reading, since a change was refused that should have been possible. */
  public void doubt() {
    doubtful = true;
  }

  /** Whether another reading was asked for since this was called last. */
  public boolean takeDoubt() {
    boolean was = doubtful;
    doubtful = false;
    return was;
  }

  /** The NICs as they are now. */
  public Nics nics() {
    return nics;
  }

  /** The link that a selector selects, or null; see {@link Nics#link}. */
  public Link link(String selector) {
    return nics.link(selector);
  }

  /** The link with this index, or null. */
  public Link linkAt(int linkIndex) {
    return links.get(linkIndex);
  }

  /** All links, those of virtual MACs too. */
  public Stream<Link> links() {
    return links.values().stream();
  }

  /**
   * Reads the links alone, after one has been made that is needed at once.
   *
   * @throws IOException if they could not be read
   */
  public void reloadLinks() throws IOException {
    port.links().forEach(link -> apply(new LinkChanged(link)));
  }

  /** Kernel indexes of all links. */
  public Set<Integer> linkIndexes() {
    return Set.copyOf(links.keySet());
  }

  /** All addresses of all links. */
  public Stream<BoundAddress> addresses() {
    return addresses.values().stream();
  }

  /** All addresses of a link. */
  public Stream<BoundAddress> addressesOn(int linkIndex) {
    return addresses().filter(address -> address.linkIndex() == linkIndex);
  }

  /**
   * The link's own addresses, in the kernel's order: neither bound by virtualip nor among the
   * virtual addresses given, and not tentative.
   */
  public Stream<IpPrefix> ownAddressesOn(int linkIndex, Set<InetAddress> virtual) {
    return addressesOn(linkIndex)
        .filter(address -> !isVirtual(address) && !address.tentative())
        .map(BoundAddress::prefix)
        .filter(prefix -> !virtual.contains(prefix.address()));
  }

  /**
   * Whether a link, or the NIC of a virtual MAC's, has this address and virtualip has not put it
   * there, as its mark tells.
   */
  public boolean hasFromOthers(int linkIndex, InetAddress address) {
    var link = links.get(linkIndex);
    int nic = link == null || link.virtual() == null ? linkIndex : link.virtual().parent();
    return boundAs(address)
        .filter(bound -> bound.linkIndex() == linkIndex || bound.linkIndex() == nic)
        .anyMatch(this::isOfOthers);
  }

  /**
   * Index of the link that has a virtual MAC on a NIC; the NIC's own while there is none, or
   * without a virtual MAC.
   *
   * @param mac the virtual MAC, or null
   */
  public int placeOn(Link nic, Link.HardwareAddress mac) {
    return links()
        .filter(link -> link.virtual() != null && link.mac().equals(mac))
        .filter(link -> link.virtual().parent() == nic.index())
        .filter(link -> link.virtual().mark() == AddressPort.PROTOCOL)
        .mapToInt(Link::index)
        .findFirst()
        .orElse(nic.index());
  }

  /**
   * Whether virtualip has not put an address there. Where the kernel keeps no mark, the length of
   * its lease has to tell: a DHCP client's is longer than any of ours, an address by hand has none.
   */
  public boolean isOfOthers(BoundAddress bound) {
    boolean marked = bound.protocol() == AddressPort.PROTOCOL;
    boolean maybe =
        !port.keepsAddressMarks()
            && bound.leaseSeconds() > 0
            && bound.leaseSeconds() <= Timers.LEASE_SECONDS_MAX;
    return !marked && !maybe;
  }

  /** Where the node has this address, whatever the prefix length. */
  public Stream<BoundAddress> boundAs(InetAddress address) {
    return places.getOrDefault(address, List.of()).stream().map(addresses::get);
  }

  /** Name of a link; an empty text if it is gone. */
  public String linkName(int linkIndex) {
    var link = links.get(linkIndex);
    return link == null ? "" : link.name();
  }

  /** Whether a link is up and has a carrier; that of a virtual MAC has its NIC's. */
  public boolean isUp(int linkIndex) {
    var link = links.get(linkIndex);
    return link != null && (link.virtual() == null ? link.up() : isUp(link.virtual().parent()));
  }

  /**
   * Whether a link has exactly this address and prefix length, whichever program has put it there.
   */
  public boolean has(int linkIndex, IpPrefix prefix) {
    return addresses.containsKey(new Place(linkIndex, prefix));
  }

  /** Routes with virtualip's mark. */
  public List<InstalledRoute> routes() {
    return routes;
  }

  /** Whether routes of the node's own configuration have this gateway, as last read. */
  public boolean isGateway(InetAddress address) {
    return gateways.contains(address);
  }

  /** Policy routing rules with virtualip's mark. */
  public List<PolicyRule> rules() {
    return rules;
  }

  /** Whether any link of the node has this address. */
  public boolean has(InetAddress address) {
    return places.containsKey(address);
  }
}
