package dev.virtualip.e2e.lab;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** A captured Ethernet frame. */
public record Frame(Instant time, byte[] bytes) {
  private static final int ETHERNET_BYTES = 14;
  private static final int ARP = 0x0806;
  private static final int IPV4 = 0x0800;
  private static final int IPV6 = 0x86dd;
  private static final int VRRP = 112;

  /**
   * An ARP packet (RFC 826).
   *
   * @param operation 1 request, 2 reply
   */
  public record Arp(
      int operation, String senderMac, String sender, String targetMac, String target) {
    /** Whether it announces the sender's own address. */
    public boolean gratuitous() {
      return sender.equals(target);
    }
  }

  /**
   * A VRRP advert (RFC 3768, RFC 9568), with some fields of its IP header.
   *
   * @param interval seconds in version 2, hundredths of a second in version 3
   * @param addresses virtual addresses in the order of the packet
   */
  public record Vrrp(
      int version,
      int vrid,
      int priority,
      int interval,
      String source,
      String destination,
      int ttl,
      List<String> addresses) {}

  public String destinationMac() {
    return mac(0);
  }

  public String sourceMac() {
    return mac(6);
  }

  public int etherType() {
    return u16(12);
  }

  /** The ARP packet for IPv4 in this frame. */
  public Optional<Arp> arp() {
    if (etherType() != ARP || bytes.length < ETHERNET_BYTES + 28) {
      return Optional.empty();
    }
    int at = ETHERNET_BYTES;
    return Optional.of(
        new Arp(u16(at + 6), mac(at + 8), ip(at + 14, 4), mac(at + 18), ip(at + 24, 4)));
  }

  /** IP protocol number (the first next header in IPv6), or -1 in other frames. */
  public int protocol() {
    return switch (etherType()) {
      case IPV4 -> u8(ETHERNET_BYTES + 9);
      case IPV6 -> u8(ETHERNET_BYTES + 6);
      default -> -1;
    };
  }

  /** IP source address, or an empty text in other frames. */
  public String source() {
    return switch (etherType()) {
      case IPV4 -> ip(ETHERNET_BYTES + 12, 4);
      case IPV6 -> ip(ETHERNET_BYTES + 8, 16);
      default -> "";
    };
  }

  /** IP destination address, or an empty text in other frames. */
  public String destination() {
    return switch (etherType()) {
      case IPV4 -> ip(ETHERNET_BYTES + 16, 4);
      case IPV6 -> ip(ETHERNET_BYTES + 24, 16);
      default -> "";
    };
  }

  /** IP time to live (hop limit in IPv6), or -1 in other frames. */
  public int ttl() {
    return switch (etherType()) {
      case IPV4 -> u8(ETHERNET_BYTES + 8);
      case IPV6 -> u8(ETHERNET_BYTES + 7);
      default -> -1;
    };
  }

  /** The VRRP advert in this frame. */
  public Optional<Vrrp> vrrp() {
    if (protocol() != VRRP) {
      return Optional.empty();
    }
    boolean v4 = etherType() == IPV4;
    int at = ETHERNET_BYTES + (v4 ? (u8(ETHERNET_BYTES) & 0xf) * 4 : 40);
    int version = u8(at) >> 4;
    List<String> addresses = new ArrayList<>();
    for (int i = 0; i < u8(at + 3); i++) {
      addresses.add(v4 ? ip(at + 8 + 4 * i, 4) : ip(at + 8 + 16 * i, 16));
    }
    int interval = version == 2 ? u8(at + 5) : u16(at + 4) & 0xfff;
    return Optional.of(
        new Vrrp(
            version,
            u8(at + 1),
            u8(at + 2),
            interval,
            source(),
            destination(),
            ttl(),
            List.copyOf(addresses)));
  }

  @Override
  public String toString() {
    String what =
        arp().map(Object::toString).or(() -> vrrp().map(Object::toString)).orElse("0x")
            + (arp().isPresent() || vrrp().isPresent() ? "" : HexFormat.of().formatHex(bytes));
    return time + " " + sourceMac() + " > " + destinationMac() + " " + what;
  }

  private int u8(int at) {
    return bytes[at] & 0xff;
  }

  private int u16(int at) {
    return u8(at) << 8 | u8(at + 1);
  }

  private String mac(int at) {
    return HexFormat.ofDelimiter(":").formatHex(bytes, at, at + 6);
  }

  private String ip(int at, int length) {
    try {
      return InetAddress.getByAddress(Arrays.copyOfRange(bytes, at, at + length)).getHostAddress();
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
