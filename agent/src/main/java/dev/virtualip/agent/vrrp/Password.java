package dev.virtualip.agent.vrrp;

import java.security.MessageDigest;
import java.util.Arrays;

/** A VRRPv2 simple text password (RFC 2338 5.3.6.1): 8 bytes, shorter ones filled with zeros. */
public final class Password {
  /** Bytes on the wire. */
  public static final int LENGTH = 8;

  private final byte[] bytes;

  /** A password; bytes after the eighth never reach the wire, as with keepalived. */
  public Password(byte[] password) {
    bytes = Arrays.copyOf(password, LENGTH);
  }

  /** The 8 bytes of the wire. */
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
