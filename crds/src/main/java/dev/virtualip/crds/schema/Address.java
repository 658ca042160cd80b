package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.Objects;

/** A virtual address. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Address(
    @Required
        @Pattern(IpPrefix.PATTERN)
        @Size(max = IpPrefix.TEXT_MAX)
        @JsonPropertyDescription(
            "Address with prefix length, as in 203.0.113.10/24 or 2001:db8::10/64. An IPv6 address"
                + " with /128 is never the source of the node's own connections.")
        String address,
    @JsonProperty("interface")
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC to bind it on; it needs no other address. Default: the NIC of the adverts.")
        String interfaceName,
    @Default("true")
        @JsonPropertyDescription(
            "Whether adverts list it. false: it is bound and announced all the same (keepalived:"
                + " virtual_ipaddress_excluded). So one VirtualIP can have both families, or more"
                + " addresses than an advert holds.")
        Boolean advertised) {
  /** Fills in the schema's defaults. */
  public Address {
    advertised = Objects.requireNonNullElse(advertised, true);
  }
}
