package dev.virtualip.agent.net;

import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Checksum;
import dev.virtualip.agent.vrrp.Datagram;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Bytes of Ethernet frames and IP packets: VRRP, gratuitous ARP, unsolicited neighbour
 * advertisements, and probes for an address with their answers.
 */
public final class Frames {
  /** The VRRP group of IPv4 (RFC 9568 5.1.1.2). */
  public static final InetAddress GROUP = InetAddress.ofLiteral("224.0.0.18");

  /** The VRRP group of IPv6 (RFC 9568 5.1.2.2). */
  public static final InetAddress GROUP6 = InetAddress.ofLiteral("ff02::12");

  private static final InetAddress ALL_NODES = InetAddress.ofLiteral("ff02::1");
  private static final byte[] GROUP_MAC = HexFormat.of().parseHex("01005e000012");
  private static final byte[] GROUP6_MAC = HexFormat.of().parseHex("333300000012");
  private static final byte[] ALL_NODES_MAC = HexFormat.of().parseHex("333300000001");
  private static final byte[] BROADCAST = HexFormat.of().parseHex("ffffffffffff");
  private static final int ETHERNET = 14;
  private static final int ETHERTYPE_IPV4 = 0x0800;
  private static final int ETHERTYPE_ARP = 0x0806;
  private static final int ETHERTYPE_IPV6 = 0x86DD;
  private static final int ETHERTYPE_VLAN = 0x8100;
  private static final int ETHERTYPE_PROVIDER_VLAN = 0x88A8;
  private static final int VLAN_TAG = 4;
  private static final int VLAN_ID = 0x0FFF;
  private static final int IPV4 = 20;
  private static final int IPV6 = 40;

  /** Traffic class CS6 (internetwork control), as routing protocols use it. */
  private static final int TOS = 0xC0;

  private static final int TTL = 255;
  private static final int MORE_FRAGMENTS_OR_OFFSET = 0x3FFF;
  private static final int ICMPV6 = 58;
  private static final int NEIGHBOUR_SOLICITATION = 135;
  private static final int NEIGHBOUR_ADVERTISEMENT = 136;

  /** Length of a neighbour advertisement or solicitation without options. */
  private static final int NEIGHBOUR_MESSAGE = 24;

  private static final InetAddress UNSPECIFIED6 = InetAddress.ofLiteral("::");
  private static final InetAddress SOLICITED_NODE = InetAddress.ofLiteral("ff02::1:ff00:0");
  private static final int ARP = 28;

  /** Ethernet and IPv4, and the lengths of their addresses (RFC 826). */
  private static final long ARP_OF_IPV4 = 0x0001_0800_0604L;

  private static final int ROUTER = 0x8000_0000;
  private static final int OVERRIDE = 0x2000_0000;
  private static final int TARGET_LINK_LAYER_ADDRESS = 2;

  private Frames() {}

  /** What a neighbour says: that an address is at this hardware address. */
  public record Claim(InetAddress address, HardwareAddress mac) {}

  /** The two forms of a gratuitous ARP; some devices accept only one of them (RFC 5227 3). */
  public enum ArpForm {
    /** A request for the sender's own address. */
    Request(1),
    /** An unsolicited reply. */
    Reply(2);

    private final int operation;

    ArpForm(int operation) {
      this.operation = operation;
    }
  }

  /** Length of an IP header in bytes, without options or extension headers. */
  public static int ipHeader(boolean ipv6) {
    return ipv6 ? IPV6 : IPV4;
  }

  /** The VRRP group of an address family. */
  public static InetAddress group(boolean ipv6) {
    return ipv6 ? GROUP6 : GROUP;
  }

  /**
   * A multicast frame with a VRRP message.
   *
   * @param mac sender's hardware address
   * @param source sender's address, whose family is that of the packet
   * @param id IPv4 identification, of which the low 16 bits are used
   * @param payload the VRRP message
   */
  public static byte[] advertisement(
      HardwareAddress mac, InetAddress source, int id, byte[] payload) {
    boolean ipv6 = source instanceof Inet6Address;
    var packet = packet(source, group(ipv6), id, payload);
    return ethernet(
            ipv6 ? GROUP6_MAC : GROUP_MAC,
            mac,
            ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4,
            packet.length)
        .put(packet)
        .array();
  }

  /**
   * An IP packet with a VRRP message.
   *
   * @param source sender's address
   * @param destination where it goes to, of the same family
   * @param id IPv4 identification, of which the low 16 bits are used
   * @param payload the VRRP message
   */
  public static byte[] packet(InetAddress source, InetAddress destination, int id, byte[] payload) {
    if (source instanceof Inet6Address) {
      return ipv6(source, destination, TOS, AdvertisementCodec.PROTOCOL, payload);
    }
    var header =
        ByteBuffer.allocate(IPV4)
            .put((byte) 0x45)
            .put((byte) TOS)
            .putShort((short) (IPV4 + payload.length))
            .putShort((short) id)
            .putShort((short) 0)
            .put((byte) TTL)
            .put((byte) AdvertisementCodec.PROTOCOL)
            .putShort((short) 0)
            .put(source.getAddress())
            .put(destination.getAddress());
    header.putShort(10, (short) Checksum.of(header.array()));
    return ByteBuffer.allocate(IPV4 + payload.length).put(header.array()).put(payload).array();
  }

  private static byte[] ipv6(
      InetAddress source, InetAddress destination, int trafficClass, int next, byte[] payload) {
    return ByteBuffer.allocate(IPV6 + payload.length)
        .putInt(6 << 28 | trafficClass << 20)
        .putShort((short) payload.length)
        .put((byte) next)
        .put((byte) TTL)
        .put(source.getAddress())
        .put(destination.getAddress())
        .put(payload)
        .array();
  }

  /** A broadcast frame which announces that an address is now at this hardware address. */
  public static byte[] gratuitousArp(HardwareAddress mac, InetAddress address, ArpForm form) {
    return arp(mac, form.operation, address.getAddress(), BROADCAST, address);
  }

  /** A broadcast frame which asks who has an IPv4 address, and claims none (RFC 5227 2.1.1). */
  public static byte[] arpProbe(HardwareAddress mac, InetAddress address) {
    return arp(mac, ArpForm.Request.operation, new byte[4], new byte[6], address);
  }

  private static byte[] arp(
      HardwareAddress mac, int operation, byte[] sender, byte[] targetMac, InetAddress target) {
    return ethernet(BROADCAST, mac, ETHERTYPE_ARP, ARP)
        .putShort((short) 1)
        .putShort((short) ETHERTYPE_IPV4)
        .put((byte) 6)
        .put((byte) 4)
        .putShort((short) operation)
        .put(mac.bytes())
        .put(sender)
        .put(targetMac)
        .put(target.getAddress())
        .array();
  }

  /**
   * A frame which asks who has an IPv6 address, and claims none, as in duplicate address detection
   * (RFC 4862 5.4.2).
   */
  public static byte[] neighbourSolicitation(HardwareAddress mac, InetAddress address) {
    byte[] target = address.getAddress();
    byte[] group = SOLICITED_NODE.getAddress();
    System.arraycopy(target, 13, group, 13, 3);
    var message =
        ByteBuffer.allocate(NEIGHBOUR_MESSAGE)
            .put((byte) NEIGHBOUR_SOLICITATION)
            .put((byte) 0)
            .putShort((short) 0)
            .putInt(0)
            .put(target);
    int sum = Checksum.of(message.array(), UNSPECIFIED6.getAddress(), group, ICMPV6);
    message.putShort(2, (short) sum);
    byte[] groupMac = {0x33, 0x33, group[12], group[13], group[14], group[15]};
    var packet = ipv6(UNSPECIFIED6, address(group, 0, 16), 0, ICMPV6, message.array());
    return ethernet(groupMac, mac, ETHERTYPE_IPV6, packet.length).put(packet).array();
  }

  /**
   * What the sender of a received ARP frame or neighbour advertisement says of itself. It is empty
   * if the frame is no such or damaged, and for probes, which say nothing.
   */
  public static Optional<Claim> claim(byte[] frame) {
    if (frame.length < ETHERNET) {
      return Optional.empty();
    }
    return switch (number(frame, ETHERNET - 2)) {
      case ETHERTYPE_ARP -> arpClaim(frame);
      case ETHERTYPE_IPV6 -> neighbourClaim(frame);
      default -> Optional.empty();
    };
  }

  private static Optional<Claim> arpClaim(byte[] frame) {
    boolean ofIpv4 =
        frame.length >= ETHERNET + ARP
            && ByteBuffer.wrap(frame).getLong(ETHERNET) >>> 16 == ARP_OF_IPV4;
    if (!ofIpv4) {
      return Optional.empty();
    }
    var sender = address(frame, ETHERNET + 14, 4);
    return sender.isAnyLocalAddress() ? Optional.empty() : claim(sender, frame, ETHERNET + 8);
  }

  private static Optional<Claim> neighbourClaim(byte[] frame) {
    int start = ETHERNET + IPV6;
    if (frame.length < start + NEIGHBOUR_MESSAGE
        || frame[ETHERNET + 6] != ICMPV6
        || (frame[ETHERNET + 7] & 0xFF) != TTL
        || (frame[start] & 0xFF) != NEIGHBOUR_ADVERTISEMENT) {
      return Optional.empty();
    }
    int end = start + number(frame, ETHERNET + 4);
    boolean damaged =
        end < start + NEIGHBOUR_MESSAGE
            || frame.length < end
            || Checksum.of(
                    Arrays.copyOfRange(frame, start, end),
                    Arrays.copyOfRange(frame, ETHERNET + 8, ETHERNET + 24),
                    Arrays.copyOfRange(frame, ETHERNET + 24, start),
                    ICMPV6)
                != 0;
    // Who answers need not say its hardware address beside that of the frame.
    return damaged ? Optional.empty() : claim(address(frame, start + 8, 16), frame, 6);
  }

  private static Optional<Claim> claim(InetAddress address, byte[] frame, int macAt) {
    var mac = new HardwareAddress(Arrays.copyOfRange(frame, macAt, macAt + 6));
    return Optional.of(new Claim(address, mac));
  }

  /**
   * A frame to all nodes which announces that an IPv6 address is now at this hardware address, with
   * the override flag (RFC 4861 7.2.6).
   *
   * @param router whether the sender forwards packets; without it hosts stop using the address as a
   *     router
   */
  public static byte[] neighbourAdvertisement(
      HardwareAddress mac, InetAddress address, boolean router) {
    var message =
        ByteBuffer.allocate(32)
            .put((byte) NEIGHBOUR_ADVERTISEMENT)
            .put((byte) 0)
            .putShort((short) 0)
            .putInt(OVERRIDE | (router ? ROUTER : 0))
            .put(address.getAddress())
            .put((byte) TARGET_LINK_LAYER_ADDRESS)
            .put((byte) 1)
            .put(mac.bytes());
    int sum = Checksum.of(message.array(), address.getAddress(), ALL_NODES.getAddress(), ICMPV6);
    message.putShort(2, (short) sum);
    var packet = ipv6(address, ALL_NODES, 0, ICMPV6, message.array());
    return ethernet(ALL_NODES_MAC, mac, ETHERTYPE_IPV6, packet.length).put(packet).array();
  }

  private static ByteBuffer ethernet(byte[] to, HardwareAddress from, int type, int length) {
    return ByteBuffer.allocate(ETHERNET + length).put(to).put(from.bytes()).putShort((short) type);
  }

  /**
   * A received frame as its NIC takes it: without a priority tag (IEEE 802.1Q: VLAN 0), which tells
   * of no VLAN. Empty if the frame has the tag of a VLAN: it is for the NIC of that VLAN.
   */
  public static Optional<byte[]> untagged(byte[] frame) {
    if (frame.length < ETHERNET + VLAN_TAG || !isTagged(frame)) {
      return Optional.of(frame);
    }
    if ((number(frame, ETHERNET) & VLAN_ID) != 0) {
      return Optional.empty();
    }
    return Optional.of(
        ByteBuffer.allocate(frame.length - VLAN_TAG)
            .put(frame, 0, ETHERNET - 2)
            .put(frame, ETHERNET + 2, frame.length - ETHERNET - 2)
            .array());
  }

  /**
   * An IP packet of a link without Ethernet, as a frame with an empty Ethernet header.
   *
   * @param captured what the link has put before the packet, and the packet
   * @param at where the packet begins
   */
  public static byte[] onEthernet(byte[] captured, int at) {
    boolean ipv6 = captured.length > at && (captured[at] & 0xF0) == 0x60;
    return ByteBuffer.allocate(ETHERNET + captured.length - at)
        .putShort(ETHERNET - 2, (short) (ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4))
        .put(ETHERNET, captured, at, captured.length - at)
        .array();
  }

  private static boolean isTagged(byte[] frame) {
    int type = number(frame, ETHERNET - 2);
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_PROVIDER_VLAN;
  }

  private static int number(byte[] frame, int at) {
    return (frame[at] & 0xFF) << 8 | frame[at + 1] & 0xFF;
  }

  /**
   * The VRRP datagram in a received frame, without the frame's padding. It is empty if the frame
   * has no VRRP datagram, a damaged IP header, or IPv6 extension headers.
   */
  public static Optional<Datagram> vrrp(byte[] frame) {
    if (frame.length < ETHERNET) {
      return Optional.empty();
    }
    return switch (number(frame, ETHERNET - 2)) {
      case ETHERTYPE_IPV4 -> vrrp4(frame);
      case ETHERTYPE_IPV6 -> vrrp6(frame);
      default -> Optional.empty();
    };
  }

  private static Optional<Datagram> vrrp4(byte[] frame) {
    if (frame.length < ETHERNET + IPV4) {
      return Optional.empty();
    }
    var bytes = ByteBuffer.wrap(frame);
    int headerLength = (frame[ETHERNET] & 0x0F) * 4;
    int totalLength = bytes.getShort(ETHERNET + 2) & 0xFFFF;
    boolean damaged =
        (frame[ETHERNET] & 0xF0) != 0x40
            || headerLength < IPV4
            || totalLength < headerLength
            || frame.length < ETHERNET + totalLength
            || frame[ETHERNET + 9] != AdvertisementCodec.PROTOCOL
            || (bytes.getShort(ETHERNET + 6) & MORE_FRAGMENTS_OR_OFFSET) != 0;
    if (damaged || Checksum.of(Arrays.copyOfRange(frame, ETHERNET, ETHERNET + headerLength)) != 0) {
      return Optional.empty();
    }
    return Optional.of(
        new Datagram(
            address(frame, ETHERNET + 12, 4),
            address(frame, ETHERNET + 16, 4),
            frame[ETHERNET + 8] & 0xFF,
            Arrays.copyOfRange(frame, ETHERNET + headerLength, ETHERNET + totalLength)));
  }

  private static Optional<Datagram> vrrp6(byte[] frame) {
    int start = ETHERNET + IPV6;
    if (frame.length < start) {
      return Optional.empty();
    }
    int end = start + (ByteBuffer.wrap(frame).getShort(ETHERNET + 4) & 0xFFFF);
    if ((frame[ETHERNET] & 0xF0) != 0x60
        || frame[ETHERNET + 6] != AdvertisementCodec.PROTOCOL
        || frame.length < end) {
      return Optional.empty();
    }
    return Optional.of(
        new Datagram(
            address(frame, ETHERNET + 8, 16),
            address(frame, ETHERNET + 24, 16),
            frame[ETHERNET + 7] & 0xFF,
            Arrays.copyOfRange(frame, start, end)));
  }

  private static InetAddress address(byte[] frame, int at, int length) {
    var bytes = Arrays.copyOfRange(frame, at, at + length);
    try {
      // InetAddress.getByAddress would turn an IPv4-mapped IPv6 address into an IPv4 one.
      return length == 4
          ? Inet4Address.getByAddress(bytes)
          : Inet6Address.getByAddress(null, bytes, -1);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
