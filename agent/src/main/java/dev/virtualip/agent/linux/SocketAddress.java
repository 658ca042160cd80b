package dev.virtualip.agent.linux;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Bytes of struct sockaddr_in and sockaddr_in6. */
final class SocketAddress {
  static final int IPV4_BYTES = 16;
  static final int IPV6_BYTES = 28;

  private SocketAddress() {}

  /**
   * The bytes of an address.
   *
   * @param linkIndex scope of a link-local IPv6 address; unused with others
   */
  static byte[] of(InetAddress address, int port, int linkIndex) {
    boolean ipv6 = address instanceof Inet6Address;
    var bytes = ByteBuffer.allocate(ipv6 ? IPV6_BYTES : IPV4_BYTES).order(ByteOrder.nativeOrder());
    bytes.putShort((short) (ipv6 ? Libc.AF_INET6 : Libc.AF_INET));
    bytes.put((byte) (port >> 8)).put((byte) port);
    bytes.position(ipv6 ? 8 : 4);
    bytes.put(address.getAddress());
    if (ipv6 && address.isLinkLocalAddress()) {
      bytes.putInt(linkIndex);
    }
    return bytes.array();
  }

  /** The address in these bytes, without its port and scope. */
  static InetAddress address(byte[] bytes, boolean ipv6) {
    try {
      return InetAddress.getByAddress(
          ipv6 ? Arrays.copyOfRange(bytes, 8, 24) : Arrays.copyOfRange(bytes, 4, 8));
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
