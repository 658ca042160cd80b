package dev.virtualip.crds;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * What VirtualIPs take away from each other: a VRID on a NIC (of each IP family there is one), an
 * address, or the order of routing rules. The older object wins, by creation time and then by name.
 * Only specs decide, not which nodes exist, so operator and every agent come to the same answer.
 */
public final class Conflicts {
  private static final Comparator<VirtualIp> OLDEST_FIRST =
      Comparator.comparing(
              (VirtualIp vip) ->
                  Objects.requireNonNullElse(vip.getMetadata().getCreationTimestamp(), ""))
          .thenComparing(vip -> vip.getMetadata().getName());

  private Conflicts() {}

  /**
   * All problems of all objects by object name, those of each spec on its own included. An object
   * with problems takes nothing away from others.
   */
  public static Map<String, List<Problem>> problems(Collection<VirtualIp> virtualIps) {
    return problems(virtualIps, (_, _) -> List.of());
  }

  /**
   * The same on one node, which knows more: that two {@linkplain InterfaceSelector selectors} mean
   * one NIC.
   *
   * @param nic the NIC that a selector means there
   */
  public static Map<String, List<Problem>> problemsOn(
      NodeFacts node, UnaryOperator<String> nic, Collection<VirtualIp> virtualIps) {
    return problems(
        virtualIps,
        (a, b) -> {
          var ours = nic.apply(a.interfaceOn(node.name()));
          boolean same = ours.equals(nic.apply(b.interfaceOn(node.name())));
          return same && node.selectedBy(a) && node.selectedBy(b) ? List.of(ours) : List.of();
        });
  }

  private static Map<String, List<Problem>> problems(
      Collection<VirtualIp> virtualIps,
      BiFunction<VirtualIpSpec, VirtualIpSpec, List<String>> moreInCommon) {
    var problems = new HashMap<String, List<Problem>>();
    var winners = new ArrayList<VirtualIp>();
    for (var vip : virtualIps.stream().sorted(OLDEST_FIRST).toList()) {
      var own = new ArrayList<>(Validator.problems(vip.getSpec()));
      if (own.isEmpty()) {
        winners.forEach(winner -> own.addAll(between(winner, vip, moreInCommon)));
      }
      if (own.isEmpty()) {
        winners.add(vip);
      }
      problems.put(vip.getMetadata().getName(), List.copyOf(own));
    }
    return problems;
  }

  private static List<Problem> between(
      VirtualIp winner,
      VirtualIp vip,
      BiFunction<VirtualIpSpec, VirtualIpSpec, List<String>> moreInCommon) {
    var problems = new ArrayList<Problem>();
    var older = winner.getSpec();
    var spec = vip.getSpec();
    var name = winner.getMetadata().getName();
    if (spec.vrid().equals(older.vrid())
        && spec.isIpv6() == older.isIpv6()
        && !disjoint(spec, older)) {
      var common = commonInterfaces(spec, older);
      common.addAll(moreInCommon.apply(spec, older));
      for (var nic : common) {
        problems.add(
            new Problem(
                "spec.vrid",
                "%d on %s is taken by VirtualIP %s: use another VRID, NIC or set of nodes"
                    .formatted(spec.vrid(), nic, name)));
      }
    }
    var taken = addresses(older);
    var own = addresses(spec);
    for (int i = 0; i < own.size(); i++) {
      if (taken.contains(own.get(i))) {
        problems.add(
            new Problem(
                "spec.addresses[" + i + "].address",
                "%s is taken by VirtualIP %s: remove it from one of the two"
                    .formatted(IpPrefix.text(own.get(i).address()), name)));
      }
    }
    if (!disjoint(spec, older)) {
      problems.addAll(rulesBetween(winner, vip));
    }
    return problems;
  }

  private static List<Problem> rulesBetween(VirtualIp winner, VirtualIp vip) {
    var problems = new ArrayList<Problem>();
    var taken = winner.getSpec().rules().stream().map(PolicyRule::of).toList();
    var own = vip.getSpec().rules().stream().map(PolicyRule::of).toList();
    for (int i = 0; i < own.size(); i++) {
      if (taken.stream().anyMatch(own.get(i)::clashesWith)) {
        var other = "a rule of VirtualIP " + winner.getMetadata().getName();
        problems.add(new Problem("spec.rules[" + i + "]", Validator.clash(other, own.get(i))));
      }
    }
    return problems;
  }

  /** NICs that both use for adverts on one node, named nodes first, then any other node. */
  private static Collection<String> commonInterfaces(VirtualIpSpec a, VirtualIpSpec b) {
    var nodes = new LinkedHashSet<String>();
    a.nodes().overrides().forEach(override -> nodes.add(override.name()));
    b.nodes().overrides().forEach(override -> nodes.add(override.name()));
    nodes.add("");
    var common = new LinkedHashSet<String>();
    for (var node : nodes) {
      if (a.interfaceOn(node).equals(b.interfaceOn(node))) {
        common.add(a.interfaceOn(node));
      }
    }
    return common;
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

  private static List<Place> addresses(VirtualIpSpec spec) {
    return spec.addresses().stream()
        .map(
            a -> {
              var address = IpPrefix.parse(a.address()).address();
              return new Place(
                  address, address.isLinkLocalAddress() ? spec.interfaceOf(a, "") : "");
            })
        .toList();
  }
}
