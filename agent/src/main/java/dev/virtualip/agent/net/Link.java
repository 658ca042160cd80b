package dev.virtualip.agent.net;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * A NIC of the node, as the kernel reports it.
 *
 * @param index kernel interface index, above 0
 * @param name interface name
 * @param up whether it is up and has a carrier (IFF_UP and IFF_RUNNING, as with keepalived)
 * @param mac hardware address, 6 bytes on Ethernet; empty if it has none
 * @param mtu largest IP packet in bytes
 */
public record Link(int index, String name, boolean up, HardwareAddress mac, int mtu) {

  /** A hardware address with value semantics; do not modify the bytes. */
  public record HardwareAddress(byte[] bytes) {
    @Override
    public boolean equals(Object other) {
      return other instanceof HardwareAddress that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return HexFormat.ofDelimiter(":").formatHex(bytes);
    }
  }
}
