package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import java.util.Objects;

/** Preemption (RFC 9568 6.1 Preempt_Mode; keepalived: {@code nopreempt, preempt_delay}). */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Preempt(
    @Default("true")
        @JsonPropertyDescription(
            "Take over from a master of lower priority. false is keepalived's nopreempt.")
        Boolean enabled,
    @Default("0s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long to let a lower master be before taking over (keepalived: preempt_delay), 0s"
                + " to 1000s. It never delays taking over from a master that fell silent.")
        String delay) {
  /** Preempt at once. */
  public static final Preempt DEFAULT = new Preempt(true, "0s");

  /** Fills in the schema's defaults. */
  public Preempt {
    enabled = Objects.requireNonNullElse(enabled, true);
    delay = Objects.requireNonNullElse(delay, "0s");
  }
}
