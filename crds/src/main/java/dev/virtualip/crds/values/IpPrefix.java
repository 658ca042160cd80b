package dev.virtualip.crds.values;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An IPv4 or IPv6 address with a prefix length; host bits may be set.
 *
 * @param address the address, without a scope
 * @param length prefix length in bits, 0 to 32 or 0 to 128
 */
public record IpPrefix(InetAddress address, int length) {
  private static final Pattern IPV4 =
      Pattern.compile("(?:(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(?:\\.(?!$)|$)){4}");
  private static final Pattern LENGTH = Pattern.compile("[0-9]{1,3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]{2,45}");

  /** Where clouds and container services answer with a machine's credentials. */
  private static final Set<InetAddress> METADATA =
      Stream.of(
              "169.254.169.254",
              "169.254.170.2",
              "169.254.170.23",
              "fe80::a9fe:a9fe",
              "fd00:ec2::254",
              "fd00:ec2::23")
          .map(InetAddress::ofLiteral)
          .collect(Collectors.toUnmodifiableSet());

  /** Pattern of an IP address; it only rules out wrong characters. */
  public static final String ADDRESS_PATTERN = "^[0-9A-Fa-f:.]+$";

  /** The longest text of an address. */
  public static final int ADDRESS_TEXT_MAX = 45;

  /**
   * Pattern of the beginning of an address that no host can have: unspecified, loopback, multicast
   * or class E. For CEL, so it has no backslash.
   */
  public static final String NO_HOST_PATTERN =
      "^(0|127|22[4-9]|23[0-9]|24[0-9]|25[0-5])[.]|^[fF][fF][0-9a-fA-F]{2}:|^[0:]+1?(/|$)";

  /** Pattern of an IP prefix; it only rules out wrong characters. */
  public static final String PATTERN = "^[0-9A-Fa-f:.]+/[0-9]{1,3}$";

  /** Length of the longest text of a prefix, in characters. */
  public static final int TEXT_MAX = 49;

  /**
   * Parses a prefix, as in {@code 203.0.113.10/24} or {@code 2001:db8::10/64}.
   *
   * @throws IllegalArgumentException if it is not valid; the message says what to write instead
   */
  public static IpPrefix parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      throw new IllegalArgumentException(
          "\"%s\" has no prefix length: write it as in %s"
              .formatted(text, text + (text.contains(":") ? "/64" : "/24")));
    }
    var address = parseAddress(text.substring(0, slash));
    var length = text.substring(slash + 1);
    int bits = 8 * address.getAddress().length;
    if (!LENGTH.matcher(length).matches() || Integer.parseInt(length) > bits) {
      throw new IllegalArgumentException(
          "\""
              + text
              + "\" has a wrong prefix length: write /0 to /"
              + bits
              + " behind the address");
    }
    return new IpPrefix(address, Integer.parseInt(length));
  }

  /**
   * Parses an IPv4 address of four decimal numbers, or an IPv6 address (RFC 4291 2.2) without a
   * scope that is not IPv4-mapped. Never uses DNS.
   *
   * @throws IllegalArgumentException if it is not valid; the message says what to write instead
   */
  public static InetAddress parseAddress(String text) {
    if (text.contains(":")) {
      return parseIpv6(text);
    }
    if (!IPV4.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not an IPv4 address: write four numbers, as in 203.0.113.10");
    }
    return Inet4Address.ofLiteral(text);
  }

  private static InetAddress parseIpv6(String text) {
    try {
      if (IPV6.matcher(text).matches()
          && InetAddress.ofLiteral(text) instanceof Inet6Address address) {
        return address;
      }
    } catch (IllegalArgumentException _) {
      // The message below says more.
    }
    throw new IllegalArgumentException(
        "\"" + text + "\" is not an IPv6 address: write it as in 2001:db8::10");
  }

  /** Whether a machine is told its own credentials at an address, as clouds do. */
  public static boolean isMetadata(InetAddress address) {
    return METADATA.contains(address);
  }

  /**
   * Whether a machine may be told its own credentials at an address: all link-local ones, as there
   * are more clouds than known ones. Nothing that users name is sent there, nor read from there.
   */
  public static boolean mayBeMetadata(InetAddress address) {
    return address.isLinkLocalAddress() || isMetadata(address);
  }

  /** Whether it is of the IPv6 family. */
  public boolean isIpv6() {
    return address instanceof Inet6Address;
  }

  /** Whether this prefix contains an address; false for one of the other family. */
  public boolean contains(InetAddress other) {
    return other.getAddress().length == address.getAddress().length
        && new IpPrefix(other, length).network().equals(network());
  }

  /** Whether all bits behind the prefix are zero, as in the destination of a route. */
  public boolean isNetwork() {
    return equals(network());
  }

  /** The same prefix with all bits behind it zero. */
  public IpPrefix network() {
    return withBitsBehind(false);
  }

  /** The same prefix with all bits behind it one: the broadcast address of an IPv4 network. */
  public IpPrefix last() {
    return withBitsBehind(true);
  }

  private IpPrefix withBitsBehind(boolean set) {
    var bytes = address.getAddress();
    for (int bit = length; bit < bytes.length * 8; bit++) {
      int mask = 0x80 >> bit % 8;
      bytes[bit / 8] = (byte) (set ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
    }
    try {
      // InetAddress.getByAddress would turn an IPv4-mapped IPv6 address into an IPv4 one.
      return new IpPrefix(
          isIpv6() ? Inet6Address.getByAddress(null, bytes, -1) : InetAddress.getByAddress(bytes),
          length);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  /** The text of an address without a scope; IPv6 in the short form of RFC 5952. */
  public static String text(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return address.getHostAddress();
    }
    var groups = new StringBuilder();
    var bytes = address.getAddress();
    for (int i = 0; i < bytes.length; i += 2) {
      groups.append(i == 0 ? "" : ":");
      groups.append(Integer.toHexString((bytes[i] & 0xFF) << 8 | bytes[i + 1] & 0xFF));
    }
    // Replaces the first of the longest runs of at least two zeros by two colons.
    for (int zeros = 8; zeros >= 2; zeros--) {
      var run = Pattern.compile("(^|:)0(:0){" + (zeros - 1) + "}(:|$)").matcher(groups);
      if (run.find()) {
        return run.replaceFirst("::");
      }
    }
    return groups.toString();
  }

  @Override
  public String toString() {
    return text(address) + "/" + length;
  }
}
