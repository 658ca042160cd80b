package dev.virtualip.crds.check;

import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Problem.Kind;
import dev.virtualip.crds.schema.NodeOverride;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What VirtualIPs take away from each other: a VRID on a NIC (of each IP family there is one), an
 * address, or the order of routing rules; and members of a sync group that can't be master on the
 * same node. The older object wins, by creation time and then by name. Only specs decide, not which
 * nodes exist, so operator and every agent come to the same answer.
 */
public final class Conflicts {
  private static final Comparator<Result> OLDEST_FIRST =
      Comparator.comparing(
              (Result checked) ->
                  Objects.requireNonNullElse(
                      checked.vip().getMetadata().getCreationTimestamp(), ""))
          .thenComparing(Result::name);

  /** Those that have won, by what they have taken: thousands are not compared pair by pair. */
  private final Map<Object, List<Result>> taken = new HashMap<>();

  private Conflicts() {}

  /**
   * All problems of all objects by object name, those of each spec on its own included. An object
   * with problems takes nothing away from others.
   */
  public static Map<String, List<Problem>> among(Collection<Result> checked) {
    return among(checked, (_, _) -> List.of());
  }

  /**
   * The same on one node, which knows more: that two {@linkplain InterfaceSelector selectors} mean
   * one NIC.
   *
   * @param nic the NIC that a selector means there
   */
  public static Map<String, List<Problem>> amongOn(
      NodeFacts node, UnaryOperator<String> nic, Collection<Result> checked) {
    return among(
        checked,
        (a, b) -> {
          var ours = nic.apply(a.spec().spec().interfaceOn(node.name()));
          boolean same = ours.equals(nic.apply(b.spec().spec().interfaceOn(node.name())));
          return same && node.selectedBy(a.vip()) && node.selectedBy(b.vip())
              ? List.of(ours)
              : List.of();
        });
  }

  private static Map<String, List<Problem>> among(
      Collection<Result> all, BiFunction<Result, Result, List<String>> moreInCommon) {
    var problems = new HashMap<String, List<Problem>>();
    var conflicts = new Conflicts();
    for (var checked : all.stream().sorted(OLDEST_FIRST).toList()) {
      var own = new ArrayList<>(checked.problems());
      if (own.isEmpty()) {
        conflicts
            .rivals(checked.spec())
            .forEach(winner -> own.addAll(between(winner, checked, moreInCommon)));
      }
      if (own.isEmpty()) {
        conflicts.take(checked);
      }
      problems.put(checked.name(), List.copyOf(own));
    }
    return problems;
  }

  private Collection<Result> rivals(CheckedSpec spec) {
    var rivals = new LinkedHashMap<String, Result>();
    for (var key : keys(spec)) {
      taken.getOrDefault(key, List.of()).forEach(rival -> rivals.put(rival.name(), rival));
    }
    return rivals.values();
  }

  private void take(Result winner) {
    keys(winner.spec())
        .forEach(key -> taken.computeIfAbsent(key, _ -> new ArrayList<>()).add(winner));
  }

  /** What it may have in common with others: VRID, sync group, addresses, rules of any kind. */
  private static Collection<Object> keys(CheckedSpec spec) {
    var keys = new LinkedHashSet<Object>();
    keys.add(spec.spec().vrid());
    if (spec.spec().syncGroup() != null) {
      keys.add(spec.spec().syncGroup());
    }
    if (!spec.rules().isEmpty()) {
      keys.add(PolicyRule.class);
    }
    keys.addAll(addresses(spec));
    return keys;
  }

  private static List<Problem> between(
      Result winning, Result losing, BiFunction<Result, Result, List<String>> moreInCommon) {
    var winner = winning.name();
    var older = winning.spec();
    var spec = losing.spec();
    boolean disjoint = disjoint(spec.spec(), older.spec());
    var problems = new ArrayList<Problem>();
    if (!disjoint && spec.isIpv6() == older.isIpv6()) {
      problems.addAll(vridsBetween(winning, losing, moreInCommon));
    }
    var taken = Set.copyOf(addresses(older));
    var own = addresses(spec);
    for (int i = 0; i < own.size(); i++) {
      if (taken.contains(own.get(i))) {
        problems.add(
            conflict(
                "spec.addresses[" + i + "].address",
                "%s is taken by VirtualIP %s: remove it from one of the two"
                    .formatted(IpPrefix.text(own.get(i).address()), winner)));
      }
    }
    var group = spec.spec().syncGroup();
    if (group != null && group.equals(older.spec().syncGroup())) {
      misfit(spec.spec(), older.spec())
          .ifPresent(
              fix ->
                  problems.add(
                      conflict(
                          "spec.syncGroup",
                          "%s has VirtualIP %s in it, %s".formatted(group, winner, fix))));
    }
    if (!disjoint) {
      problems.addAll(rulesBetween(winner, older.rules(), spec.rules()));
    }
    return problems;
  }

  private static Problem conflict(String path, String message) {
    return new Problem(Kind.Conflict, path, message);
  }

  private static List<Problem> vridsBetween(
      Result winning, Result losing, BiFunction<Result, Result, List<String>> moreInCommon) {
    var older = winning.spec().spec();
    var spec = losing.spec().spec();
    if (!spec.vrid().equals(older.vrid())) {
      return List.of();
    }
    var common = commonInterfaces(spec, older);
    common.addAll(moreInCommon.apply(losing, winning));
    return common.stream()
        .map(
            nic ->
                conflict(
                    "spec.vrid",
                    "%d on %s is taken by VirtualIP %s: use another VRID, NIC or set of nodes"
                        .formatted(spec.vrid(), nic, winning.name())))
        .toList();
  }

  private static List<Problem> rulesBetween(
      String winner, List<PolicyRule> taken, List<PolicyRule> own) {
    var problems = new ArrayList<Problem>();
    for (int i = 0; i < own.size(); i++) {
      if (taken.stream().anyMatch(own.get(i)::clashesWith)) {
        var other = "a rule of VirtualIP " + winner;
        problems.add(conflict("spec.rules[" + i + "]", PolicyRules.clash(other, own.get(i))));
      }
    }
    return problems;
  }

  /** Members of a sync group win on the same node only if they are alike there. */
  private static Optional<String> misfit(VirtualIpSpec spec, VirtualIpSpec older) {
    if (!Objects.equals(spec.nodes().selector(), older.nodes().selector())) {
      return Optional.of(
          "which selects other nodes: give both the same spec.nodes.selector, or take one out of"
              + " the group");
    }
    return namedNodes(spec, older)
        .filter(node -> spec.priorityOn(node) != older.priorityOn(node))
        .findFirst()
        .map(
            node ->
                "which has priority %d on %s, not %d: give both the same priorities, or take one"
                        .formatted(
                            older.priorityOn(node),
                            node.isEmpty() ? "other nodes" : node,
                            spec.priorityOn(node))
                    + " out of the group");
  }

  /** NICs that both use for adverts on one node, named nodes first, then any other node. */
  private static Collection<String> commonInterfaces(VirtualIpSpec a, VirtualIpSpec b) {
    return namedNodes(a, b)
        .filter(node -> a.interfaceOn(node).equals(b.interfaceOn(node)))
        .map(a::interfaceOn)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** Nodes that one of both names, and an empty name for all others. */
  private static Stream<String> namedNodes(VirtualIpSpec a, VirtualIpSpec b) {
    return Stream.of(
            a.nodes().overrides().stream().map(NodeOverride::name),
            b.nodes().overrides().stream().map(NodeOverride::name),
            Stream.of(""))
        .flatMap(names -> names)
        .distinct();
  }

  /** Whether no node can be in both: they ask for different values of one label. */
  private static boolean disjoint(VirtualIpSpec a, VirtualIpSpec b) {
    if (a.nodes().selector() == null || b.nodes().selector() == null) {
      return false;
    }
    var labels = b.nodes().selector().matchLabels();
    return a.nodes().selector().matchLabels().entrySet().stream()
        .anyMatch(
            label ->
                labels.containsKey(label.getKey())
                    && !labels.get(label.getKey()).equals(label.getValue()));
  }

  /** An address; a link-local one stands for a host on its own NIC's network only. */
  private record Place(InetAddress address, String interfaceName) {}

  private static List<Place> addresses(CheckedSpec spec) {
    return spec.addresses().stream()
        .map(
            a -> {
              var address = a.prefix().address();
              return new Place(
                  address,
                  address.isLinkLocalAddress() ? spec.interfaceOn("", a.interfaceName()) : "");
            })
        .toList();
  }
}
