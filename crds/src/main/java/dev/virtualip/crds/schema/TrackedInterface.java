package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/** A NIC whose link state counts for the election. */
@ValidationRule(
    value = "!has(self.reverse) || !self.reverse || (has(self.weight) && self.weight != 0)",
    message = "reverse turns a weight round: set a weight, or remove it",
    fieldPath = ".reverse")
public record TrackedInterface(
    @Required
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription("NIC to track, by name, glob or prefix as in spec.interface.")
        String name,
    @Min(-253)
        @Max(253)
        @JsonPropertyDescription(
            "0: the NIC down is a fault. Positive: added to the priority while it is up."
                + " Negative: added while it is down. Default: 0.")
        Integer weight,
    @JsonPropertyDescription(
            "Turns the weight round (keepalived: reverse): what would be added is taken off."
                + " Default: false.")
        Boolean reverse) {

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public TrackedInterface {
    weight = Objects.requireNonNullElse(weight, 0);
    reverse = Objects.requireNonNullElse(reverse, false);
  }
}
