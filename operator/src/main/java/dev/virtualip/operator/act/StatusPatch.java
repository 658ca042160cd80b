package dev.virtualip.operator.act;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.kube.MergePatch;
import dev.virtualip.operator.decide.HandOvers;
import dev.virtualip.operator.decide.StatusDecision;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The JSON merge patch (RFC 7396) of the operator's fields in the status of a VirtualIP. It
 * contains no other fields, as agents write theirs at the same time. What it has in place of an
 * agent's report holds only for the version of the object that was decided by.
 */
public final class StatusPatch {
  private static final ObjectMapper JSON = new ObjectMapper();

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
