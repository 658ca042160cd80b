package dev.virtualip.agent.linux;

import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.UnicastPort;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;

/**
 * Sends VRRP packets to single hosts by a raw socket. The kernel routes them and resolves hardware
 * addresses, which libpcap cannot. Nothing is received by it.
 */
public final class RawSocket implements UnicastPort {
  private static final int IPPROTO_IP = 0;
  private static final int IP_HDRINCL = 3;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_HDRINCL = 36;

  private final Link link;
  private final int fd;
  private boolean closed;

  private RawSocket(Link link, int fd) {
    this.link = link;
    this.fd = fd;
  }

  /** Opens a socket that is bound to this link. See {@link UnicastPort.Opener}. */
  public static RawSocket open(Link link, boolean ipv6) throws IOException {
    int fd = -1;
    try {
      fd =
          Libc.socket(
              ipv6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_RAW, AdvertisementCodec.PROTOCOL);
      var name = link.name().getBytes(StandardCharsets.UTF_8);
      Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE, name);
      // The capture receives the packets. A socket with a full buffer would no longer count as a
      // receiver, and the kernel would answer "protocol unreachable".
      Libc.attach(fd, SocketFilter.NOTHING);
      Libc.setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_HDRINCL : IP_HDRINCL, 1);
      return new RawSocket(link, fd);
    } catch (ErrnoException e) {
      if (fd >= 0) {
        Libc.close(fd);
      }
      throw new IOException(
          "no raw socket on %s: %s (the agent needs the capability NET_RAW)"
              .formatted(link.name(), e.getMessage()),
          e);
    }
  }

  @Override
  public synchronized void send(InetAddress destination, byte[] packet) throws IOException {
    if (closed) {
      throw new IOException("the socket on " + link.name() + " is closed");
    }
    try (var arena = Arena.ofConfined()) {
      var address = SocketAddress.of(destination, 0, link.index());
      Libc.sendto(
          fd,
          arena.allocateFrom(ValueLayout.JAVA_BYTE, packet),
          arena.allocateFrom(ValueLayout.JAVA_BYTE, address));
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Libc.close(fd);
    }
  }
}
