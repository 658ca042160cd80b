package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.crds.values.IpPrefix;
import java.util.ArrayList;
import java.util.List;

/**
 * Virtual addresses (keepalived: {@code virtual_ipaddress}, {@code virtual_ipaddress_excluded}).
 */
final class Addresses implements Kind<Addresses.Held> {

  /** An address on a link. */
  record Held(int linkIndex, IpPrefix prefix) {}

  @Override
  public List<Held> wanted(InstanceConfig config, NodeNetwork network) throws MissingNic {
    var wanted = new ArrayList<Held>();
    for (var address : config.addresses()) {
      var nic = Holdings.link(address.interfaceName(), network);
      wanted.add(new Held(network.placeOn(nic, config.virtualMac()), address.prefix()));
    }
    return wanted;
  }

  @Override
  public Change put(Held address, long leaseSeconds) {
    return new PutAddress(address.linkIndex(), address.prefix(), leaseSeconds);
  }

  @Override
  public Change delete(Held address) {
    return new DeleteAddress(address.linkIndex(), address.prefix());
  }

  @Override
  public boolean isLeased(Held address) {
    return true;
  }

  @Override
  public boolean mayBeGone(Held address, NetworkEvent event) {
    return isGone(address, event)
        || event instanceof LinkChanged changed && changed.link().index() == address.linkIndex();
  }

  @Override
  public boolean isGone(Held address, NetworkEvent event) {
    return event instanceof AddressRemoved removed && address.equals(held(removed.address()));
  }

  /**
   * The kernel may refuse an IPv6 address on a NIC that is down, and removes those bound when it
   * goes down.
   */
  @Override
  public boolean canBePut(Held address, NodeNetwork network) {
    return !address.prefix().isIpv6() || network.isUp(address.linkIndex());
  }

  @Override
  public boolean isThere(Held address, NodeNetwork network) {
    return network.has(address.linkIndex(), address.prefix());
  }

  @Override
  public boolean isOfOthers(Held address, NodeNetwork network) {
    return network.hasFromOthers(address.linkIndex(), address.prefix().address());
  }

  @Override
  public List<Held> marked(NodeNetwork network) {
    return network
        .addresses()
        .filter(bound -> bound.protocol() == AddressPort.PROTOCOL)
        .map(Addresses::held)
        .toList();
  }

  static Held held(BoundAddress bound) {
    return new Held(bound.linkIndex(), bound.prefix());
  }
}
