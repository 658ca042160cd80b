package dev.virtualip.operator.act;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.kube.MergePatch;
import dev.virtualip.operator.decide.HandOvers;
import dev.virtualip.operator.decide.StatusDecision;
import dev.virtualip.operator.decide.VirtualIpConditions;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The JSON merge patch (RFC 7396) of the operator's fields in the status of a VirtualIP. It
 * contains no other fields, as agents write theirs at the same time. What it has in place of an
 * agent's report holds only for the version of the object that was decided by.
 */
public final class StatusPatch {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Conditions that each edit turns and turns back. */
  private static final Set<String> PROGRESS =
      Set.of(VirtualIpConditions.READY, VirtualIpConditions.RECONCILING);

  private StatusPatch() {}

  /** The patch that updates the operator's fields; empty if they are up to date. */
  public static Optional<String> of(VirtualIp vip, StatusDecision decided) {
    var status = Objects.requireNonNullElse(vip.getStatus(), VirtualIpStatus.EMPTY);
    var patch = JsonNodeFactory.instance.objectNode();
    var generation = vip.getMetadata().getGeneration();
    if (!Objects.equals(generation, status.observedGeneration())) {
      patch.put("observedGeneration", generation);
    }
    if (!decided.conditions().equals(status.conditions())) {
      patch.set("conditions", JSON.valueToTree(decided.conditions()));
    }
    if (!Objects.equals(decided.master(), status.master())) {
      patch.put("master", decided.master());
    }
    if (!Objects.equals(decided.backups(), status.backups())) {
      patch.put("backups", decided.backups());
    }
    var nodes = nodes(decided);
    if (!nodes.isEmpty()) {
      patch.set("nodes", nodes);
    }
    var handOvers = difference(decided.handOvers(), HandOvers.present(vip));
    if (!handOvers.isEmpty()) {
      patch.set("handOvers", handOvers);
    }
    if (!Objects.equals(decided.switchOver(), status.switchOver())) {
      var asked = decided.switchOver();
      patch.set("switchOver", asked == null ? null : MergePatch.whole(asked));
    }
    if (patch.isEmpty()) {
      return Optional.empty();
    }
    var whole = JsonNodeFactory.instance.objectNode();
    if (!decided.unknown().isEmpty()) {
      whole.putObject("metadata").put("resourceVersion", vip.getMetadata().getResourceVersion());
    }
    return Optional.of(whole.set("status", patch).toString());
  }

  /**
   * Whether a status may wait for a moment. So it is if nothing but messages differs, as when one
   * more node reports; of a lane also if it only says how far an edit has got.
   */
  static boolean mayWait(VirtualIp vip, StatusDecision decided) {
    var status = Objects.requireNonNullElse(vip.getStatus(), VirtualIpStatus.EMPTY);
    boolean lane = isLane(vip);
    return (lane || Objects.equals(vip.getMetadata().getGeneration(), status.observedGeneration()))
        && Objects.equals(decided.master(), status.master())
        && Objects.equals(decided.backups(), status.backups())
        && decided.unknown().isEmpty()
        && decided.gone().isEmpty()
        && difference(decided.handOvers(), HandOvers.present(vip)).isEmpty()
        && Objects.equals(decided.switchOver(), status.switchOver())
        && status.conditions() != null
        && urgent(decided.conditions(), lane).equals(urgent(status.conditions(), lane));
  }

  private static boolean isLane(VirtualIp vip) {
    var labels = vip.getMetadata().getLabels();
    return labels != null && labels.containsKey(PoolServices.LABEL);
  }

  /** Conditions without what may wait. */
  private static List<Condition> urgent(List<Condition> conditions, boolean ofLane) {
    return conditions.stream()
        .filter(condition -> !ofLane || !PROGRESS.contains(condition.getType()))
        .map(
            condition ->
                condition.toBuilder()
                    .withMessage(null)
                    .withObservedGeneration(ofLane ? null : condition.getObservedGeneration())
                    .build())
        .toList();
  }

  private static ObjectNode nodes(StatusDecision decided) {
    var nodes = JsonNodeFactory.instance.objectNode();
    decided.unknown().forEach((node, report) -> nodes.set(node, MergePatch.whole(report)));
    decided.gone().forEach(nodes::putNull);
    return nodes;
  }

  private static ObjectNode difference(Map<String, HandOver> now, Map<String, HandOver> before) {
    var difference = JsonNodeFactory.instance.objectNode();
    now.forEach(
        (node, asked) -> {
          if (!asked.equals(before.get(node))) {
            difference.set(node, MergePatch.whole(asked));
          }
        });
    before.keySet().stream().filter(node -> !now.containsKey(node)).forEach(difference::putNull);
    return difference;
  }
}
