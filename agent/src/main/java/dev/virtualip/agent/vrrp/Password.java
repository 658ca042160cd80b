package dev.virtualip.agent.vrrp;

import java.security.MessageDigest;
import java.util.Arrays;

/**
 * A VRRPv2 simple text password (RFC 2338 5.3.6.1): 8 bytes; shorter passwords are padded with
 * zeros.
 */
public final class Password {
  /** Length of the authentication data on the wire, in bytes. */
  public static final int LENGTH = 8;

  private final byte[] bytes;

  /** A password of any length; bytes after the eighth are dropped, as with keepalived. */
  public Password(byte[] password) {
    bytes = Arrays.copyOf(password, LENGTH);
  }

  /** The 8 bytes on the wire. */
  byte[] bytes() {
    return bytes.clone();
  }

  boolean matches(byte[] other) {
    return MessageDigest.isEqual(bytes, other);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Password that && matches(that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "********";
  }
}
