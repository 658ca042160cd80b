package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualRoute;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Virtual routes (keepalived: {@code virtual_routes}). */
final class Routes implements Kind<InstalledRoute> {

  @Override
  public List<InstalledRoute> wanted(InstanceConfig config, NodeNetwork network) throws MissingNic {
    var wanted = new ArrayList<InstalledRoute>();
    for (var route : config.routes()) {
      var nic = Holdings.link(route.interfaceName(), network);
      boolean there = hasGatewayThere(route, nic, config, network);
      wanted.add(route.on(there ? network.placeOn(nic, config.virtualMac()) : nic.index()));
    }
    return wanted;
  }

  /** Whether only a prefix of a virtual address on the virtual MAC's interface has the gateway. */
  private static boolean hasGatewayThere(
      VirtualRoute route, Link nic, InstanceConfig config, NodeNetwork network) {
    return config.virtualMac() != null
        && route.via() != null
        && config.addresses().stream().anyMatch(a -> a.prefix().contains(route.via()))
        && network.ownAddressesOn(nic.index(), Set.of()).noneMatch(a -> a.contains(route.via()));
  }

  @Override
  public Change put(InstalledRoute route, long leaseSeconds) {
    return new PutRoute(route, leaseSeconds);
  }

  @Override
  public Change delete(InstalledRoute route) {
    return new DeleteRoute(route);
  }

  /** An IPv4 route ends with its source address; an IPv6 route needs a lease of its own. */
  @Override
  public boolean isLeased(InstalledRoute route) {
    return route.to().isIpv6();
  }

  @Override
  public boolean replaces(InstalledRoute route, InstalledRoute other) {
    return route.replaces(other);
  }

  @Override
  public boolean isSame(InstalledRoute route, InstalledRoute found) {
    return route.linkIndex() == found.linkIndex() && route.replaces(found);
  }

  /**
   * The kernel does not report routes that are removed with their link or with its last address. So
   * events of links and addresses count too.
   */
  @Override
  public boolean mayBeGone(InstalledRoute route, NetworkEvent event) {
    return switch (event) {
      case RouteRemoved removed -> route.hasPlaceOf(removed.route());
      case AddressRemoved removed -> removed.address().linkIndex() == route.linkIndex();
      case LinkChanged changed -> changed.link().index() == route.linkIndex();
      default -> false;
    };
  }

  @Override
  public boolean canBePut(InstalledRoute route, NodeNetwork network) {
    return network.isUp(route.linkIndex());
  }

  @Override
  public boolean isThere(InstalledRoute route, NodeNetwork network) {
    return network.routes().stream().anyMatch(found -> isSame(route, found));
  }

  @Override
  public List<InstalledRoute> marked(NodeNetwork network) {
    return network.routes();
  }
}
