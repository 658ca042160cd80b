package dev.virtualip.crds.check;

import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.schema.VirtualIpPool;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * All pools of a cluster. Where there is none, every VirtualIP is allowed. Only specs count, so
 * operator and agents come to the same result.
 */
public final class Pools {
  /** No pools: everything is allowed. */
  public static final Pools NONE = new Pools(List.of());

  private final List<CheckedPool> pools;

  private Pools(List<CheckedPool> pools) {
    this.pools = pools;
  }

  /** Parses and checks pools. */
  public static Pools of(Collection<VirtualIpPool> pools) {
    return new Pools(
        pools.stream()
            .map(CheckedPool::of)
            .sorted(Comparator.comparing(CheckedPool::name))
            .toList());
  }

  /** All of them, by name; those with problems of their own included. */
  public List<CheckedPool> all() {
    return pools;
  }

  /**
   * The outcome of a check with the problem that no pool allows the VirtualIP; the same object if
   * it has problems of its own, or there is nothing against it.
   */
  public Result judge(Result checked) {
    if (pools.isEmpty() || !checked.isGood()) {
      return checked;
    }
    var refusals = refusals(checked.spec());
    return refusals.isEmpty() ? checked : new Result(checked.vip(), null, refusals);
  }

  /** What the pool that fits best has against a VirtualIP; empty if one allows it. */
  private List<Problem> refusals(CheckedSpec spec) {
    var wanted = spec.spec().pool();
    return pools.stream()
        .filter(pool -> wanted == null || wanted.equals(pool.name()))
        .map(pool -> pool.refusals(spec))
        .min(Comparator.comparingInt(List::size))
        .orElseGet(() -> List.of(missing(wanted)));
  }

  private Problem missing(String wanted) {
    var names = pools.stream().map(CheckedPool::name).collect(Collectors.joining(", "));
    return CheckedPool.refusal(
        "spec.pool",
        "there is no VirtualIPPool %s: name one of %s, or remove it".formatted(wanted, names));
  }
}
