package dev.virtualip.agent.vrrp;

/** The Internet checksum (RFC 1071). Over bytes that contain a correct checksum it is 0. */
public final class Checksum {
  private Checksum() {}

  /** Checksum of bytes without a pseudo-header, 0 to 65535. */
  public static int of(byte[] bytes) {
    return fold(add(0, bytes));
  }

  /**
   * Checksum of bytes with a pseudo-header before them (RFC 9293 3.1 for IPv4, RFC 8200 8.1 for
   * IPv6; the sum is the same for both shapes).
   *
   * @param source source address, 4 or 16 bytes
   * @param destination destination address, as long as the source
   * @param protocol IP protocol number
   */
  public static int of(byte[] bytes, byte[] source, byte[] destination, int protocol) {
    return fold(add(add(add(protocol + bytes.length, source), destination), bytes));
  }

  private static long add(long sum, byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      sum += (long) (bytes[i] & 0xFF) << (i % 2 == 0 ? 8 : 0);
    }
    return sum;
  }

  private static int fold(long sum) {
    while (sum > 0xFFFF) {
      sum = (sum & 0xFFFF) + (sum >> 16);
    }
    return (int) ~sum & 0xFFFF;
  }
}
