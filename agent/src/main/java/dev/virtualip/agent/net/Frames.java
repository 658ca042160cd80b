package dev.virtualip.agent.net;

import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Checksum;
import dev.virtualip.agent.vrrp.Datagram;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/** Bytes of Ethernet frames: IPv4 around VRRP, and gratuitous ARP. */
public final class Frames {
  /** The VRRP group, 224.0.0.18 (RFC 9568 5.1.1.2). */
  public static final InetAddress GROUP = InetAddress.ofLiteral("224.0.0.18");

  private static final byte[] GROUP_MAC = HexFormat.of().parseHex("01005e000012");
  private static final byte[] BROADCAST = HexFormat.of().parseHex("ffffffffffff");
  private static final int ETHERNET = 14;
  private static final int ETHERTYPE_IPV4 = 0x0800;
  private static final int ETHERTYPE_ARP = 0x0806;
  private static final int IPV4 = 20;

  /** Internetwork control, CS6, as routing protocols use it. */
  private static final int TOS = 0xC0;

  private static final int TTL = 255;
  private static final int MORE_FRAGMENTS_OR_OFFSET = 0x3FFF;

  private Frames() {}

  /** The two forms of a gratuitous ARP; some gear listens to one of them only (RFC 5227 3). */
  public enum ArpForm {
    /** A request for one's own address. */
    Request(1),
    /** An unasked answer. */
    Reply(2);

    private final int operation;

    ArpForm(int operation) {
      this.operation = operation;
    }
  }

  /**
   * A multicast frame with a VRRP message.
   *
   * @param mac sender's hardware address
   * @param source sender's IPv4 address
   * @param id IP identification, its low 16 bits count
   * @param payload the VRRP message
   */
  public static byte[] advertisement(
      HardwareAddress mac, InetAddress source, int id, byte[] payload) {
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
            .put(GROUP.getAddress());
    header.putShort(10, (short) Checksum.of(header.array()));
    return ethernet(GROUP_MAC, mac, ETHERTYPE_IPV4, IPV4 + payload.length)
        .put(header.array())
        .put(payload)
        .array();
  }

  /** A broadcast frame that says that an address is at this hardware address now. */
  public static byte[] gratuitousArp(HardwareAddress mac, InetAddress address, ArpForm form) {
    return ethernet(BROADCAST, mac, ETHERTYPE_ARP, 28)
        .putShort((short) 1)
        .putShort((short) ETHERTYPE_IPV4)
        .put((byte) 6)
        .put((byte) 4)
        .putShort((short) form.operation)
        .put(mac.bytes())
        .put(address.getAddress())
        .put(BROADCAST)
        .put(address.getAddress())
        .array();
  }

  private static ByteBuffer ethernet(byte[] to, HardwareAddress from, int type, int length) {
    return ByteBuffer.allocate(ETHERNET + length).put(to).put(from.bytes()).putShort((short) type);
  }

  /**
   * The VRRP datagram in a received frame; empty if there is none or its IP header is damaged.
   * Padding behind the datagram is cut off.
   */
  public static Optional<Datagram> vrrp(byte[] frame) {
    if (frame.length < ETHERNET + IPV4) {
      return Optional.empty();
    }
    var bytes = ByteBuffer.wrap(frame);
    int headerLength = (frame[ETHERNET] & 0x0F) * 4;
    int totalLength = bytes.getShort(ETHERNET + 2) & 0xFFFF;
    boolean damaged =
        (bytes.getShort(12) & 0xFFFF) != ETHERTYPE_IPV4
            || (frame[ETHERNET] & 0xF0) != 0x40
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
            address(frame, ETHERNET + 12),
            address(frame, ETHERNET + 16),
            frame[ETHERNET + 8] & 0xFF,
            Arrays.copyOfRange(frame, ETHERNET + headerLength, ETHERNET + totalLength)));
  }

  private static InetAddress address(byte[] frame, int at) {
    try {
      return InetAddress.getByAddress(Arrays.copyOfRange(frame, at, at + 4));
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
