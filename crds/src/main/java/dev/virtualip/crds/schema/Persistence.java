package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import java.util.Objects;

/**
 * How long and in what groups clients stay at their server.
 *
 * @param prefix null: each client address on its own
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Persistence(
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long after its last connection a client stays at its server (keepalived:"
                + " persistence_timeout), 1s to 24h in whole seconds. Default: 6m.")
        String timeout,
    @Min(1)
        @Max(128)
        @JsonPropertyDescription(
            "Clients whose addresses share a prefix of this length stay together (keepalived:"
                + " persistence_granularity): 1 to 32, of IPv6 alone to 128. Default: each address by"
                + " itself.")
        Integer prefix) {
  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public Persistence {
    timeout = Objects.requireNonNullElse(timeout, "6m");
  }
}
