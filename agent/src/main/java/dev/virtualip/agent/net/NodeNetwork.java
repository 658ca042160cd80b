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
 * as last {@linkplain #reload read}. Used by one thread.
 */
public final class NodeNetwork {
  private final Map<Integer, Link> links = new LinkedHashMap<>();
  private final Map<Place, BoundAddress> addresses = new LinkedHashMap<>();
  private final AddressPort port;
  private List<InstalledRoute> routes = List.of();
  private List<PolicyRule> rules = List.of();
  private Nics nics = new Nics(List.of(), Map.of());

  /** Where the kernel has room for one address. */
  private record Place(int linkIndex, IpPrefix prefix) {
    static Place of(BoundAddress address) {
      return new Place(address.linkIndex(), address.prefix());
    }
  }

  /** Knows nothing before it is {@linkplain #reload read}: reports have to be listened to first. */
  public NodeNetwork(AddressPort port) {
    this.port = port;
  }

  /**
   * Reads everything anew.
   *
   * @return whether links or addresses are other ones, leases aside
   * @throws IOException if something could not be read; links and addresses stay as they were
   */
  public boolean reload() throws IOException {
    var linksBefore = Map.copyOf(links);
    var addressesBefore = withoutLeases();
    var readLinks = port.links();
    var readAddresses = port.addresses();
    routes = port.routes();
    rules = port.rules();
    links.clear();
    readLinks.forEach(link -> links.put(link.index(), link));
    addresses.clear();
    readAddresses.forEach(address -> addresses.put(Place.of(address), address));
    placeAnew();
    return !links.equals(linksBefore) || !withoutLeases().equals(addressesBefore);
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
        .filter(address -> address.protocol() != AddressPort.PROTOCOL)
        .forEach(
            address ->
                own.computeIfAbsent(address.linkIndex(), _ -> new ArrayList<>())
                    .add(address.prefix()));
    nics = new Nics(links.values(), own);
  }

  /**
   * Takes in a report.
   *
   * @return false if nothing is new, or nothing but the lease of an address
   */
  public boolean apply(NetworkEvent event) {
    boolean news = take(event);
    boolean ours =
        switch (event) {
          case AddressPut put -> put.address().protocol() == AddressPort.PROTOCOL;
          case AddressRemoved removed -> removed.address().protocol() == AddressPort.PROTOCOL;
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
        addresses.keySet().removeIf(place -> place.linkIndex() == removed.linkIndex());
      }
      case AddressPut put -> {
        var before = addresses.put(Place.of(put.address()), put.address());
        return before == null
            || before.protocol() != put.address().protocol()
            || before.tentative() != put.address().tentative();
      }
      case AddressRemoved removed -> addresses.remove(Place.of(removed.address()));
      case RouteRemoved _, RuleRemoved _, Overrun _ -> {}
    }
    return true;
  }

  /** The NICs as they are now. */
  public Nics nics() {
    return nics;
  }

  /** The link that a selector means, or null; see {@link Nics#link}. */
  public Link link(String selector) {
    return nics.link(selector);
  }

  /** Kernel indexes of all links. */
  public Set<Integer> linkIndexes() {
    return Set.copyOf(links.keySet());
  }

  /** All addresses of all links. */
  public Stream<BoundAddress> addresses() {
    return addresses.values().stream();
  }

  /** What is bound on a link. */
  public Stream<BoundAddress> addressesOn(int linkIndex) {
    return addresses().filter(address -> address.linkIndex() == linkIndex);
  }

  /**
   * Addresses of a link that are its own: neither virtualip's nor among the virtual addresses
   * given, and known to be nobody else's. In the kernel's order.
   */
  public Stream<IpPrefix> ownAddressesOn(int linkIndex, Set<InetAddress> virtual) {
    return addressesOn(linkIndex)
        .filter(address -> address.protocol() != AddressPort.PROTOCOL && !address.tentative())
        .map(BoundAddress::prefix)
        .filter(prefix -> !virtual.contains(prefix.address()));
  }

  /** Whether virtualip has not bound this: it is somebody else's, or the node's own. */
  public boolean hasFromOthers(int linkIndex, InetAddress address) {
    return addressesOn(linkIndex)
        .filter(bound -> bound.protocol() != AddressPort.PROTOCOL)
        .anyMatch(bound -> bound.prefix().address().equals(address));
  }

  /** Whether a link is up and has a carrier. */
  public boolean isUp(int linkIndex) {
    var link = links.get(linkIndex);
    return link != null && link.up();
  }

  /** Whether a link has this very address, whoever has put it there. */
  public boolean has(int linkIndex, IpPrefix prefix) {
    return addresses.containsKey(new Place(linkIndex, prefix));
  }

  /** Routes with virtualip's mark. */
  public List<InstalledRoute> routes() {
    return routes;
  }

  /** Policy routing rules with virtualip's mark. */
  public List<PolicyRule> rules() {
    return rules;
  }

  /** Whether some link of the node has this address. */
  public boolean has(InetAddress address) {
    return addresses.values().stream().anyMatch(bound -> bound.prefix().address().equals(address));
  }
}
