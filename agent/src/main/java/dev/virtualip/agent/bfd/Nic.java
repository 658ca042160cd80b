package dev.virtualip.agent.bfd;

import java.net.InetAddress;
import java.util.Map;

/**
 * A NIC whose neighbours may have sessions with this node.
 *
 * @param index its kernel index
 * @param name its name
 * @param timing of all sessions there
 * @param asked neighbours that this node opens a session with, each with the address by which it
 *     knows this node
 */
public record Nic(int index, String name, Timing timing, Map<InetAddress, InetAddress> asked) {
  /** Copies the map. */
  public Nic {
    asked = Map.copyOf(asked);
  }
}
