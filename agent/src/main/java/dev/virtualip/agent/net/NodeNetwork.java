package dev.virtualip.agent.net;

import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.crds.IpPrefix;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Links and addresses of the node as last reported by the kernel. Used by one thread. */
public final class NodeNetwork {
  private final Map<Integer, Link> links = new LinkedHashMap<>();
  private final Map<Place, BoundAddress> addresses = new LinkedHashMap<>();
  private final AddressPort port;
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

  /** Reads everything anew. */
  public void reload() throws IOException {
    links.clear();
    port.links().forEach(link -> links.put(link.index(), link));
    addresses.clear();
    port.addresses().forEach(address -> addresses.put(Place.of(address), address));
    placeAnew();
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
  public boolean apply(NetworkEvent event) throws IOException {
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

  private boolean take(NetworkEvent event) throws IOException {
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
      case RouteRemoved _, RuleRemoved _ -> {}
      case Overrun _ -> reload();
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

  /** Names of all links. */
  public List<String> linkNames() {
    return nics.names();
  }

  /** What is bound on a link. */
  public Stream<BoundAddress> addressesOn(int linkIndex) {
    return addresses.values().stream().filter(address -> address.linkIndex() == linkIndex);
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

  /** Whether some link of the node has this address. */
  public boolean has(InetAddress address) {
    return addresses.values().stream().anyMatch(bound -> bound.prefix().address().equals(address));
  }
}
