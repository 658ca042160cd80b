package dev.virtualip.agent.vrrp;

import java.net.InetAddress;

/**
 * An IP datagram of protocol 112. Do not modify the bytes.
 *
 * @param source source address
 * @param destination destination address
 * @param ttl IPv4 TTL or IPv6 hop limit
 * @param payload what follows the IP header, as long as the IP header says
 */
public record Datagram(InetAddress source, InetAddress destination, int ttl, byte[] payload) {}
