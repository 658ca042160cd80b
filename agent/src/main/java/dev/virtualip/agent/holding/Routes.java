package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The routes (keepalived: {@code virtual_routes}). */
final class Routes implements Kind<InstalledRoute> {

  @Override
  public List<InstalledRoute> wanted(InstanceConfig config, NodeNetwork network) throws MissingNic {
    var wanted = new ArrayList<InstalledRoute>();
    for (var route : config.routes()) {
      wanted.add(route.on(Holdings.linkIndex(route.interfaceName(), network)));
    }
    return wanted;
  }

  @Override
  public Change put(InstalledRoute route, long leaseSeconds) {
    return new PutRoute(route, leaseSeconds);
  }

  @Override
  public Change delete(InstalledRoute route) {
    return new DeleteRoute(route);
  }

  /** An IPv4 route lives as long as its source; an IPv6 route has a lease. */
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

  @Override
  public boolean isRemoved(InstalledRoute route, NetworkEvent event) {
    return event instanceof RouteRemoved removed && isSame(route, removed.route());
  }

  /** Routes that go along with a link's last address are not reported. */
  @Override
  public boolean mayGoWith(InstalledRoute route, NetworkEvent event) {
    return event instanceof AddressRemoved removed
        && removed.address().linkIndex() == route.linkIndex();
  }

  @Override
  public List<InstalledRoute> marked(AddressPort port) throws IOException {
    return port.routes();
  }
}
