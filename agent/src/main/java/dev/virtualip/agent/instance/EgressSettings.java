package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.SourceNat;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Keeps source NAT in step with the addresses: it is wanted while a virtual router holds them. The
 * kernel's part is done elsewhere, as it may have to wait for other programs' changes of nftables.
 * Used by the event loop's thread only.
 */
final class EgressSettings {
  private final Node node;

  /** Null as long as nothing has been said, also not that nothing is wanted. */
  private List<SourceNat> wanted;

  private Map<String, String> problems = Map.of();

  EgressSettings(Node node) {
    this.node = node;
  }

  /**
   * Asks for what these hold in their present states.
   *
   * @return names of VirtualIPs whose {@link #problem} has changed
   */
  Set<String> settle(Collection<VrrpInstance> instances) {
    var now = new ArrayList<SourceNat>();
    for (var instance : instances) {
      // The common case first: the loop asks at each turn.
      if (!instance.config().egress().isEmpty() && instance.holds()) {
        instance.config().egress().stream().flatMap(this::placed).forEach(now::add);
      }
    }
    boolean isNew = !now.equals(wanted);
    if (isNew) {
      wanted = now;
      node.egress().want(now);
    }
    var before = problems;
    problems = node.egress().problems();
    if (isNew || !problems.equals(before)) {
      node.metrics().egress(pods(now), problems.keySet());
    }
    if (problems.equals(before)) {
      return Set.of();
    }
    var changed = new HashSet<>(before.keySet());
    changed.addAll(problems.keySet());
    changed.removeIf(name -> Objects.equals(before.get(name), problems.get(name)));
    return changed;
  }

  /** How many addresses of pods are translated, by name of the VirtualIP. */
  private static Map<String, Integer> pods(List<SourceNat> nats) {
    return nats.stream()
        .collect(
            Collectors.groupingBy(
                SourceNat::virtualIp, Collectors.summingInt(nat -> nat.pods().size())));
  }

  private Stream<SourceNat> placed(SourceNat nat) {
    var link = node.network().link(nat.interfaceName());
    return link == null ? Stream.of() : Stream.of(nat.on(link.name()));
  }

  /** Why sources of a VirtualIP are not translated, or null. */
  String problem(String virtualIp) {
    return problems.get(virtualIp);
  }

  /** Wants nothing any more. */
  void stop() {
    wanted = List.of();
    node.egress().want(wanted);
  }
}
