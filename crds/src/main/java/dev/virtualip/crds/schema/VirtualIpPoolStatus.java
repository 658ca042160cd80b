package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;

/** What is in use of a pool; written by the operator. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record VirtualIpPoolStatus(
    @JsonPropertyDescription("Generation that the rest is about.") Long observedGeneration,
    @JsonPropertyDescription("How many of its addresses accepted VirtualIPs have.") Long used,
    @JsonPropertyDescription(
            "How many of its addresses no accepted VirtualIP has; 9007199254740991 stands for that"
                + " many or more.")
        Long free,
    @JsonPropertyDescription("Names of the VirtualIPs that have them, the first 500.")
        List<String> virtualIPs,
    @JsonPropertyDescription(
            "Accepted: the pool can be read. One that cannot allows nothing, but counts as a pool.")
        List<Condition> conditions) {
  /** The largest number that every JSON library keeps. */
  public static final long FREE_MAX = (1L << 53) - 1;

  /** Most names of VirtualIPs. */
  public static final int NAMES_MAX = 500;
}
