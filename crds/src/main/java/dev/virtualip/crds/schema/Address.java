package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/** A virtual address. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Address(
    @Required
        @Pattern(IpPrefix.PATTERN)
        @Size(max = IpPrefix.TEXT_MAX)
        @ValidationRule(
            value = "!self.matches('" + IpPrefix.NO_HOST_PATTERN + "')",
            message = NO_HOST)
        @ValidationRule(
            value =
                "self.contains(':') ? self.matches('/(1[6-9]|[2-9][0-9]|1[0-9][0-9])$')"
                    + " : self.matches('/([89]|[1-3][0-9])$')",
            message =
                "the kernel would route all of so short a prefix to this NIC: give the network's own,"
                    + " /8 or longer, of IPv6 /16 or longer")
        @ValidationRule(
            value =
                "self.contains(':') || !self.matches('[.](0|255)/24$|[.](0[.]0|255[.]255)/16$"
                    + "|[.](0[.]0[.]0|255[.]255[.]255)/8$')",
            message = "it is the network itself, or its broadcast address: use one of a host")
        @JsonPropertyDescription(
            "Address of a host with prefix length, as in 203.0.113.10/24 or 2001:db8::10/64. An IPv6"
                + " address is not the source of the node's own connections, unless it has no other.")
        String address,
    @JsonProperty("interface")
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC to bind it on; it needs no other address. Default: the NIC of the adverts.")
        String interfaceName,
    @JsonPropertyDescription(
            "Whether adverts list it, true by default. false: it is bound and announced all the same"
                + " (keepalived: virtual_ipaddress_excluded). So one VirtualIP can have both"
                + " families, or more addresses than an advert holds.")
        Boolean advertised) {
  /** What CEL says of an address that no host can have. */
  static final String NO_HOST =
      "no host can have an unspecified, loopback, multicast or reserved address: use a unicast"
          + " address";

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public Address {
    advertised = Objects.requireNonNullElse(advertised, true);
  }
}
