package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import java.util.Objects;

/** Names in the DNS. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Dns(
    @Required
        @Size(min = 1, max = 32)
        @JsonPropertyDescription(
            "Names, as in www.example.com. Each gets the addresses of all VirtualIPs that list it, so"
                + " that clients are spread over them.")
        List<@Pattern(Dns.HOSTNAME_PATTERN) String> hostnames,
    @Default("60")
        @Min(1)
        @Max(86400)
        @JsonPropertyDescription("How long resolvers may keep the records, in seconds.")
        Integer ttl) {
  /** What may be a name in the DNS. */
  public static final String HOSTNAME_PATTERN =
      "^(\\*\\.)?([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?\\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

  /** Fills in the schema's defaults. */
  public Dns {
    hostnames = VirtualIpSpec.copy(hostnames);
    ttl = Objects.requireNonNullElse(ttl, 60);
  }
}
