package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver.Result;
import dev.virtualip.operator.watch.ClusterView;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Decides about the annotation {@value VirtualIp#SWITCH_TO}, which is in force while it is there.
 * Whether the switch-over is possible is decided when it is set, so that a refused one does not
 * happen unexpectedly later. Members of a sync group follow the member that has the annotation.
 */
public final class SwitchOvers {
  private SwitchOvers() {}

  /**
   * The switch-overs by name of the VirtualIP; a VirtualIP without one has no entry.
   *
   * @param vips all VirtualIPs, with believed reports
   * @param refused names of those that are not accepted: they speak for no sync group
   * @param drains nodes that are drained, and why
   * @param upgrading the node whose agent is being replaced, or null
   */
  public static Map<String, SwitchOver> of(
      Collection<VirtualIp> vips,
      Set<String> refused,
      Collection<NodeFacts> nodes,
      Map<String, String> drains,
      String upgrading) {
    var groups = vips.stream().collect(Collectors.groupingBy(vip -> group(vip, refused)));
    var byName = nodes.stream().collect(Collectors.toMap(NodeFacts::name, Function.identity()));
    var switchOvers = new TreeMap<String, SwitchOver>();
    for (var members : groups.values()) {
      var to =
          members.stream()
              .sorted(Comparator.comparing(vip -> vip.getMetadata().getName()))
              .map(SwitchOvers::wanted)
              .filter(Objects::nonNull)
              .findFirst();
      if (to.isPresent()) {
        var unfit = unfit(members, byName.get(to.get()), to.get(), drains, upgrading);
        members.forEach(
            vip -> switchOvers.put(vip.getMetadata().getName(), next(vip, to.get(), unfit)));
      }
    }
    return switchOvers;
  }

  private static String group(VirtualIp vip, Set<String> refused) {
    var name = vip.getMetadata().getName();
    boolean alone =
        vip.getSpec() == null || vip.getSpec().syncGroup() == null || refused.contains(name);
    // No clash with the name of a group, which has no space.
    return alone ? "alone " + name : vip.getSpec().syncGroup();
  }

  private static String wanted(VirtualIp vip) {
    var annotations = vip.getMetadata().getAnnotations();
    var to = annotations == null ? null : annotations.get(VirtualIp.SWITCH_TO);
    return to == null || to.isBlank() ? null : to.strip();
  }

  /** Whether other nodes have to stand back for it. */
  public static boolean inForce(SwitchOver switchOver) {
    return switchOver != null && switchOver.result() != Result.Refused;
  }

  private static SwitchOver next(VirtualIp vip, String to, Optional<String> unfit) {
    var before = vip.getStatus() == null ? null : vip.getStatus().switchOver();
    boolean known = before != null && to.equals(before.to());
    if (known && before.result() == Result.Refused) {
      return before;
    }
    if (!known && unfit.isPresent()) {
      return new SwitchOver(to, Result.Refused, unfit.get());
    }
    var masters = VirtualIpConditions.masters(vip);
    if (masters.equals(List.of(to))) {
      return new SwitchOver(to, Result.Done, to + " is master");
    }
    var waits =
        unfit.orElse(
            masters.isEmpty()
                ? "no node is master now"
                : String.join(", ", masters) + " is asked to hand over");
    return new SwitchOver(to, Result.InProgress, waits);
  }

  private static Optional<String> unfit(
      List<VirtualIp> members,
      NodeFacts node,
      String to,
      Map<String, String> drains,
      String upgrading) {
    if (node == null) {
      return Optional.of("there is no node " + to);
    }
    if (drains.containsKey(to)) {
      return Optional.of("%s is being drained: %s".formatted(to, drains.get(to)));
    }
    if (to.equals(upgrading)) {
      return Optional.of("the agent of %s is being replaced".formatted(to));
    }
    return members.stream().flatMap(vip -> unfit(vip, node).stream()).findFirst();
  }

  private static Optional<String> unfit(VirtualIp vip, NodeFacts node) {
    var to = node.name();
    if (vip.mirrored()) {
      return Optional.of(
          "VirtualIP %s runs from files, and its agents are asked nothing: stop the one of the master"
                  .formatted(vip.getMetadata().getName())
              + " to move it");
    }
    var report = ClusterView.reports(vip).get(to);
    var name = vip.getMetadata().getName();
    if (report == null) {
      return Optional.of(
          "%s does not run VirtualIP %s: is it selected by spec.nodes?".formatted(to, name));
    }
    if (!Health.serves(report)) {
      var why = report.message() == null ? "" : ": " + report.message();
      return Optional.of(
          "%s can't serve VirtualIP %s: %s%s"
              .formatted(to, name, VirtualIpConditions.described(report), why));
    }
    return vip.getSpec() != null && vip.getSpec().priorityOn(to) <= HandOvers.LAST_RESORT
        ? Optional.of("%s has priority 1, as those that hand over: give it more".formatted(to))
        : Optional.empty();
  }
}
