package dev.virtualip.operator;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.HandOver;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The JSON merge patch (RFC 7396) of a VirtualIP's status that holds the operator's fields alone:
 * agents write theirs at the same time, and neither may undo the other.
 */
final class StatusPatch {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final VirtualIpStatus NONE = new VirtualIpStatus(null, null, null, null);

  private StatusPatch() {}

  /**
   * The conditions with their times: a time moves only when the condition's status does. Conditions
   * of other types stay.
   *
   * @param previous the conditions as they were
   */
  static List<Condition> timed(List<Condition> now, List<Condition> previous, Instant time) {
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

  /** The patch that makes the operator's part of the status true, or nothing if it is. */
  static Optional<String> of(VirtualIp vip, StatusDecision said) {
    var status = Objects.requireNonNullElse(vip.getStatus(), NONE);
    var patch = JsonNodeFactory.instance.objectNode();
    var generation = vip.getMetadata().getGeneration();
    if (!Objects.equals(generation, status.observedGeneration())) {
      patch.put("observedGeneration", generation);
    }
    if (!said.conditions().equals(status.conditions())) {
      patch.set("conditions", JSON.valueToTree(said.conditions()));
    }
    if (!Objects.equals(said.master(), status.master())) {
      patch.put("master", said.master());
    }
    if (!Objects.equals(said.backups(), status.backups())) {
      patch.put("backups", said.backups());
    }
    var nodes = nodes(said);
    if (!nodes.isEmpty()) {
      patch.set("nodes", nodes);
    }
    var handOvers = difference(said.handOvers(), HandOvers.present(vip));
    if (!handOvers.isEmpty()) {
      patch.set("handOvers", handOvers);
    }
    if (!Objects.equals(said.switchOver(), status.switchOver())) {
      patch.set("switchOver", JSON.valueToTree(said.switchOver()));
    }
    return patch.isEmpty()
        ? Optional.empty()
        : Optional.of(JsonNodeFactory.instance.objectNode().set("status", patch).toString());
  }

  private static ObjectNode nodes(StatusDecision said) {
    var nodes = JsonNodeFactory.instance.objectNode();
    said.unknown().forEach((node, report) -> nodes.set(node, JSON.valueToTree(report)));
    said.gone().forEach(nodes::putNull);
    return nodes;
  }

  private static ObjectNode difference(Map<String, HandOver> now, Map<String, HandOver> before) {
    var difference = JsonNodeFactory.instance.objectNode();
    now.forEach(
        (node, asked) -> {
          if (!asked.equals(before.get(node))) {
            difference.set(node, JSON.valueToTree(asked));
          }
        });
    before.keySet().stream().filter(node -> !now.containsKey(node)).forEach(difference::putNull);
    return difference;
  }
}
