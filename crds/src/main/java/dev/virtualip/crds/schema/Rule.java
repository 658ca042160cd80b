package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** A policy routing rule that moves with the addresses; {@link PolicyRule} is its valid form. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "has(self.from) || has(self.to)",
    message = "a rule without from and to catches every packet: give at least one of them")
@ValidationRule(
    value = "!has(self.from) || !has(self.to) || self.from.contains(':') == self.to.contains(':')",
    message = "from and to are of different families: use IPv4 or IPv6 for both")
@ValidationRule(
    value = "self.table != 255",
    message = "every packet asks table 255 (local) first anyway: use another table",
    fieldPath = ".table")
public record Rule(
    @Pattern(Rule.MATCH_PATTERN)
        @Size(max = IpPrefix.TEXT_MAX)
        @JsonPropertyDescription(
            "Source address or prefix of the packets, as in 203.0.113.10 or 2001:db8::/32. Default:"
                + " any. A rule needs from or to.")
        String from,
    @Pattern(Rule.MATCH_PATTERN)
        @Size(max = IpPrefix.TEXT_MAX)
        @JsonPropertyDescription(
            "Destination address or prefix of the packets, of the same family. Default: any.")
        String to,
    @Required
        @Min(1)
        @Max(4294967295d)
        @JsonPropertyDescription(
            "Routing table that the packets ask, as in routes[].table; 254 is main. Where it has no"
                + " route, the next rule counts. Not 255 (local).")
        Long table,
    @Required
        @Min(1)
        @Max(Rule.PRIORITY_MAX)
        @JsonPropertyDescription(
            "Rules are asked from the lowest number up; the main table comes at 32766. No default:"
                + " what is right depends on the rules that the node has (see ip rule), a CNI's"
                + " among them. Of one priority are only rules whose order does not matter.")
        Integer priority) {
  /** Highest priority of a rule: before the main table's, which the kernel has at 32766. */
  public static final int PRIORITY_MAX = 32_765;

  /** The table of the node's own addresses; the kernel's rule for it comes first. */
  public static final long LOCAL_TABLE = 255;

  /** What may be an IP address or a prefix other than that of all addresses. */
  static final String MATCH_PATTERN = "^[0-9A-Fa-f:.]+(/[1-9][0-9]{0,2})?$";
}
