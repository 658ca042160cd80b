package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/**
 * Servers that are nodes.
 *
 * @param port null: that of the virtual server
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NodeServers(
    @Required
        @ValidationRule(value = LabelSelector.IS_NOT_EMPTY, message = LabelSelector.EMPTY)
        @JsonPropertyDescription(
            "Labels of the nodes, as in matchLabels: {kubernetes.io/os: linux} for all.")
        LabelSelector selector,
    @Min(1) @Max(65535) @JsonPropertyDescription(RealServer.PORT) Integer port,
    @Min(0) @Max(RealServer.WEIGHT_MAX) @JsonPropertyDescription(RealServer.WEIGHT)
        Integer weight) {

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public NodeServers {
    weight = Objects.requireNonNullElse(weight, 1);
  }
}
