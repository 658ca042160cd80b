package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/**
 * A server by address (keepalived: {@code real_server}).
 *
 * @param port null: that of the virtual server
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RealServer(
    @Required
        @Pattern(IpPrefix.ADDRESS_PATTERN)
        @Size(max = IpPrefix.ADDRESS_TEXT_MAX)
        @ValidationRule(
            value = "!self.matches('" + IpPrefix.NO_HOST_PATTERN + "')",
            message = Address.NO_HOST)
        @JsonPropertyDescription("Its own address; no virtual address of this VirtualIP.")
        String address,
    @Min(1) @Max(65535) @JsonPropertyDescription(PORT) Integer port,
    @Min(0) @Max(WEIGHT_MAX) @JsonPropertyDescription(WEIGHT) Integer weight) {
  /** Highest weight. */
  public static final int WEIGHT_MAX = 65535;

  /** What is said of a port. */
  static final String PORT =
      "Port; only Masquerade changes it. Default: that of the virtual server, in a range the same.";

  /** What is said of a weight. */
  static final String WEIGHT =
      "Share of the connections (keepalived: weight); 0 for no new ones. Default: 1.";

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public RealServer {
    weight = Objects.requireNonNullElse(weight, 1);
  }
}
