package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Objects;

/** Sessions of BFD (keepalived: {@code bfd_instance}). */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "!has(self.interval) || (duration(self.interval) >= duration('10ms')"
            + " && duration(self.interval) <= duration('1s'))",
    message = "use 10ms to 1s",
    fieldPath = ".interval")
public record Bfd(
    @Default("50ms")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time between two packets of a session, 10ms to 1s; the longer one of both ends applies."
                + " One session serves all VirtualIPs with the same NIC: the one that finds a failure"
                + " first sets its interval and multiplier (keepalived: min_tx, min_rx).")
        String interval,
    @Default("3")
        @Min(MULTIPLIER_MIN)
        @Max(MULTIPLIER_MAX)
        @JsonPropertyDescription("Packets in a row whose loss ends the session, 2 to 20.")
        Integer multiplier,
    @Size(max = PEERS_MAX)
        @ValidationRule(
            value =
                "self.all(p, self.exists_one(q, q.address == p.address"
                    + " && (has(q.interface) ? q.interface : '')"
                    + " == (has(p.interface) ? p.interface : '')))",
            message = "a router is tracked twice: remove one")
        @JsonPropertyDescription(
            "Routers that are not ours, as the gateway, whose sessions count for the election"
                + " (keepalived: track_bfd). The routers need a session with each node.")
        List<BfdPeer> peers) {

  /** Lowest multiplier: with 1 a single lost packet would end a session. */
  public static final int MULTIPLIER_MIN = 2;

  /** Highest multiplier. */
  public static final int MULTIPLIER_MAX = 20;

  /** Most routers of one VirtualIP. */
  public static final int PEERS_MAX = 16;

  /** Fills in the schema's defaults. */
  public Bfd {
    interval = Objects.requireNonNullElse(interval, "50ms");
    multiplier = Objects.requireNonNullElse(multiplier, 3);
    peers = VirtualIpSpec.copy(peers);
  }
}
