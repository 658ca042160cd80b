package dev.virtualip.agent.vrrp;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * Bytes of the trailer that keepalived 2.4.1 appends to an advert (draft-cassen-vrrp-auth-hmac-00).
 *
 * <pre>
 * +---------------+---------------+---------------+---------------+
 * |  Scheme (1)   |    Key id     |           Reserved            |
 * +---------------+---------------+---------------+---------------+
 * |                   Seconds since 1970 (UTC)                    |
 * +---------------+---------------+---------------+---------------+
 * |   Fraction of a second, 1/65536   |          Counter          |
 * +---------------+---------------+---------------+---------------+
 * |          HMAC-SHA256, the first 16 of its 32 bytes            |
 * +---------------------------------------------------------------+
 * </pre>
 *
 * The HMAC covers a pseudo-header (family 4 or 6, version, VRID, zero, source address in 16 bytes),
 * the message with a checksum of zero, and the trailer with an HMAC of zeros. The destination is
 * not covered. The checksum covers the trailer over IPv6, where the kernel writes it, and not over
 * IPv4.
 */
public final class HmacTrailer {
  /** Length of the trailer in bytes. */
  public static final int LENGTH = 28;

  private static final int SCHEME = 1;
  private static final int HMAC = 16;
  private static final int PSEUDO_HEADER = 20;
  private static final int CHECKSUM_AT = 6;

  private HmacTrailer() {}

  /**
   * An advert with its trailer.
   *
   * @param message the encoded advert
   * @param key signs it
   * @param sequence seconds, fraction and counter; see {@link Freshness}
   */
  public static byte[] append(
      byte[] message, HmacKey key, long sequence, InetAddress source, InetAddress destination) {
    var signed =
        ByteBuffer.allocate(message.length + LENGTH)
            .put(message)
            .put((byte) SCHEME)
            .put((byte) key.id())
            .putShort((short) 0)
            .putLong(sequence);
    signed.put(digest(key, signed.array(), source), 0, HMAC);
    if (source instanceof Inet6Address) {
      signed.putShort(CHECKSUM_AT, (short) 0);
      int sum =
          Checksum.of(
              signed.array(),
              source.getAddress(),
              destination.getAddress(),
              AdvertisementCodec.PROTOCOL);
      signed.putShort(CHECKSUM_AT, (short) sum);
    }
    return signed.array();
  }

  /** The sequence of a signed advert. */
  static long sequence(byte[] signed) {
    return ByteBuffer.wrap(signed).getLong(signed.length - HMAC - Long.BYTES);
  }

  /**
   * What is wrong with the trailer, or null.
   *
   * @param signed an advert of the length that it calls for, and its trailer
   */
  static Decoded.Reason check(byte[] signed, Hmac hmac, Freshness freshness, InetAddress source) {
    int at = signed.length - LENGTH;
    if (signed[at] != SCHEME || signed[at + 2] != 0 || signed[at + 3] != 0) {
      return Decoded.Reason.HmacMalformed;
    }
    // Before the digest, so that a flood of old adverts costs none. It is no proof of anything yet.
    if (freshness.isStale(sequence(signed))) {
      return Decoded.Reason.HmacStale;
    }
    var keys = hmac.keys(signed[at + 1] & 0xFF);
    if (keys.isEmpty()) {
      return Decoded.Reason.HmacUnknownKey;
    }
    if (keys.stream().noneMatch(key -> isSignedBy(key, signed, source))) {
      return Decoded.Reason.HmacWrong;
    }
    int priority = signed[2] & 0xFF;
    return freshness.isNew(source, sequence(signed), priority == 0)
        ? null
        : Decoded.Reason.HmacReplayed;
  }

  private static boolean isSignedBy(HmacKey key, byte[] signed, InetAddress source) {
    var theirs = Arrays.copyOfRange(signed, signed.length - HMAC, signed.length);
    return MessageDigest.isEqual(Arrays.copyOf(digest(key, signed, source), HMAC), theirs);
  }

  private static byte[] digest(HmacKey key, byte[] signed, InetAddress source) {
    var address = source.getAddress();
    var pseudoHeader =
        ByteBuffer.allocate(PSEUDO_HEADER)
            .put((byte) (source instanceof Inet6Address ? 6 : 4))
            .put((byte) ((signed[0] & 0xF0) >> 4))
            .put(signed[1])
            .put((byte) 0)
            .put(address)
            .array();
    var covered = signed.clone();
    Arrays.fill(covered, CHECKSUM_AT, CHECKSUM_AT + Short.BYTES, (byte) 0);
    Arrays.fill(covered, covered.length - HMAC, covered.length, (byte) 0);
    return key.digest(pseudoHeader, covered);
  }
}
