package dev.virtualip.agent.vrrp;

import java.net.InetAddress;

/**
 * An IP datagram of protocol 112. Do not modify the bytes.
 *
 * @param source source address
 * @param destination destination address
 * @param ttl IPv4 TTL or IPv6 hop limit
 * @param payload the bytes after the IP header, up to the length in that header
 */
public record Datagram(InetAddress source, InetAddress destination, int ttl, byte[] payload) {}
