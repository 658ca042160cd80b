package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/**
 * A router whose session counts for the election (keepalived: {@code track_bfd}).
 *
 * @param interfaceName null: the NIC of the adverts
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.reverse) || !self.reverse || (has(self.weight) && self.weight != 0)",
    message = "reverse turns a weight round: set a weight, or remove it",
    fieldPath = ".reverse")
public record BfdPeer(
    @Required
        @Pattern(IpPrefix.ADDRESS_PATTERN)
        @JsonPropertyDescription("Address of the router on the network of that NIC.")
        String address,
    @JsonProperty("interface")
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC whose network the router is on, by name, glob or prefix as in spec.interface. It"
                + " needs an address of its own there. Default: spec.interface.")
        String interfaceName,
    @Min(-253)
        @Max(253)
        @JsonPropertyDescription(
            "0: no session is a fault. Positive: added to the priority while the session is up."
                + " Negative: added while it is not. Default: 0.")
        Integer weight,
    @JsonPropertyDescription(
            "Turns the weight round (keepalived: reverse): what would be added is taken off."
                + " Default: false.")
        Boolean reverse) {

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public BfdPeer {
    weight = Objects.requireNonNullElse(weight, 0);
    reverse = Objects.requireNonNullElse(reverse, false);
  }
}
