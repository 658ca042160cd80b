package dev.virtualip.crds.check;

import dev.virtualip.crds.values.IpPrefix;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** Which addresses a host cannot have for its own, and why. */
final class HostAddresses {
  /** Shortest prefix of a virtual IPv4 address: the largest networks there are. */
  static final int IPV4_LENGTH_MIN = 8;

  /** Shortest prefix of a virtual IPv6 address: shorter ones are whole registries'. */
  static final int IPV6_LENGTH_MIN = 16;

  private static final int CLASS_E = 240;

  private HostAddresses() {}

  /** What is wrong with an address for a host, as in "is a multicast address"; null if nothing. */
  static String kind(InetAddress address) {
    int first = address instanceof Inet4Address ? address.getAddress()[0] & 0xFF : -1;
    if (address.isAnyLocalAddress() || first == 0) {
      return "is an unspecified address";
    }
    if (address.isLoopbackAddress()) {
      return "is a loopback address";
    }
    if (address.isMulticastAddress()) {
      return "is a multicast address";
    }
    return first >= CLASS_E ? "is reserved (240.0.0.0/4)" : null;
  }

  /** The same of an address in its network, and what to write instead; null if nothing is wrong. */
  static String flaw(IpPrefix prefix) {
    var kind = kind(prefix.address());
    if (kind != null) {
      return kind + ": use a unicast address";
    }
    int shortest = prefix.isIpv6() ? IPV6_LENGTH_MIN : IPV4_LENGTH_MIN;
    if (prefix.length() < shortest) {
      return "makes the kernel route all of %s to this NIC: give the network's own prefix, /%d or longer"
          .formatted(prefix.network(), shortest);
    }
    // Networks of two addresses or one have neither of these (RFC 3021, RFC 6164).
    if (prefix.length() >= 8 * prefix.address().getAddress().length - 1) {
      return null;
    }
    if (prefix.isNetwork()) {
      return "is the address of the network itself: use " + host(prefix);
    }
    boolean broadcast = !prefix.isIpv6() && prefix.equals(prefix.last());
    return broadcast ? "is the broadcast address of its network: use " + host(prefix) : null;
  }

  /** The addresses that hosts of a network can have. */
  private static String host(IpPrefix prefix) {
    var first = neighbour(prefix.network());
    return prefix.isIpv6()
        ? "another one, as in " + first
        : "one from %s to %s".formatted(first, neighbour(prefix.last()));
  }

  /** The one behind the first address of a network, or before its last one. */
  private static String neighbour(IpPrefix end) {
    var bytes = end.address().getAddress();
    bytes[bytes.length - 1] ^= 1;
    try {
      return IpPrefix.text(InetAddress.getByAddress(bytes));
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
