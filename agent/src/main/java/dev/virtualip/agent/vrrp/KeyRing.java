package dev.virtualip.agent.vrrp;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.Stream;

/**
 * The keys of one router's signed adverts. Their Secret may change in any way, even to none of the
 * keys it had: a router goes on to accept the former keys, and to sign with one, until the others
 * have told that they may go. What the others tell may be late. Two rules keep each advert
 * acceptable to all others:
 *
 * <ul>
 *   <li>A router signs with the newest key once all others have read the same keys as it has.
 *   <li>It forgets former keys once, besides, none of the others signs with one.
 * </ul>
 *
 * @param keys the keys that the Secret has, oldest first; at least one
 * @param kept keys that the Secret had before, and that others may still sign with
 * @param sends the key to sign with; one of both
 */
public record KeyRing(List<HmacKey> keys, List<HmacKey> kept, HmacKey sends) {

  /**
   * What another router tells of its keys, by their names.
   *
   * @param sends null if it has none
   */
  public record Report(List<String> keys, List<String> kept, String sends) {
    /** Of a router that has no keys. */
    public static final Report NONE = new Report(List.of(), List.of(), null);

    /** Copies the lists; null is empty. */
    public Report {
      keys = keys == null ? List.of() : List.copyOf(keys);
      kept = kept == null ? List.of() : List.copyOf(kept);
    }

    private boolean mayHave(HmacKey key) {
      return sends == null || keys.contains(key.name());
    }

    private boolean accepts(HmacKey key) {
      return keys.contains(key.name()) || kept.contains(key.name());
    }
  }

  /** Copies the lists. */
  public KeyRing {
    keys = List.copyOf(keys);
    kept = List.copyOf(kept);
    if (keys.isEmpty() || !keys.contains(sends) && !kept.contains(sends)) {
      throw new IllegalArgumentException("there is no key " + sends);
    }
  }

  /**
   * Where nobody tells anything: the first key signs, and the order of the keys rolls them over.
   */
  public static KeyRing untold(List<HmacKey> keys) {
    return new KeyRing(keys, List.of(), keys.getFirst());
  }

  /**
   * Of a router that begins: it signs with the newest key that the others have, if there is one.
   */
  public static KeyRing begin(List<HmacKey> keys, Collection<Report> others) {
    var common =
        keys.reversed().stream()
            .filter(key -> others.stream().allMatch(other -> other.mayHave(key)))
            .findFirst();
    return new KeyRing(keys, List.of(), common.orElse(keys.getLast()));
  }

  /** After the Secret has been read: its former keys are kept. */
  public KeyRing read(List<HmacKey> newest) {
    var former = new LinkedHashSet<>(kept);
    former.addAll(keys);
    newest.forEach(former::remove);
    return new KeyRing(newest, List.copyOf(former), sends);
  }

  /**
   * After the others have told of their keys; nothing changes until all have read the same ones.
   */
  public KeyRing told(Collection<Report> others) {
    var names = names();
    if (!others.stream().allMatch(other -> other.keys().equals(names))) {
      return this;
    }
    boolean used = others.stream().anyMatch(other -> !names.contains(other.sends()));
    return new KeyRing(keys, used ? kept : List.of(), keys.getLast());
  }

  /** Whether this router and another one believe each other's adverts. */
  public boolean agreesWith(Report other) {
    return other.sends() == null
        || other.accepts(sends) && accepted().anyMatch(key -> key.name().equals(other.sends()));
  }

  /** All keys that are accepted. */
  Stream<HmacKey> accepted() {
    return Stream.concat(keys.stream(), kept.stream());
  }

  /** Names of the keys that the Secret has, oldest first. */
  public List<String> names() {
    return keys.stream().map(HmacKey::name).toList();
  }
}
