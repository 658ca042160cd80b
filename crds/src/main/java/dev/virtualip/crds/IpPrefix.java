package dev.virtualip.crds;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/**
 * An IPv4 address with a prefix length; host bits may be set.
 *
 * @param address the address
 * @param length prefix length in bits, 0 to 32
 */
public record IpPrefix(InetAddress address, int length) {
  private static final Pattern IPV4 =
      Pattern.compile("(?:(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(?:\\.(?!$)|$)){4}");

  /**
   * Parses {@code 203.0.113.10/24}.
   *
   * @throws IllegalArgumentException with a message that says what to write instead
   */
  public static IpPrefix parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      throw new IllegalArgumentException(
          "\"" + text + "\" has no prefix length: write it as in " + text + "/24");
    }
    var address = parseAddress(text.substring(0, slash));
    var length = text.substring(slash + 1);
    if (!length.matches("[0-9]{1,2}") || Integer.parseInt(length) > 32) {
      throw new IllegalArgumentException(
          "\"" + text + "\" has a wrong prefix length: write /0 to /32 behind the address");
    }
    return new IpPrefix(address, Integer.parseInt(length));
  }

  /**
   * Parses an IPv4 address of four decimal numbers, never asking DNS.
   *
   * @throws IllegalArgumentException with a message that says what to write instead
   */
  public static InetAddress parseAddress(String text) {
    if (!IPV4.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not an IPv4 address: write four numbers, as in 203.0.113.10");
    }
    return Inet4Address.ofLiteral(text);
  }

  /** Whether an address is within this prefix; one of another family never is. */
  public boolean contains(InetAddress other) {
    return other.getAddress().length == address.getAddress().length
        && new IpPrefix(other, length).network().equals(network());
  }

  /** Whether all bits behind the prefix are zero, as a route's destination has them. */
  public boolean isNetwork() {
    return equals(network());
  }

  /** The same prefix with all bits behind it zero. */
  public IpPrefix network() {
    var bytes = address.getAddress();
    for (int bit = length; bit < bytes.length * 8; bit++) {
      bytes[bit / 8] &= (byte) ~(0x80 >> bit % 8);
    }
    try {
      return new IpPrefix(InetAddress.getByAddress(bytes), length);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public String toString() {
    return address.getHostAddress() + "/" + length;
  }
}
