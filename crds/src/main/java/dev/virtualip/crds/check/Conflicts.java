package dev.virtualip.crds.check;

import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Problem.Kind;
import dev.virtualip.crds.schema.NodeOverride;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Conflicts between VirtualIPs: over a VRID on a NIC (each IP family has its own), over an address,
 * over a gateway that is another's address, over the order of routing rules, or over what a kernel
 * has once of IPVS; and sync groups whose members can't be master on the same node. The older
 * object wins, by creation time and then by name. Only the specs count, not the existing nodes, so
 * operator and agents come to the same result.
 */
public final class Conflicts {
  /** By creation time, and then by name. */
  static final Comparator<VirtualIp> OLDEST_FIRST =
      Comparator.comparing(
              (VirtualIp vip) ->
                  Objects.requireNonNullElse(vip.getMetadata().getCreationTimestamp(), ""))
          .thenComparing(vip -> vip.getMetadata().getName());

  /**
   * The winners so far, by what they have taken, so that thousands of objects are not compared pair
   * by pair.
   */
  private final Map<Object, List<Result>> taken = new HashMap<>();

  private Conflicts() {}

  /**
   * All problems of each object, by name: those of its spec and its conflicts. An object with
   * problems takes nothing from others.
   */
  public static Map<String, List<Problem>> among(Collection<Result> checked) {
    return among(checked, (_, _) -> List.of());
  }

  /**
   * The same on one node, where it is also known which {@linkplain InterfaceSelector selectors}
   * select the same NIC.
   *
   * @param nic the name of the NIC that a selector selects on this node
   */
  public static Map<String, List<Problem>> amongOn(
      NodeFacts node, UnaryOperator<String> nic, Collection<Result> checked) {
    return among(
        checked,
        (a, b) -> {
          var common = advertNics(a.spec().spec(), node.name(), nic);
          common.retainAll(advertNics(b.spec().spec(), node.name(), nic));
          return !common.isEmpty() && node.selectedBy(a.vip()) && node.selectedBy(b.vip())
              ? List.copyOf(common)
              : List.of();
        });
  }

  private static Map<String, List<Problem>> among(
      Collection<Result> all, BiFunction<Result, Result, List<String>> moreInCommon) {
    var problems = new HashMap<String, List<Problem>>();
    var conflicts = new Conflicts();
    for (var checked :
        all.stream().sorted(Comparator.comparing(Result::vip, OLDEST_FIRST)).toList()) {
      var own = new ArrayList<>(checked.problems());
      if (own.isEmpty()) {
        conflicts
            .rivals(wanted(checked.spec()))
            .forEach(winner -> own.addAll(between(winner, checked, moreInCommon)));
      }
      if (own.isEmpty()) {
        conflicts.take(checked, held(checked.spec()));
      }
      problems.put(checked.name(), List.copyOf(own));
    }
    return problems;
  }

  private Collection<Result> rivals(Collection<?> keys) {
    var rivals = new LinkedHashMap<String, Result>();
    for (var key : keys) {
      taken.getOrDefault(key, List.of()).forEach(rival -> rivals.put(rival.name(), rival));
    }
    return rivals.values();
  }

  private void take(Result winner, Collection<?> keys) {
    keys.forEach(key -> taken.computeIfAbsent(key, _ -> new ArrayList<>()).add(winner));
  }

  /** Keys by which it finds the objects that have what it wants. */
  private static Collection<Object> wanted(CheckedSpec spec) {
    var keys = keys(spec);
    addresses(spec).forEach(address -> keys.add(new Gateway(address)));
    gateways(spec).stream().filter(Objects::nonNull).forEach(keys::add);
    return keys;
  }

  /** Keys by which others find it. Many may have routes by one gateway. */
  private static Collection<Object> held(CheckedSpec spec) {
    var keys = keys(spec);
    gateways(spec).stream().filter(Objects::nonNull).forEach(g -> keys.add(new Gateway(g)));
    return keys;
  }

  /**
   * Keys of what no two may have: VRID, sync group, addresses, what a kernel has once of IPVS, and
   * one key for any rules.
   */
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
    IpvsConflicts.keys(spec).forEach(keys::add);
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
    problems.addAll(
        inCommon(
            "spec.addresses[%d].address",
            addresses(spec),
            addresses(older),
            "%s is taken by VirtualIP " + winner + ": remove it from one of the two"));
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
      problems.addAll(gatewaysBetween(winner, older, spec));
      problems.addAll(IpvsConflicts.between(winner, older, spec));
    }
    return problems;
  }

  /** No route leads over an address that the node has itself, as the master of both would. */
  private static List<Problem> gatewaysBetween(String winner, CheckedSpec older, CheckedSpec spec) {
    var problems =
        new ArrayList<>(
            inCommon(
                "spec.addresses[%d].address",
                addresses(spec),
                gateways(older),
                "%s is a gateway of VirtualIP " + winner + ": use an address that no host has"));
    problems.addAll(
        inCommon(
            "spec.routes[%d].via",
            gateways(spec),
            addresses(older),
            "%s is a virtual address of VirtualIP " + winner + ": give the router's own"));
    return problems;
  }

  private static List<Problem> inCommon(
      String path, List<Place> own, List<Place> taken, String message) {
    Collection<Place> others = taken.size() < 8 ? taken : new HashSet<>(taken);
    var problems = new ArrayList<Problem>();
    if (Collections.disjoint(own, others)) {
      return problems;
    }
    for (int i = 0; i < own.size(); i++) {
      if (own.get(i) != null && others.contains(own.get(i))) {
        problems.add(
            conflict(path.formatted(i), message.formatted(IpPrefix.text(own.get(i).address()))));
      }
    }
    return problems;
  }

  static Problem conflict(String path, String message) {
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

  /**
   * Why two members of a sync group could win on different nodes, and what to do; empty if they
   * could not.
   */
  private static Optional<String> misfit(VirtualIpSpec spec, VirtualIpSpec older) {
    // Whoever may use one pool must not move what is in another.
    if (!Objects.equals(spec.pool(), older.pool())) {
      return Optional.of(
          "which is in another pool: give both the same spec.pool, or take one out of the group");
    }
    if (!Objects.equals(spec.nodes().selector(), older.nodes().selector())) {
      return Optional.of(
          "which selects other nodes: give both the same spec.nodes.selector, or take one out of"
              + " the group");
    }
    if (spec.nodes().spreads() != older.nodes().spreads()) {
      return Optional.of(
          "which has another spec.nodes.spread: give both the same, or take one out of the group");
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

  /**
   * NICs that both use for adverts on the same node: on nodes with overrides, then on any other
   * node.
   */
  private static Collection<String> commonInterfaces(VirtualIpSpec a, VirtualIpSpec b) {
    boolean oneSort = a.nodes().overrides().isEmpty() && b.nodes().overrides().isEmpty();
    var common = new LinkedHashSet<String>();
    for (var node : oneSort ? List.of("") : namedNodes(a, b).toList()) {
      var shared = advertNics(a, node, nic -> nic);
      shared.retainAll(advertNics(b, node, nic -> nic));
      common.addAll(shared);
    }
    return common;
  }

  /** The NICs that carry adverts on a node. */
  private static Set<String> advertNics(
      VirtualIpSpec spec, String node, UnaryOperator<String> nic) {
    var nics = new LinkedHashSet<String>();
    nics.add(nic.apply(spec.interfaceOn(node)));
    spec.heartbeats().forEach(heartbeat -> nics.add(nic.apply(heartbeat.interfaceName())));
    return nics;
  }

  /** Names of the nodes for which either has an override, and an empty name for all other nodes. */
  private static Stream<String> namedNodes(VirtualIpSpec a, VirtualIpSpec b) {
    return Stream.of(
            a.nodes().overrides().stream().map(NodeOverride::name),
            b.nodes().overrides().stream().map(NodeOverride::name),
            Stream.of(""))
        .flatMap(names -> names)
        .distinct();
  }

  /**
   * Whether no node can be selected by both, because they ask for different values of one label.
   */
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

  /** An address. A link-local address identifies a host only on the network of its NIC. */
  private record Place(InetAddress address, String interfaceName) {}

  /** The place of a gateway, which is no conflict with another such. */
  private record Gateway(Place place) {}

  private static List<Place> addresses(CheckedSpec spec) {
    return spec.addresses().stream()
        .map(a -> place(spec, a.prefix().address(), a.interfaceName()))
        .toList();
  }

  /** The gateway of each route, null where it has none. */
  private static List<Place> gateways(CheckedSpec spec) {
    return spec.routes().stream()
        .map(r -> r.via() == null ? null : place(spec, r.via(), r.interfaceName()))
        .toList();
  }

  private static Place place(CheckedSpec spec, InetAddress address, String interfaceName) {
    return new Place(
        address, address.isLinkLocalAddress() ? spec.interfaceOn("", interfaceName) : "");
  }
}
