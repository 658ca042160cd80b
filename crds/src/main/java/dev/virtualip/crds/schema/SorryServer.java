package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/**
 * The server in place of all others while the quorum is lost.
 *
 * @param port null: that of the virtual server
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SorryServer(
    @Required
        @Pattern(IpPrefix.ADDRESS_PATTERN)
        @Size(max = IpPrefix.ADDRESS_TEXT_MAX)
        @JsonPropertyDescription(
            "Its address, of the virtual addresses' family. With DirectRoute 127.0.0.1 or ::1 stands"
                + " for the master itself.")
        String address,
    @Min(1) @Max(65535) @JsonPropertyDescription("Its port. Default: that of the virtual server.")
        Integer port) {}
