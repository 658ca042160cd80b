package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** Which nodes take part. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Nodes(
    @JsonPropertyDescription(
            "Nodes by label. Default: every node without a NoSchedule or NoExecute taint (those of"
                + " Kubernetes itself, such as unschedulable, do not count). A NoSchedule taint that"
                + " comes later leaves it where it runs.")
        LabelSelector selector,
    @Size(max = Nodes.OVERRIDES_MAX)
        @JsonPropertyDescription("Values that differ on single nodes, at most one entry a node.")
        List<NodeOverride> overrides,
    @JsonPropertyDescription(
            "Whether many VirtualIPs spread over the nodes: each node has a priority from 11 to 250 that"
                + " follows from its name, and from syncGroup or interface and vrid, instead of"
                + " spec.priority. A node that goes moves only what it was master of. overrides count"
                + " more. Default: false.")
        Boolean spread) {
  /** Most nodes with values of their own. */
  public static final int OVERRIDES_MAX = 255;

  /** Every schedulable node, all alike. */
  public static final Nodes ALL = new Nodes(null, null, null);

  /** Fills in the schema's defaults. */
  public Nodes {
    overrides = VirtualIpSpec.copy(overrides);
  }

  /** Whether priorities follow from the names of the nodes. */
  public boolean spreads() {
    return Boolean.TRUE.equals(spread);
  }

  /** The entry for a node, or null. */
  public NodeOverride overrideFor(String nodeName) {
    for (var override : overrides) {
      if (override != null && nodeName.equals(override.name())) {
        return override;
      }
    }
    return null;
  }
}
