package dev.virtualip.e2e.lab;

import dev.virtualip.e2e.lab.Owners.Change;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How long an address had several owners, and how long it had none, within some time. With several
 * addresses each of the two is that of the worst address.
 *
 * @param two time with two owners or more
 * @param none time without an owner
 * @param twoAtEnd whether an address still has two owners at the end, so that {@code two} is only a
 *     part of that time
 */
public record Holding(Duration two, Duration none, boolean twoAtEnd) {

  /**
   * Adds up the changes of owners.
   *
   * @param changes changes in order, complete from a moment on at which no host had the addresses
   * @param addresses the addresses that count
   * @param from beginning of the time that counts
   * @param to end of the time that counts
   */
  public static Holding of(
      List<Change> changes, Collection<String> addresses, Instant from, Instant to) {
    var worst = new Holding(Duration.ZERO, Duration.ZERO, false);
    Map<String, List<Change>> byAddress = new HashMap<>();
    for (var address : addresses) {
      byAddress.put(address, changes.stream().filter(c -> c.address().equals(address)).toList());
    }
    for (var ofOne : byAddress.values()) {
      var one = ofOne(ofOne, from, to);
      worst =
          new Holding(
              max(worst.two, one.two), max(worst.none, one.none), worst.twoAtEnd || one.twoAtEnd);
    }
    return worst;
  }

  private static Holding ofOne(List<Change> changes, Instant from, Instant to) {
    Set<String> holders = new HashSet<>();
    var two = Duration.ZERO;
    var none = Duration.ZERO;
    var since = from;
    for (var change : changes) {
      if (change.time().isAfter(to)) {
        break;
      }
      if (change.time().isAfter(since)) {
        var time = Duration.between(since, change.time());
        two = holders.size() > 1 ? two.plus(time) : two;
        none = holders.isEmpty() ? none.plus(time) : none;
        since = change.time();
      }
      if (change.there()) {
        holders.add(change.host());
      } else {
        holders.remove(change.host());
      }
    }
    var rest = Duration.between(since, to);
    return new Holding(
        holders.size() > 1 ? two.plus(rest) : two,
        holders.isEmpty() ? none.plus(rest) : none,
        holders.size() > 1);
  }

  private static Duration max(Duration a, Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }
}
