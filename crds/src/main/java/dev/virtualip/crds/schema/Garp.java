package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import java.util.Objects;

/** Announcements of addresses (keepalived: {@code garp_master_*}). */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Garp(
    @Default("5")
        @Min(1)
        @Max(100)
        @JsonPropertyDescription(
            "Announcements of each address in a burst (keepalived: garp_master_repeat).")
        Integer repeat,
    @Default("5s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time from the burst on becoming master to a second one (keepalived:"
                + " garp_master_delay), up to 1h; 0s for no second one.")
        String delay,
    @Default("60s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time between single announcements while master, for switches that forget (keepalived:"
                + " garp_master_refresh), 1s to 24h; 0s for none.")
        String refresh,
    @Default("0s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time between the announcements of two addresses, for switches that drop bursts"
                + " (keepalived: garp_interval, gna_interval), up to 1s; 0s for 32 addresses a"
                + " millisecond.")
        String interval) {
  /** As keepalived, and once a minute. */
  public static final Garp DEFAULT = new Garp(null, null, null, null);

  /** Fills in the schema's defaults. */
  public Garp {
    repeat = Objects.requireNonNullElse(repeat, 5);
    delay = Objects.requireNonNullElse(delay, "5s");
    refresh = Objects.requireNonNullElse(refresh, "60s");
    interval = Objects.requireNonNullElse(interval, "0s");
  }
}
