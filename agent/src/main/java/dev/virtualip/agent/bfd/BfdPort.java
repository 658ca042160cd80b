package dev.virtualip.agent.bfd;

import java.io.IOException;
import java.net.InetAddress;
import java.util.Collection;
import java.util.function.Consumer;

/** Sends and receives the packets of sessions. Used by one thread, but for {@link #wake}. */
public interface BfdPort extends AutoCloseable {
  /**
   * A datagram to UDP port 3784.
   *
   * @param linkIndex the NIC that it has come by
   * @param from its sender
   * @param to the address of this node that it was sent to
   * @param ttl its TTL or hop limit
   */
  record Received(int linkIndex, InetAddress from, InetAddress to, int ttl, byte[] payload) {}

  /** Receives by exactly these NICs from now on. What cannot be opened is tried at each call. */
  void listen(Collection<Nic> nics);

  /**
   * Waits for datagrams, and passes on all that have come.
   *
   * @param nanos how long to wait if there are none, 0 or more
   */
  void receive(long nanos, Consumer<Received> receiver);

  /** Ends a {@link #receive} that waits; callable from any thread. */
  void wake();

  /**
   * Sends a packet, from a port that no other session has.
   *
   * @param local this node's address
   * @throws IOException if the kernel refuses; the next one may succeed
   */
  void send(Neighbour to, InetAddress local, byte[] packet) throws IOException;

  /** Forgets the port of a session that has ended. */
  void forget(Neighbour neighbour);

  @Override
  void close();
}
