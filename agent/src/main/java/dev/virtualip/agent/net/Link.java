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
 * @param master index of the VRF, bridge or bond that it belongs to, or 0
 * @param virtual what virtualip has made it for, or null
 */
public record Link(
    int index,
    String name,
    boolean up,
    HardwareAddress mac,
    int mtu,
    List<String> altNames,
    int master,
    Virtual virtual) {

  /** Copies the list. */
  public Link {
    altNames = List.copyOf(altNames);
  }

  /** A NIC with one name only. */
  public Link(int index, String name, boolean up, HardwareAddress mac, int mtu) {
    this(index, name, up, mac, mtu, List.of());
  }

  /** A NIC for itself. */
  public Link(
      int index, String name, boolean up, HardwareAddress mac, int mtu, List<String> altNames) {
    this(index, name, up, mac, mtu, altNames, 0, null);
  }

  /**
   * A macvlan that an agent has made for a virtual MAC.
   *
   * @param parent index of the NIC whose frames it shares
   * @param mark {@link AddressPort#PROTOCOL} of the agent that has made it
   * @param enabled whether it is set up, with a carrier or without
   */
  public record Virtual(int parent, int mark, boolean enabled) {}

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

    /** The MAC of a virtual router, 1 to 255, of one family (RFC 9568 7.3). */
    public static HardwareAddress ofVirtualRouter(int vrid, boolean ipv6) {
      return new HardwareAddress(new byte[] {0, 0, 0x5e, 0, (byte) (ipv6 ? 2 : 1), (byte) vrid});
    }

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
