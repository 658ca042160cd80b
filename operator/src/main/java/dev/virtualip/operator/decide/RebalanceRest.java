package dev.virtualip.operator.decide;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Remembers which lanes were to be moved to a node that did not follow: they rest, each time for
 * twice as long, from two minutes to an hour. A request that has ended leaves no trace in the
 * reports, and each try may cost a change of masters. A new operator tries once more. Used by one
 * thread.
 */
public final class RebalanceRest {
  static final Duration FIRST = Duration.ofMinutes(2);
  static final Duration LONGEST = Duration.ofHours(1);

  private final Map<String, Rest> rests = new HashMap<>();

  private record Rest(Duration length, Instant until) {
    boolean isOver(Instant now) {
      return !now.isBefore(until);
    }

    Rest next(Instant now) {
      var doubled = length.multipliedBy(2);
      var longer = doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
      return new Rest(longer, now.plus(longer));
    }
  }

  /**
   * The lanes that are not to be moved now.
   *
   * @param vips all VirtualIPs, with the present requests
   */
  public Set<String> resting(Collection<VirtualIp> vips, Instant now) {
    // What has not failed again for so long is as good as new.
    rests.values().removeIf(rest -> rest.until().plus(LONGEST).isBefore(now));
    for (var vip : vips) {
      var name = vip.getMetadata().getName();
      var before = rests.get(name);
      if (isInVain(vip, now) && (before == null || before.isOver(now))) {
        rests.put(name, before == null ? new Rest(FIRST, now.plus(FIRST)) : before.next(now));
      }
    }
    return rests.entrySet().stream()
        .filter(rest -> !rest.getValue().isOver(now))
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  private static boolean isInVain(VirtualIp vip, Instant now) {
    return HandOvers.present(vip).values().stream()
        .filter(RebalanceRest::isMove)
        .anyMatch(asked -> Rebalance.isInVain(asked, now));
  }

  private static boolean isMove(HandOver asked) {
    return Objects.requireNonNullElse(asked.reason(), "").startsWith(HandOvers.REBALANCE);
  }
}
