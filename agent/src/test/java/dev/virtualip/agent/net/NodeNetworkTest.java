package dev.virtualip.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.FakeNode;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NodeNetworkTest {
  private static final HardwareAddress MAC = new HardwareAddress(new byte[6]);

  private static final IpPrefix VIP = IpPrefix.parse("203.0.113.10/24");
  private static final int NIC = 3;

  private final NodeNetwork network = new FakeNode().node.network();

  private boolean put(IpPrefix prefix, long lease, int protocol, boolean tentative)
      throws IOException {
    return network.apply(new AddressPut(new BoundAddress(NIC, prefix, lease, protocol, tentative)));
  }

  private void link(int index, String name, boolean up, String... altNames) {
    network.apply(new LinkChanged(new Link(index, name, up, MAC, 1500, List.of(altNames))));
  }

  @Test
  void aNicIsFoundByItsAltName() {
    link(3, "eth1", true, "enp7s0", "enx020000000003");
    assertEquals("eth1", network.link("enp7s0").name());
    assertEquals("eth1", network.link("enx*").name());
    assertEquals(null, network.link("enp7s1"));
    assertEquals("eth0, eth1 (altname enp7s0, enx020000000003)", network.nics().names());
  }

  @Test
  void anAltNameThatComesAndGoesIsNews() {
    link(3, "eth1", true, "enp7s0");
    assertEquals("eth1", network.link("enp7s0").name());
    link(3, "eth1", true);
    assertEquals(null, network.link("enp7s0"));
  }

  /** Also where that one is down: who meant it before there were altnames means it still. */
  @Test
  void aNameComesBeforeAnAltName() {
    link(3, "eth1", true, "enp7s0");
    link(4, "enp9s0", false);
    assertEquals("enp9s0", network.link("enp*").name());
  }

  @Test
  void aRenewedLeaseIsNoNews() throws IOException {
    assertTrue(put(VIP, 4, AddressPort.PROTOCOL, false));
    assertFalse(put(VIP, 3, AddressPort.PROTOCOL, false));
    assertEquals(List.of(3L), network.addressesOn(NIC).map(BoundAddress::leaseSeconds).toList());
    assertTrue(put(VIP, 0, 0, false), "somebody else has taken it over");
  }

  @Test
  void anAddressThatCanBeUsedNowIsNews() throws IOException {
    assertTrue(put(VIP, 0, 0, true));
    assertEquals(List.of(), network.ownAddressesOn(NIC, Set.of()).toList());
    assertTrue(put(VIP, 0, 0, false));
    assertEquals(List.of(VIP), network.ownAddressesOn(NIC, Set.of()).toList());
  }

  @Test
  void anAddressThatCameBackIsNews() throws IOException {
    put(VIP, 4, AddressPort.PROTOCOL, false);
    var gone = new BoundAddress(NIC, VIP, 0, AddressPort.PROTOCOL);
    assertTrue(network.apply(new AddressRemoved(gone)));
    assertTrue(put(VIP, 4, AddressPort.PROTOCOL, false));
  }
}
