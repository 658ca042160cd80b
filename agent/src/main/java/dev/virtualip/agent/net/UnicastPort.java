package dev.virtualip.agent.net;

import java.io.IOException;
import java.net.InetAddress;

/** Sends whole IP packets of one family to single hosts on one link; the kernel routes them. */
public interface UnicastPort extends AutoCloseable {

  /**
   * Sends a packet.
   *
   * @param destination destination address, the same as in the packet's IP header
   * @param packet IP header and payload
   * @throws IOException if there is no route now, or the link has been removed
   */
  void send(InetAddress destination, byte[] packet) throws IOException;

  @Override
  void close();

  /** Opens ports. */
  @FunctionalInterface
  interface Opener {
    /**
     * Opens a port of one family on a link. While it is open, the kernel does not answer received
     * VRRP packets with "protocol unreachable".
     *
     * @throws IOException if the kernel refuses; the message says what to do
     */
    UnicastPort open(Link link, boolean ipv6) throws IOException;
  }
}
