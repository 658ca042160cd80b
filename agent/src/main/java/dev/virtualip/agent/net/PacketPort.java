package dev.virtualip.agent.net;

import java.io.IOException;
import java.net.InetAddress;

/** Frames in and out on one link. */
public interface PacketPort extends AutoCloseable {

  /**
   * Sends a whole Ethernet frame; the link has to be {@linkplain Link#isEthernet Ethernet}.
   *
   * @throws IOException if the frame could not be sent
   */
  void send(byte[] frame) throws IOException;

  /**
   * Joins the VRRP group of an address's family on the link, if not done already: NICs and snooping
   * switches keep other groups' packets away.
   *
   * @param source address of this link that adverts are sent from; with another one than before it
   *     joins anew, as the kernel may have dropped the membership with the address
   * @throws IOException if the link cannot join
   */
  void join(InetAddress source) throws IOException;

  /** Stops receiving; nothing is handed over afterwards. */
  @Override
  void close();

  /** Takes received frames; called on the port's own thread. */
  @FunctionalInterface
  interface Receiver {
    /**
     * A frame with IP protocol 112 that another host has sent on this link, and not on a VLAN of
     * it. It has no tag. On a tunnel it has an Ethernet header all the same, without addresses.
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
     * @throws IOException if the link cannot be opened, with what to do about it
     */
    PacketPort open(Link link, Receiver receiver) throws IOException;
  }
}
