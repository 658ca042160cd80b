package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolStatus;
import dev.virtualip.crds.values.IpRange;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.math.BigInteger;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What of a pool is in use. Addresses count, whichever pool has allowed their VirtualIP. */
final class PoolUse {
  private PoolUse() {}

  /**
   * The status of a pool.
   *
   * @param checked the same pool, checked
   * @param accepted the accepted VirtualIPs
   */
  static VirtualIpPoolStatus status(
      VirtualIpPool pool, CheckedPool checked, Collection<Result> accepted, Instant now) {
    var used = new HashSet<InetAddress>();
    var names = new TreeSet<String>();
    for (var vip : accepted) {
      for (var address : vip.spec().addresses()) {
        var own = address.prefix().address();
        if (checked.addresses().stream().anyMatch(range -> range.contains(own))) {
          used.add(own);
          names.add(vip.name());
        }
      }
    }
    var before = pool.getStatus();
    var conditions =
        before == null || before.conditions() == null ? List.<Condition>of() : before.conditions();
    return new VirtualIpPoolStatus(
        pool.getMetadata().getGeneration(),
        (long) used.size(),
        free(checked.addresses(), used.size()),
        names.stream().limit(VirtualIpPoolStatus.NAMES_MAX).toList(),
        StatusDecision.timed(List.of(accepted(pool, checked)), conditions, now));
  }

  private static long free(List<IpRange> ranges, int used) {
    var free = size(ranges).subtract(BigInteger.valueOf(used));
    return free.min(BigInteger.valueOf(VirtualIpPoolStatus.FREE_MAX)).longValue();
  }

  /** How many addresses ranges have together; those in two of them count once. */
  static BigInteger size(List<IpRange> ranges) {
    var size = BigInteger.ZERO;
    for (boolean ipv6 : new boolean[] {false, true}) {
      var end = BigInteger.ONE.negate();
      var ordered =
          ranges.stream()
              .filter(range -> range.isIpv6() == ipv6)
              .sorted(Comparator.comparing(IpRange::lower))
              .toList();
      for (var range : ordered) {
        var begin = range.lower().max(end.add(BigInteger.ONE));
        end = range.upper().max(end);
        size = size.add(end.subtract(begin).add(BigInteger.ONE).max(BigInteger.ZERO));
      }
    }
    return size;
  }

  private static Condition accepted(VirtualIpPool pool, CheckedPool checked) {
    var message =
        checked.isGood()
            ? "VirtualIPs may use it"
            : checked.problems().stream().map(Problem::toString).collect(Collectors.joining("; "));
    return new ConditionBuilder()
        .withType(VirtualIpConditions.ACCEPTED)
        .withStatus(checked.isGood() ? "True" : "False")
        .withReason(checked.isGood() ? VirtualIpConditions.ACCEPTED : Problem.Kind.Invalid.name())
        .withMessage(message)
        .withObservedGeneration(pool.getMetadata().getGeneration())
        .build();
  }
}
