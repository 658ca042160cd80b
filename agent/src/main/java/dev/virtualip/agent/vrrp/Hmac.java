package dev.virtualip.agent.vrrp;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Authentication of adverts by a key that the routers share (keepalived 2.4: {@code auth_hmac}).
 *
 * @param mode whether adverts are signed, and whether unsigned ones are believed
 * @param keys the keys that are accepted, oldest first; at least one, each id once
 * @param sends id of the key that signs; one of {@code keys}
 */
public record Hmac(Mode mode, List<HmacKey> keys, int sends) {

  /** How a router takes part, in the order in which all routers are taken through. */
  public enum Mode {
    /** Adverts go out unsigned; a signature that comes with an advert has to be right. */
    ReceiveOnly,
    /** Adverts are signed; unsigned ones are still believed. */
    Permissive,
    /** Adverts are signed; unsigned ones are dropped. */
    Enforce
  }

  /** Copies the keys. */
  public Hmac {
    keys = List.copyOf(keys);
    if (find(keys, sends).isEmpty()) {
      throw new IllegalArgumentException("there is no key " + sends);
    }
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
        if (find(keys, key.id()).isPresent()) {
          throw new IllegalArgumentException("there are two keys " + key.id());
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
    return new HmacKey(id, bytes);
  }

  /**
   * The id of the key to sign with: the newest that all routers accept. Without one, or without any
   * word of them, it is the oldest, which they have had for longest.
   *
   * @param keys the keys of this router, oldest first
   * @param accepted the ids that each of the routers says it accepts
   */
  public static int newestOfAll(List<HmacKey> keys, Collection<Set<Integer>> accepted) {
    return keys.reversed().stream()
        .map(HmacKey::id)
        .filter(_ -> !accepted.isEmpty())
        .filter(id -> accepted.stream().allMatch(ids -> ids.contains(id)))
        .findFirst()
        .orElse(keys.getFirst().id());
  }

  /** Whether this router's adverts are signed. */
  public boolean signs() {
    return mode != Mode.ReceiveOnly;
  }

  /** The ids of the keys that are accepted. */
  public Set<Integer> ids() {
    return keys.stream().map(HmacKey::id).collect(Collectors.toUnmodifiableSet());
  }

  /** The key with an id. */
  Optional<HmacKey> key(int id) {
    return find(keys, id);
  }

  private static Optional<HmacKey> find(List<HmacKey> keys, int id) {
    return keys.stream().filter(key -> key.id() == id).findFirst();
  }
}
