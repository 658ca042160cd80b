package dev.virtualip.agent.net;

import java.io.IOException;
import java.net.InetAddress;

/** Sends and receives frames on one link. */
public interface PacketPort extends AutoCloseable {

  /**
   * Sends a whole Ethernet frame; the link has to be {@linkplain Link#isEthernet Ethernet}.
   *
   * @throws IOException if the frame could not be sent
   */
  void send(byte[] frame) throws IOException;

  /**
   * Joins the VRRP group of an address's family on the link, if that is not done yet. NICs and
   * snooping switches drop packets to groups that have no member on the link.
   *
   * @param source source address of adverts on this link; with another address it joins again, as
   *     the kernel may have dropped the membership with the old one
   * @throws IOException if the link cannot join
   */
  void join(InetAddress source) throws IOException;

  /** Stops receiving. The receiver is not called afterwards. */
  @Override
  void close();

  /** Takes received frames; called on the port's own thread. */
  @FunctionalInterface
  interface Receiver {
    /**
     * A frame with IP protocol 112 (VRRP) that another host has sent on this link itself, not on a
     * VLAN of it. It has no tag. On a tunnel it has an Ethernet header all the same, without
     * addresses. By a port that probes it is an ARP reply or a neighbour advertisement.
     */
    void received(int linkIndex, byte[] frame);
  }

  /** Opens ports. */
  @FunctionalInterface
  interface Opener {
    /**
     * Starts receiving on a link.
     *
     * @param receiver null for a port that only sends
     * @throws IOException if the link cannot be opened; the message says what to do
     */
    PacketPort open(Link link, Receiver receiver) throws IOException;
  }
}
