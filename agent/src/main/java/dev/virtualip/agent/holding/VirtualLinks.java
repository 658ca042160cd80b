package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteVirtualLink;
import dev.virtualip.agent.net.AddressPort.Change.PutVirtualLink;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import java.util.List;

/** The interface that has the virtual MAC (keepalived: {@code use_vmac}). */
final class VirtualLinks implements Kind<VirtualLinks.Held> {

  /** The interface of a virtual MAC on a NIC. */
  record Held(int parent, String name, HardwareAddress mac) {}

  @Override
  public List<Held> wanted(InstanceConfig config, NodeNetwork network) throws MissingNic {
    if (config.virtualMac() == null) {
      return List.of();
    }
    int parent = Holdings.linkIndex(config.interfaceName(), network);
    // As several NICs may have the same VRID, and names have 15 characters at most.
    var name = "vip%d-%d-%d".formatted(config.ipv6() ? 6 : 4, parent, config.router().vrid());
    return List.of(new Held(parent, name, config.virtualMac()));
  }

  @Override
  public Change put(Held link, long leaseSeconds) {
    return new PutVirtualLink(link.parent(), link.name(), link.mac());
  }

  @Override
  public Change delete(Held link) {
    return new DeleteVirtualLink(link.name());
  }

  @Override
  public boolean isLeased(Held link) {
    return false;
  }

  @Override
  public boolean mayBeGone(Held link, NetworkEvent event) {
    return isGone(link, event)
        || event instanceof LinkChanged changed && changed.link().name().equals(link.name());
  }

  @Override
  public boolean isGone(Held link, NetworkEvent event) {
    return event instanceof LinkRemoved removed && removed.name().equals(link.name());
  }

  @Override
  public boolean isThere(Held link, NodeNetwork network) {
    return network
        .links()
        .anyMatch(found -> isOurs(found) && found.virtual().enabled() && held(found).equals(link));
  }

  @Override
  public List<Held> marked(NodeNetwork network) {
    return network.links().filter(VirtualLinks::isOurs).map(VirtualLinks::held).toList();
  }

  private static boolean isOurs(Link link) {
    return link.virtual() != null && link.virtual().mark() == AddressPort.PROTOCOL;
  }

  private static Held held(Link link) {
    return new Held(link.virtual().parent(), link.name(), link.mac());
  }
}
