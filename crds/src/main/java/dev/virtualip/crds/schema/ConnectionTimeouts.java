package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Pattern;

/**
 * How long the kernel remembers connections without packets (keepalived: {@code lvs_timeouts}). One
 * that is null stays as the node has it.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ConnectionTimeouts(
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Of a TCP connection (keepalived: tcp), 1s to 744h (31 days) in whole seconds. Default:"
                + " what the node has, 15m in Linux.")
        String tcp,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Of one that is being closed (keepalived: tcpfin), 1s to 744h. Default: what the node has,"
                + " 2m in Linux.")
        String tcpFin,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Of UDP (keepalived: udp), 1s to 744h. Default: what the node has, 5m in Linux.")
        String udp) {}
