package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.State;
import dev.virtualip.crds.schema.VirtualIpStatus.Speaker;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Routers that use the same VRID but with another password, version, interval or address list.
 * Peers look like that for a moment while an edit reaches the nodes one by one. So a speaker counts
 * only if its adverts still do not match 5 s after the first of them. Times are the event loop's
 * nanoseconds.
 */
final class ForeignSpeakers {
  static final String OTHER_ADDRESSES = "OtherAddresses";
  static final String LONG_INTERVAL = "LongInterval";
  private static final long COUNTS_AFTER = 5_000_000_000L;
  private static final long FORGOTTEN_AFTER = 60_000_000_000L;
  private static final int MAX = 16;

  private final Map<InetAddress, Noted> noted = new LinkedHashMap<>();

  private record Noted(String reason, long since, long last) {
    boolean counts() {
      return last - since >= COUNTS_AFTER;
    }
  }

  /**
   * Notes an advert.
   *
   * @param reason what does not match, or null if everything does
   * @return whether {@link #counting} has changed
   */
  boolean heard(InetAddress source, String reason, long now) {
    var before = noted.get(source);
    if (reason == null) {
      noted.remove(source);
      return before != null && before.counts();
    }
    if (before == null && noted.size() >= MAX) {
      return false;
    }
    var after = new Noted(reason, before == null ? now : before.since(), now);
    noted.put(source, after);
    return after.counts() && (!before.counts() || !before.reason().equals(reason));
  }

  /** When the next speaker has been silent for 60 s, or {@link State#NEVER}. */
  long deadline() {
    if (noted.isEmpty()) {
      // No stream for the common case: the loop asks all routers at each turn.
      return State.NEVER;
    }
    return noted.values().stream()
        .mapToLong(speaker -> speaker.last() + FORGOTTEN_AFTER)
        .min()
        .orElse(State.NEVER);
  }

  /**
   * Forgets speakers that have been silent for 60 s.
   *
   * @return whether {@link #counting} has changed
   */
  boolean forget(long now) {
    var before = counting();
    noted.values().removeIf(speaker -> speaker.last() + FORGOTTEN_AFTER <= now);
    return !counting().equals(before);
  }

  /** Speakers that count, in the order in which they appeared. */
  List<Speaker> counting() {
    return noted.entrySet().stream()
        .filter(entry -> entry.getValue().counts())
        .map(entry -> new Speaker(IpPrefix.text(entry.getKey()), entry.getValue().reason()))
        .toList();
  }
}
