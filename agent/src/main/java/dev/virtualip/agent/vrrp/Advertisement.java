package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.util.List;

/**
 * The content of a VRRP advertisement, without checksum and authentication.
 *
 * @param version protocol version
 * @param vrid virtual router ID, 1 to 255
 * @param priority 0 (the sender resigns) to 255
 * @param interval advertisement interval in nanoseconds; VRRPv2 carries whole seconds from 1 to
 *     255, VRRPv3 centiseconds from 1 to 4095
 * @param addresses the addresses of the virtual router, at least 1, at most 255, of one family
 */
public record Advertisement(
    Version version, int vrid, int priority, long interval, List<InetAddress> addresses) {
  /** Copies the list. */
  public Advertisement {
    addresses = List.copyOf(addresses);
  }
}
