package dev.virtualip.agent.net;

import java.io.IOException;

/** Frames in and out on one link. */
public interface PacketPort extends AutoCloseable {

  /**
   * Sends a whole Ethernet frame.
   *
   * @throws IOException if the frame could not be sent
   */
  void send(byte[] frame) throws IOException;

  /** Stops receiving; nothing is handed over afterwards. */
  @Override
  void close();

  /** Takes received frames; called on the port's own thread. */
  @FunctionalInterface
  interface Receiver {
    /** A frame with IP protocol 112 that another host has sent. */
    void received(int linkIndex, byte[] frame);
  }

  /** Opens ports. */
  @FunctionalInterface
  interface Opener {
    /**
     * Starts receiving on a link, and joins the VRRP group there.
     *
     * @throws IOException if the link cannot be opened, with what to do about it
     */
    PacketPort open(Link link, Receiver receiver) throws IOException;
  }
}
