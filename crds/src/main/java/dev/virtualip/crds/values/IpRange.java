package dev.virtualip.crds.values;

import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * Consecutive addresses of one family.
 *
 * @param first the lowest, without a scope
 * @param last the highest, of the same family
 */
public record IpRange(InetAddress first, InetAddress last) {
  /** Pattern of a range; it only rules out wrong characters. */
  public static final String PATTERN = "^[0-9A-Fa-f:.]+(/[0-9]{1,3}|-[0-9A-Fa-f:.]+)?$";

  /** Length of the longest text of a range, in characters. */
  public static final int TEXT_MAX = 2 * IpPrefix.ADDRESS_TEXT_MAX + 1;

  /**
   * Parses a prefix such as {@code 203.0.113.0/28}, the ends of a range such as {@code
   * 203.0.113.10-203.0.113.19}, or one address.
   *
   * @throws IllegalArgumentException if it is not valid; the message says what to write instead
   */
  public static IpRange parse(String text) {
    if (text.indexOf('/') >= 0) {
      var prefix = IpPrefix.parse(text);
      if (!prefix.isNetwork()) {
        throw new IllegalArgumentException(
            "\"%s\" has bits behind its prefix: write %s, or the address alone"
                .formatted(text, prefix.network()));
      }
      return new IpRange(prefix.address(), prefix.last().address());
    }
    int dash = text.indexOf('-');
    var first = IpPrefix.parseAddress(dash < 0 ? text : text.substring(0, dash));
    var last = dash < 0 ? first : IpPrefix.parseAddress(text.substring(dash + 1));
    if (first.getAddress().length != last.getAddress().length
        || Arrays.compareUnsigned(first.getAddress(), last.getAddress()) > 0) {
      throw new IllegalArgumentException(
          "\"%s\" is no range: write the lower address first, and both of one family"
              .formatted(text));
    }
    return new IpRange(first, last);
  }

  /** Whether an address is one of these; false for one of the other family. */
  public boolean contains(InetAddress address) {
    var bytes = address.getAddress();
    return bytes.length == first.getAddress().length
        && Arrays.compareUnsigned(first.getAddress(), bytes) <= 0
        && Arrays.compareUnsigned(bytes, last.getAddress()) <= 0;
  }

  /** Whether all addresses of a prefix are among these. */
  public boolean contains(IpPrefix prefix) {
    return contains(prefix.network().address()) && contains(prefix.last().address());
  }

  /** Whether it is of the IPv6 family. */
  public boolean isIpv6() {
    return first.getAddress().length > 4;
  }

  /** The lowest address as a number. */
  public BigInteger lower() {
    return number(first);
  }

  /** The highest address as a number. */
  public BigInteger upper() {
    return number(last);
  }

  /** An address of this family from its number. */
  public InetAddress address(BigInteger number) {
    int length = first.getAddress().length;
    var digits = number.toByteArray();
    var bytes = new byte[length];
    int count = Math.min(digits.length, length);
    System.arraycopy(digits, digits.length - count, bytes, length - count, count);
    try {
      // InetAddress.getByAddress would turn an IPv4-mapped IPv6 address into an IPv4 one.
      return isIpv6()
          ? Inet6Address.getByAddress(null, bytes, -1)
          : InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  /** An address as a number. */
  public static BigInteger number(InetAddress address) {
    return new BigInteger(1, address.getAddress());
  }

  @Override
  public String toString() {
    return first.equals(last)
        ? IpPrefix.text(first)
        : IpPrefix.text(first) + "-" + IpPrefix.text(last);
  }
}
