package dev.virtualip.operator;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

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

  /**
   * The patch that makes the operator's part of the status true, or nothing if it is.
   *
   * @param conditions all conditions, with times
   * @param nodes names of all nodes of the cluster; what others once reported is removed
   */
  static Optional<String> of(VirtualIp vip, List<Condition> conditions, Set<String> nodes) {
    var status = Objects.requireNonNullElse(vip.getStatus(), NONE);
    var patch = JsonNodeFactory.instance.objectNode();
    var generation = vip.getMetadata().getGeneration();
    if (!Objects.equals(generation, status.observedGeneration())) {
      patch.put("observedGeneration", generation);
    }
    if (!conditions.equals(status.conditions())) {
      patch.set("conditions", JSON.valueToTree(conditions));
    }
    var master = VirtualIpConditions.master(vip);
    if (!Objects.equals(master, status.master())) {
      patch.put("master", master);
    }
    var gone = gone(vip, nodes);
    if (!gone.isEmpty()) {
      patch.set("nodes", gone);
    }
    return patch.isEmpty()
        ? Optional.empty()
        : Optional.of(JsonNodeFactory.instance.objectNode().set("status", patch).toString());
  }

  private static ObjectNode gone(VirtualIp vip, Set<String> nodes) {
    var gone = JsonNodeFactory.instance.objectNode();
    VirtualIpConditions.reports(vip).keySet().stream()
        .filter(node -> !nodes.contains(node))
        .forEach(gone::putNull);
    return gone;
  }
}
