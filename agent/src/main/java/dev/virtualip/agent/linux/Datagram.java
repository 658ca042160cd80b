package dev.virtualip.agent.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.virtualip.agent.bfd.BfdPort.Received;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * Room for one datagram and what the kernel tells of it: its sender, its destination and its TTL
 * (struct msghdr with control messages, recvmsg(2), cmsg(3)).
 */
final class Datagram {
  private static final int PAYLOAD_MAX = 256;
  private static final int CONTROL_MAX = 256;

  /** Of struct msghdr, with 8 bytes for each pointer and size. */
  private static final int MSGHDR = 56;

  private static final int NAME_LENGTH_AT = 8;
  private static final int CONTROL_LENGTH_AT = 40;

  /** Of struct cmsghdr: its length (8 bytes), level and type (4 each). */
  private static final int CMSGHDR = 16;

  private static final int IPPROTO_IP = 0;
  private static final int IP_TTL = 2;
  private static final int IP_PKTINFO = 8;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_PKTINFO = 50;
  private static final int IPV6_HOPLIMIT = 52;

  private final MemorySegment header;
  private final MemorySegment name;
  private final MemorySegment payload;
  private final MemorySegment control;

  private int ttl;
  private InetAddress destination;

  Datagram(Arena arena) {
    header = arena.allocate(MSGHDR, 8);
    name = arena.allocate(SocketAddress.IPV6_BYTES, 8);
    payload = arena.allocate(PAYLOAD_MAX, 8);
    control = arena.allocate(CONTROL_MAX, 8);
    var vector = arena.allocate(16, 8);
    vector.set(ADDRESS, 0, payload);
    vector.set(JAVA_LONG, 8, PAYLOAD_MAX);
    header.set(ADDRESS, 0, name);
    header.set(ADDRESS, 16, vector);
    header.set(JAVA_LONG, 24, 1);
    header.set(ADDRESS, 32, control);
  }

  /**
   * Receives a datagram that has come, cut off after 256 bytes.
   *
   * @return null if the kernel does not tell all of it
   * @throws ErrnoException EAGAIN if there is none
   */
  Received receive(int fd, int linkIndex, boolean ipv6) throws ErrnoException {
    header.set(JAVA_INT, NAME_LENGTH_AT, SocketAddress.IPV6_BYTES);
    header.set(JAVA_LONG, CONTROL_LENGTH_AT, CONTROL_MAX);
    int length = (int) Libc.recvmsg(fd, header, Libc.MSG_DONTWAIT);
    ttl = -1;
    destination = null;
    readControl();
    if (ttl < 0 || destination == null) {
      return null;
    }
    var from = SocketAddress.address(name.toArray(JAVA_BYTE), ipv6);
    return new Received(linkIndex, from, destination, ttl, bytes(payload, 0, length));
  }

  private void readControl() {
    long end = Math.min(CONTROL_MAX, header.get(JAVA_LONG, CONTROL_LENGTH_AT));
    for (long at = 0; at + CMSGHDR <= end; ) {
      long length = control.get(JAVA_LONG, at);
      if (length < CMSGHDR || at + length > end) {
        return;
      }
      take(control.get(JAVA_INT, at + 8), control.get(JAVA_INT, at + 12), at + CMSGHDR);
      at += (length + 7) / 8 * 8;
    }
  }

  private void take(int level, int type, long at) {
    if (level == IPPROTO_IP && type == IP_TTL || level == IPPROTO_IPV6 && type == IPV6_HOPLIMIT) {
      ttl = control.get(JAVA_INT, at);
    } else if (level == IPPROTO_IP && type == IP_PKTINFO) {
      // struct in_pktinfo: the index, the node's own address, the one in the packet.
      destination = address(bytes(control, at + 4, 4));
    } else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      destination = address(bytes(control, at, 16));
    }
  }

  private static byte[] bytes(MemorySegment segment, long at, int length) {
    return segment.asSlice(at, length).toArray(JAVA_BYTE);
  }

  private static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError(Arrays.toString(bytes), e);
    }
  }
}
