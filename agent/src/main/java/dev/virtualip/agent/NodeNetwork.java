package dev.virtualip.agent;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.InterfaceSelector;
import dev.virtualip.crds.IpPrefix;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Links and addresses of the node as last reported by the kernel. Used by one thread. */
final class NodeNetwork {
  private final Map<Integer, Link> links = new LinkedHashMap<>();
  private final List<BoundAddress> addresses = new ArrayList<>();
  private final AddressPort port;

  NodeNetwork(AddressPort port) throws IOException {
    this.port = port;
    reload();
  }

  /** Reads everything anew. */
  void reload() throws IOException {
    links.clear();
    port.links().forEach(link -> links.put(link.index(), link));
    addresses.clear();
    addresses.addAll(port.addresses());
  }

  /** Takes in a report. */
  void apply(NetworkEvent event) throws IOException {
    switch (event) {
      case LinkChanged changed -> links.put(changed.link().index(), changed.link());
      case LinkRemoved removed -> {
        links.remove(removed.linkIndex());
        addresses.removeIf(address -> address.linkIndex() == removed.linkIndex());
      }
      case AddressPut put -> {
        remove(put.address());
        addresses.add(put.address());
      }
      case AddressRemoved removed -> remove(removed.address());
      case RouteRemoved _ -> {}
      case Overrun _ -> reload();
    }
  }

  private void remove(BoundAddress gone) {
    addresses.removeIf(
        address ->
            address.linkIndex() == gone.linkIndex() && address.prefix().equals(gone.prefix()));
  }

  /**
   * The link that an {@link InterfaceSelector} means, or null. Of several the first by name that is
   * up, else the first.
   */
  Link link(String selector) {
    var meant = new InterfaceSelector(selector);
    return links.values().stream()
        .filter(link -> meant.matches(link.name(), meant.isName() ? List.of() : own(link)))
        .min(Comparator.comparing((Link link) -> !link.up()).thenComparing(Link::name))
        .orElse(null);
  }

  private List<IpPrefix> own(Link link) {
    return addressesOn(link.index())
        .filter(address -> address.protocol() != AddressPort.PROTOCOL)
        .map(BoundAddress::prefix)
        .toList();
  }

  /** Names of all links. */
  Collection<String> linkNames() {
    return links.values().stream().map(Link::name).sorted().toList();
  }

  /** What is bound on a link. */
  Stream<BoundAddress> addressesOn(int linkIndex) {
    return addresses.stream().filter(address -> address.linkIndex() == linkIndex);
  }

  /**
   * The address that adverts on a link come from: the first that is neither virtualip's nor one of
   * the virtual addresses given. Null if there is none.
   */
  InetAddress source(int linkIndex, Set<InetAddress> virtual) {
    return addressesOn(linkIndex)
        .filter(address -> address.protocol() != AddressPort.PROTOCOL)
        .map(address -> address.prefix().address())
        .filter(Inet4Address.class::isInstance)
        .filter(address -> !virtual.contains(address))
        .findFirst()
        .orElse(null);
  }
}
