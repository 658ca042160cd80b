package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;

/**
 * Copies of the master's connections on the other nodes (keepalived: {@code lvs_sync_daemon}).
 *
 * @param syncId null: the VRID
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ConnectionSync(
    @JsonProperty("interface")
        @Required
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC that the copies go by, in multicasts to UDP 224.0.0.81:8848; by name, glob or prefix"
                + " as in spec.interface.")
        String interfaceName,
    @Min(0)
        @Max(SYNC_ID_MAX)
        @JsonPropertyDescription(
            "What tells apart the nodes of several such groups on one network (keepalived: id)."
                + " Default: vrid. A node's kernel has one, so VirtualIPs on the same nodes give the"
                + " same.")
        Integer syncId) {
  /** Highest sync ID. */
  public static final int SYNC_ID_MAX = 255;
}
