package dev.virtualip.operator.decide;

import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The operator's part of a VirtualIP's status.
 *
 * @param conditions all conditions, with times
 * @param master the node that is master, or null
 * @param backups number of nodes that could take over
 * @param unknown reports written in place of those of silent agents, by node
 * @param gone nodes whose reports are removed
 * @param handOvers requests to nodes, by node
 * @param switchOver the outcome of a switch-over, or null if none was requested
 */
public record StatusDecision(
    List<Condition> conditions,
    String master,
    int backups,
    Map<String, NodeStatus> unknown,
    Set<String> gone,
    Map<String, HandOver> handOvers,
    SwitchOver switchOver) {

  /**
   * The conditions with their times. A time changes only together with the condition's status.
   * Conditions of other types stay.
   *
   * @param previous the conditions before
   */
  public static List<Condition> timed(List<Condition> now, List<Condition> previous, Instant time) {
    var result = new ArrayList<Condition>();
    for (var condition : now) {
      var before =
          previous.stream().filter(p -> p.getType().equals(condition.getType())).findFirst();
      boolean same =
          before.isPresent()
              && condition.getStatus().equals(before.get().getStatus())
              && before.get().getLastTransitionTime() != null;
      var since =
          same
              ? before.get().getLastTransitionTime()
              : time.truncatedTo(ChronoUnit.SECONDS).toString();
      result.add(condition.toBuilder().withLastTransitionTime(since).build());
    }
    previous.stream()
        .filter(p -> now.stream().noneMatch(n -> n.getType().equals(p.getType())))
        .forEach(result::add);
    return result;
  }
}
