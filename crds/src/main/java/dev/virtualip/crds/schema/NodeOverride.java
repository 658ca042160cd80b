package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** Values that differ on one node. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NodeOverride(
    @Required @Size(min = 1) @JsonPropertyDescription("Name of the node.") String name,
    @Min(1) @Max(255) @JsonPropertyDescription("Priority on this node. Default: spec.priority.")
        Integer priority,
    @JsonProperty("interface")
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC that carries the adverts on this node. Default: spec.interface.")
        String interfaceName) {}
