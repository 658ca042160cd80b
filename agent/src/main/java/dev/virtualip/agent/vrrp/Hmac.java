package dev.virtualip.agent.vrrp;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Authentication of adverts by a key that the routers share (keepalived 2.4: {@code auth_hmac}).
 *
 * @param mode whether adverts are signed, and whether unsigned ones are believed
 * @param ring the keys
 */
public record Hmac(Mode mode, KeyRing ring) {

  /** How a router takes part, in the order in which all routers are taken through. */
  public enum Mode {
    /** Adverts go out unsigned; a signature that comes with an advert has to be right. */
    ReceiveOnly,
    /** Adverts are signed; unsigned ones are still believed. */
    Permissive,
    /** Adverts are signed; unsigned ones are dropped. */
    Enforce
  }

  /**
   * The keys in a Secret: on each line an id, a space, and 64 to 128 hexadecimal digits; oldest
   * first. Empty lines do not count.
   *
   * @throws IllegalArgumentException without any part of a key in its message
   */
  public static List<HmacKey> parse(byte[] secret) {
    var keys = new ArrayList<HmacKey>();
    int number = 0;
    for (var line : new String(secret, StandardCharsets.UTF_8).lines().toList()) {
      number++;
      if (!line.isBlank()) {
        var key = key(number, line.strip().split("\\s+"));
        if (keys.stream().anyMatch(other -> other.id() == key.id())) {
          throw new IllegalArgumentException(
              "line %d has the id of another line: use another".formatted(number));
        }
        keys.add(key);
      }
    }
    if (keys.isEmpty()) {
      throw new IllegalArgumentException("there is no key in it");
    }
    return keys;
  }

  private static HmacKey key(int line, String[] words) {
    int id;
    byte[] bytes;
    try {
      id = Integer.parseInt(words[0]);
      bytes = HexFormat.of().parseHex(words.length == 2 ? words[1] : "none");
    } catch (IllegalArgumentException _) {
      // Its message has a part of the line, which may be a part of a key.
      throw new IllegalArgumentException(
          "line %d is not an id, a space and hexadecimal digits".formatted(line));
    }
    // Whoever writes a VirtualIP may name any Secret: its numbers are not for the status.
    if (id < 1 || id > 255) {
      throw new IllegalArgumentException(
          "line %d has an id out of range: use 1 to 255".formatted(line));
    }
    if (bytes.length < HmacKey.MIN || bytes.length > HmacKey.MAX) {
      throw new IllegalArgumentException(
          "the key in line %d has %d bytes: use %d to %d"
              .formatted(line, bytes.length, HmacKey.MIN, HmacKey.MAX));
    }
    return new HmacKey(id, bytes);
  }

  /** Whether this router's adverts are signed. */
  public boolean signs() {
    return mode != Mode.ReceiveOnly;
  }

  /** The accepted keys with an id: after a change of its bytes there are two for a while. */
  List<HmacKey> keys(int id) {
    return ring.accepted().filter(key -> key.id() == id).toList();
  }
}
