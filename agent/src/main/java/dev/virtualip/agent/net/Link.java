package dev.virtualip.agent.net;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * A NIC of the node, as the kernel reports it.
 *
 * @param index kernel interface index, above 0
 * @param name interface name
 * @param up whether it is up and has a carrier (IFF_UP and IFF_RUNNING, as with keepalived)
 * @param mac hardware address, 6 bytes on Ethernet; empty where neighbours need none, as at the
 *     other end of a tunnel
 * @param mtu largest IP packet in bytes
 * @param altNames its other names (altname), mostly those that say where it is plugged in
 */
public record Link(
    int index, String name, boolean up, HardwareAddress mac, int mtu, List<String> altNames) {

  /** Copies the list. */
  public Link {
    altNames = List.copyOf(altNames);
  }

  /** A NIC with one name only. */
  public Link(int index, String name, boolean up, HardwareAddress mac, int mtu) {
    this(index, name, up, mac, mtu, List.of());
  }

  /** Whether its frames are Ethernet's, as adverts to the group and announcements need. */
  public boolean isEthernet() {
    return mac.isEthernet();
  }

  /** Whether others reach it by its hardware address, and have to be told when addresses move. */
  public boolean hasNeighbours() {
    return mac.bytes().length > 0;
  }

  /** A hardware address with value semantics; do not modify the bytes. */
  public record HardwareAddress(byte[] bytes) {
    private static final int ETHERNET = 6;

    /** As in {@code a hardware address of 20 bytes}. */
    public String description() {
      return bytes.length == 0
          ? "no hardware address"
          : "a hardware address of " + bytes.length + " bytes";
    }

    /** Whether it has the length of Ethernet's. */
    public boolean isEthernet() {
      return bytes.length == ETHERNET;
    }

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
