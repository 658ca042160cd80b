package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.IpRange;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Addresses for Services. What a Service has it keeps while a pool allows it; the others get what
 * they ask for, or the next free address, the oldest first. A request that cannot be met takes
 * nothing away. Pure.
 */
final class ServiceAllocation {
  private static final Comparator<ServiceRequest> OLDEST_FIRST =
      Comparator.comparing(
              (ServiceRequest r) ->
                  Objects.requireNonNullElse(r.service().getMetadata().getCreationTimestamp(), ""))
          .thenComparing(ServiceRequest::key);

  /**
   * Addresses that no Service may have.
   *
   * @param owners whose they are, for what is assigned anew
   * @param lost those that a Service has to give up
   * @param frozen those that a Service keeps whatever the pools say, as theirs cannot be read
   */
  record Reserved(
      Map<InetAddress, String> owners, Set<InetAddress> lost, Set<InetAddress> frozen) {}

  /**
   * What a Service gets.
   *
   * @param addresses the name of the pool of each; empty if that cannot be read, and nothing
   *     changes
   * @param failure why it lacks what it asks for, and what to do; or null
   */
  record Outcome(ServiceRequest request, Map<InetAddress, String> addresses, String failure) {}

  private final List<CheckedPool> pools;
  private final Reserved reserved;
  private final Map<InetAddress, List<ServiceRequest>> holders = new HashMap<>();
  private final Map<String, int[]> shared = new HashMap<>();
  private final Map<String, Cursor> cursors = new HashMap<>();

  private ServiceAllocation(List<CheckedPool> pools, Reserved reserved) {
    this.pools = pools;
    this.reserved = reserved;
  }

  /** Allocates to all Services; what each gets, by its namespace and name. */
  static Map<String, Outcome> of(
      Collection<ServiceRequest> services, Collection<CheckedPool> pools, Reserved reserved) {
    var allocation =
        new ServiceAllocation(
            pools.stream()
                .filter(pool -> pool.isGood() && pool.services() != null)
                .sorted(Comparator.comparing(CheckedPool::name))
                .toList(),
            reserved);
    var ordered = services.stream().sorted(OLDEST_FIRST).toList();
    var kept = new HashMap<String, List<InetAddress>>();
    ordered.forEach(request -> kept.put(request.key(), allocation.keep(request)));
    var outcomes = new TreeMap<String, Outcome>();
    ordered.forEach(
        request ->
            outcomes.put(request.key(), allocation.outcome(request, kept.get(request.key()))));
    return outcomes;
  }

  private List<InetAddress> keep(ServiceRequest request) {
    var kept = new ArrayList<InetAddress>();
    for (var address : new LinkedHashSet<>(request.has())) {
      boolean allowed =
          reserved.frozen().contains(address)
              || pools.stream().anyMatch(p -> request.fits(p) && p.has(address));
      if (allowed && !reserved.lost().contains(address) && obstacle(request, address) == null) {
        hold(request, address);
        kept.add(address);
      }
    }
    return kept;
  }

  private Outcome outcome(ServiceRequest request, List<InetAddress> kept) {
    if (kept.stream().anyMatch(reserved.frozen()::contains)) {
      return outcome(request, kept, null);
    }
    if (request.flaw() != null) {
      return outcome(request, kept, request.flaw());
    }
    var candidates = candidates(request, kept);
    if (!candidates.isEmpty() && isContent(request, kept, candidates.getFirst())) {
      return outcome(request, kept, null);
    }
    kept.forEach(address -> release(request, address));
    var failures = new LinkedHashSet<String>();
    var best = best(request, kept, candidates, failures);
    boolean enough =
        !best.isEmpty()
            && best.containsAll(request.addresses())
            && (best.size() == request.families().size() || !request.bothNeeded());
    var gets = enough ? best : kept;
    gets.forEach(address -> hold(request, address));
    return outcome(request, gets, enough ? null : why(request, failures));
  }

  private Outcome outcome(ServiceRequest request, List<InetAddress> gets, String failure) {
    var byPool = new LinkedHashMap<InetAddress, String>();
    gets.forEach(address -> byPool.put(address, poolOf(request, address)));
    return new Outcome(request, Collections.unmodifiableMap(byPool), failure);
  }

  private String poolOf(ServiceRequest request, InetAddress address) {
    return reserved.frozen().contains(address)
        ? ""
        : pools.stream()
            .filter(pool -> request.fits(pool) && pool.has(address))
            .map(CheckedPool::name)
            .min(Comparator.comparing((String name) -> !name.equals(request.pool())))
            .orElse("");
  }

  private static boolean isContent(
      ServiceRequest request, List<InetAddress> kept, CheckedPool pool) {
    return kept.size() == request.families().size()
        && kept.containsAll(request.addresses())
        && request.families().stream().allMatch(ipv6 -> ofFamily(kept, ipv6).isPresent())
        && kept.stream().allMatch(pool::has);
  }

  private List<InetAddress> best(
      ServiceRequest request,
      List<InetAddress> kept,
      List<CheckedPool> candidates,
      Set<String> failures) {
    List<InetAddress> best = List.of();
    for (var pool : candidates) {
      var found = in(pool, request, kept, failures);
      if (found.size() > best.size()) {
        best = found;
      }
      // A second family that is not needed is no reason to give up the first one's address.
      boolean stays = !kept.isEmpty() && !request.bothNeeded() && !best.isEmpty();
      if (stays || best.size() == request.families().size()) {
        break;
      }
    }
    return best;
  }

  /** The pool that it has addresses of comes first, as long as it may have that. */
  private List<CheckedPool> candidates(ServiceRequest request, List<InetAddress> kept) {
    return pools.stream()
        .filter(request::fits)
        .filter(pool -> request.pool() == null || request.pool().equals(pool.name()))
        .filter(pool -> request.addresses().stream().allMatch(pool::has))
        .filter(
            pool ->
                pool.services().autoAssign()
                    || request.pool() != null
                    || !request.addresses().isEmpty()
                    || kept.stream().anyMatch(pool::has))
        .sorted(Comparator.comparing(pool -> kept.stream().noneMatch(pool::has)))
        .toList();
  }

  /** What a pool has for a Service, at most one address of each family. */
  private List<InetAddress> in(
      CheckedPool pool, ServiceRequest request, List<InetAddress> kept, Set<String> failures) {
    var found = new ArrayList<InetAddress>();
    for (boolean ipv6 : request.families()) {
      var asked = ofFamily(request.addresses(), ipv6);
      var has = ofFamily(kept, ipv6).filter(pool::has);
      Optional<InetAddress> address;
      if (asked.isPresent()) {
        boolean same = asked.equals(has);
        var obstacle = same ? null : obstacleIn(pool, request, asked.get());
        if (obstacle != null) {
          failures.add(IpPrefix.text(asked.get()) + ": " + obstacle);
        }
        address = obstacle == null ? asked : Optional.empty();
      } else {
        address = has.or(() -> sharedWith(pool, request, ipv6)).or(() -> next(pool, request, ipv6));
      }
      if (address.isPresent()) {
        found.add(address.get());
      } else if (asked.isEmpty()) {
        failures.add(
            !request.local() && isFull(pool)
                ? fullness(pool)
                : "VirtualIPPool %s has no free %s address"
                    .formatted(pool.name(), ipv6 ? "IPv6" : "IPv4"));
      }
    }
    return found;
  }

  private static Optional<InetAddress> ofFamily(Collection<InetAddress> addresses, boolean ipv6) {
    return addresses.stream().filter(a -> a.getAddress().length > 4 == ipv6).findFirst();
  }

  private Optional<InetAddress> sharedWith(CheckedPool pool, ServiceRequest request, boolean ipv6) {
    if (request.sharingKey() == null) {
      return Optional.empty();
    }
    return holders.entrySet().stream()
        .filter(held -> held.getKey().getAddress().length > 4 == ipv6 && pool.has(held.getKey()))
        .filter(held -> held.getValue().stream().allMatch(h -> request.obstacle(h) == null))
        .map(Map.Entry::getKey)
        .min(Comparator.comparing(IpRange::number));
  }

  private Optional<InetAddress> next(CheckedPool pool, ServiceRequest request, boolean ipv6) {
    if (!request.local() && isFull(pool)) {
      return Optional.empty();
    }
    return cursors
        .computeIfAbsent(pool.name() + "/" + ipv6, _ -> new Cursor(pool, ipv6))
        .next(address -> anyObstacle(request, address) == null);
  }

  /** Whether the lanes of a pool can have no more addresses. */
  private boolean isFull(CheckedPool pool) {
    return shared.getOrDefault(pool.name(), new int[1])[0]
        >= pool.services().lanes() * VirtualIpSpec.ADDRESSES_MAX;
  }

  private static String fullness(CheckedPool pool) {
    return "the lanes of VirtualIPPool %s can have no more addresses: raise spec.services.lanes"
        .formatted(pool.name());
  }

  private String obstacleIn(CheckedPool pool, ServiceRequest request, InetAddress address) {
    boolean isNew = !request.local() && !holders.containsKey(address);
    return isNew && isFull(pool) ? fullness(pool) : anyObstacle(request, address);
  }

  private String anyObstacle(ServiceRequest request, InetAddress address) {
    var owner = reserved.owners().get(address);
    return owner != null ? "it is " + owner + ": ask for another" : obstacle(request, address);
  }

  private String obstacle(ServiceRequest request, InetAddress address) {
    return holders.getOrDefault(address, List.of()).stream()
        .map(request::obstacle)
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  private void hold(ServiceRequest request, InetAddress address) {
    var present = holders.computeIfAbsent(address, _ -> new ArrayList<>());
    if (present.isEmpty() && !request.local()) {
      count(request, address, 1);
    }
    present.add(request);
  }

  private void release(ServiceRequest request, InetAddress address) {
    var left = holders.get(address);
    left.remove(request);
    if (left.isEmpty()) {
      holders.remove(address);
      if (!request.local()) {
        count(request, address, -1);
      }
      // What was passed over, as it was taken, is free again.
      cursors.values().forEach(Cursor::rewind);
    }
  }

  private void count(ServiceRequest request, InetAddress address, int by) {
    shared.computeIfAbsent(poolOf(request, address), _ -> new int[1])[0] += by;
  }

  private String why(ServiceRequest request, Set<String> failures) {
    if (!failures.isEmpty()) {
      var text = String.join("; ", failures);
      return text.contains("no free") ? text + ": add to spec.addresses of one" : text;
    }
    var names =
        pools.stream()
            .filter(request::fits)
            .map(CheckedPool::name)
            .collect(Collectors.joining(", "));
    if (names.isEmpty()) {
      return "no VirtualIPPool serves Services of namespace %s with its labels: give one spec.services, or let them fit"
          .formatted(request.namespace());
    }
    if (request.pool() != null && pools.stream().noneMatch(p -> request.pool().equals(p.name()))) {
      return "there is no VirtualIPPool %s with spec.services: ask for one of %s"
          .formatted(request.pool(), names);
    }
    if (!request.addresses().isEmpty()) {
      return "%s is in none of its VirtualIPPools (%s): ask for an address of one of them"
          .formatted(
              request.addresses().stream().map(IpPrefix::text).collect(Collectors.joining(", ")),
              names);
    }
    return request.pool() != null
        ? "VirtualIPPool %s does not serve namespace %s, or not with its labels: ask for one of %s"
            .formatted(request.pool(), request.namespace(), names)
        : "no VirtualIPPool assigns by itself: ask for one of %s by virtualip.dev/pool"
            .formatted(names);
  }

  /** Goes through the addresses of a pool once, as what is taken stays so within an allocation. */
  private static final class Cursor {
    private final CheckedPool pool;
    private final List<IpRange> ranges;
    private int index;
    private BigInteger at;

    Cursor(CheckedPool pool, boolean ipv6) {
      this.pool = pool;
      this.ranges = pool.addresses().stream().filter(range -> range.isIpv6() == ipv6).toList();
    }

    void rewind() {
      index = 0;
      at = null;
    }

    Optional<InetAddress> next(Predicate<InetAddress> free) {
      for (; index < ranges.size(); index++, at = null) {
        var range = ranges.get(index);
        at = at == null ? range.lower() : at;
        for (; at.compareTo(range.upper()) <= 0; at = at.add(BigInteger.ONE)) {
          var address = range.address(at);
          if (isForHosts(range, address) && pool.has(address) && free.test(address)) {
            return Optional.of(address);
          }
        }
      }
      return Optional.empty();
    }

    /** Old devices drop what is for .0 or .255; IPv6 has one such address a network. */
    private static boolean isForHosts(IpRange range, InetAddress address) {
      int last = address.getAddress()[address.getAddress().length - 1] & 0xFF;
      boolean doubtful =
          range.isIpv6() ? IpRange.number(address).longValue() == 0 : last == 0 || last == 255;
      return !doubtful || range.lower().equals(range.upper());
    }
  }
}
