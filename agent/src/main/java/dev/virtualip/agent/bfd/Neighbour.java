package dev.virtualip.agent.bfd;

import java.net.InetAddress;

/**
 * Another router on the network of a NIC; there is at most one session with it.
 *
 * @param linkIndex kernel index of the NIC
 * @param address its address there
 */
public record Neighbour(int linkIndex, InetAddress address) {}
