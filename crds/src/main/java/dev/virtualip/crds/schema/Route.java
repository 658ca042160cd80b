package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** A route that moves with the addresses. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Route(
    @Required
        @Pattern("^(default|[0-9A-Fa-f:.]+/[0-9]{1,3})$")
        @JsonPropertyDescription(
            "Destination: default, or a prefix such as 10.0.0.0/8 or 2001:db8::/32. default is of the"
                + " gateway's family.")
        String to,
    @Pattern(IpPrefix.ADDRESS_PATTERN)
        @Size(max = IpPrefix.ADDRESS_TEXT_MAX)
        @ValidationRule(
            value = "!self.matches('" + IpPrefix.NO_HOST_PATTERN + "')",
            message = Address.NO_HOST)
        @JsonPropertyDescription("Gateway. Without one, the destination is on the link.")
        String via,
    @JsonProperty("interface")
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription("NIC that the packets leave by. Default: the NIC of the adverts.")
        String interfaceName,
    @Pattern(IpPrefix.ADDRESS_PATTERN)
        @Size(max = IpPrefix.ADDRESS_TEXT_MAX)
        @ValidationRule(
            value = "!self.matches('" + IpPrefix.NO_HOST_PATTERN + "')",
            message = Address.NO_HOST)
        @JsonPropertyDescription(
            "Preferred source address. Default for IPv4: the first virtual address on the same NIC, so"
                + " that the kernel drops the route together with an expired address. IPv6 routes have"
                + " a lease of their own and no default.")
        String source,
    @Min(1)
        @Max(4294967295d)
        @JsonPropertyDescription("Number of the routing table. Default: 254, main.")
        Long table,
    @Min(0)
        @Max(4294967295d)
        @JsonPropertyDescription(
            "Metric, the lowest wins. Default: 0; IPv6: 1024, as the kernel's.")
        Long metric,
    @JsonPropertyDescription("Take the gateway as reachable although no prefix covers it.")
        Boolean onLink) {}
