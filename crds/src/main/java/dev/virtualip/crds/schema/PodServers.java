package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/**
 * Servers that are pods; needs the API server.
 *
 * @param port null: that of the virtual server
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PodServers(
    @Required @Size(min = 1) @JsonPropertyDescription("Namespace of the pods.") String namespace,
    @Required
        @ValidationRule(value = LabelSelector.IS_NOT_EMPTY, message = LabelSelector.EMPTY)
        @JsonPropertyDescription("Labels of the pods.")
        LabelSelector selector,
    @Min(1) @Max(65535) @JsonPropertyDescription(RealServer.PORT) Integer port,
    @Min(0) @Max(RealServer.WEIGHT_MAX) @JsonPropertyDescription(RealServer.WEIGHT)
        Integer weight) {

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public PodServers {
    weight = Objects.requireNonNullElse(weight, 1);
  }
}
