package dev.virtualip.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.FakeNode;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NodeNetworkTest {
  private static final IpPrefix VIP = IpPrefix.parse("203.0.113.10/24");
  private static final int NIC = 3;

  private final NodeNetwork network = new FakeNode().node.network();

  private boolean put(IpPrefix prefix, long lease, int protocol, boolean tentative)
      throws IOException {
    return network.apply(new AddressPut(new BoundAddress(NIC, prefix, lease, protocol, tentative)));
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
