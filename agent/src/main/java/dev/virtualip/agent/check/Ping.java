package dev.virtualip.agent.check;

import java.io.IOException;
import java.net.InetAddress;

/** Asks hosts for an answer by ICMP. */
@FunctionalInterface
public interface Ping {
  /**
   * Sends an echo request and waits for its reply, until it is interrupted.
   *
   * @throws IOException if it cannot be sent
   */
  void ping(InetAddress address) throws IOException, InterruptedException;
}
