package dev.virtualip.agent.vrrp;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A key of {@link Hmac} and the id by which adverts name it. */
public final class HmacKey {
  /** Bytes of the shortest key, as in keepalived. */
  public static final int MIN = 32;

  /** Bytes of the longest key: the block of SHA-256. */
  public static final int MAX = 64;

  private static final String ALGORITHM = "HmacSHA256";
  private static final byte[] NAME = "virtualip key".getBytes(StandardCharsets.US_ASCII);
  private static final int NAME_LENGTH = 4;

  private final int id;
  private final byte[] bytes;
  private final String name;

  /**
   * @param id 1 to 255
   * @param bytes 32 to 64 bytes
   * @throws IllegalArgumentException if one of them is out of range
   */
  public HmacKey(int id, byte[] bytes) {
    if (id < 1 || id > 255) {
      throw new IllegalArgumentException(id + " is not the id of a key: use 1 to 255");
    }
    if (bytes.length < MIN || bytes.length > MAX) {
      throw new IllegalArgumentException(
          "key %d has %d bytes: use %d to %d".formatted(id, bytes.length, MIN, MAX));
    }
    this.id = id;
    this.bytes = bytes.clone();
    name = id + "-" + HexFormat.of().formatHex(digest(NAME), 0, NAME_LENGTH);
  }

  /** The id on the wire, 1 to 255. */
  public int id() {
    return id;
  }

  /** A copy of the key itself. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /**
   * The id and 8 digits that follow from the key, as in {@code 7-1f0c93aa}: another key with the
   * same id has another name. It tells nothing of the key that its adverts do not tell.
   */
  public String name() {
    return name;
  }

  /** HMAC-SHA256 of the parts, one after the other; 32 bytes. */
  byte[] digest(byte[]... parts) {
    try {
      var mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(bytes, ALGORITHM));
      for (var part : parts) {
        mac.update(part);
      }
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every JDK has " + ALGORITHM, e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof HmacKey that
        && id == that.id
        && MessageDigest.isEqual(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * id + Arrays.hashCode(bytes);
  }

  /** Its name: never the key itself. */
  @Override
  public String toString() {
    return name();
  }
}
