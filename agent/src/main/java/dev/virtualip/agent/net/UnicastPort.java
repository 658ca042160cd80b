package dev.virtualip.agent.net;

import java.io.IOException;
import java.net.InetAddress;

/** Whole IP packets of one family to single hosts, by one link; the kernel finds the way there. */
public interface UnicastPort extends AutoCloseable {

  /**
   * Sends a packet.
   *
   * @param destination where to, as the packet's IP header has it
   * @param packet IP header and payload
   * @throws IOException if there is no way there now, or the link is gone
   */
  void send(InetAddress destination, byte[] packet) throws IOException;

  @Override
  void close();

  /** Opens ports. */
  @FunctionalInterface
  interface Opener {
    /**
     * Opens a port of one family on a link. As long as it is open, the kernel does not answer VRRP
     * packets that come in there with "protocol unreachable".
     *
     * @throws IOException if the kernel refuses, with what to do about it
     */
    UnicastPort open(Link link, boolean ipv6) throws IOException;
  }
}
