package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.IpRange;
import dev.virtualip.crds.values.NumberRange;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** What the VirtualIPs of a pool may use. A list that is absent restricts nothing. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record VirtualIpPoolSpec(
    @Required
        @Size(min = 1, max = VirtualIpPoolSpec.ADDRESSES_MAX)
        @JsonPropertyDescription(
            "Virtual addresses they may have: prefixes, ranges and single addresses, as in"
                + " 203.0.113.0/28, 203.0.113.32-203.0.113.39 or 2001:db8::/64.")
        List<@Pattern(IpRange.PATTERN) String> addresses,
    @Size(max = VirtualIpPoolSpec.NETWORKS_MAX)
        @JsonPropertyDescription(
            "Networks that the addresses may be in by their prefix lengths, as in 203.0.113.0/22: a node"
                + " reaches all of an address's network by its NIC. Default: /24 or longer, of IPv6 /64"
                + " or longer.")
        List<@Pattern(IpPrefix.PATTERN) String> networks,
    @Size(max = VirtualIpPoolSpec.INTERFACES_MAX)
        @JsonPropertyDescription(
            "NICs they may name for adverts, addresses, routes and connectionSync, written just as"
                + " they write them. Default: any.")
        List<@Pattern(InterfaceSelector.PATTERN) String> interfaces,
    @Size(max = VirtualIpSpec.VRID_MAX)
        @JsonPropertyDescription("VRIDs they may use, as in \"77\" or \"10-19\". Default: any.")
        List<@Pattern(NumberRange.PATTERN) String> vrids,
    @Size(max = VirtualIpPoolSpec.TABLES_MAX)
        @JsonPropertyDescription(
            "Routing tables that their routes may be in and their rules may ask, as in \"100-199\";"
                + " \"254\" is main, which all of a node's packets ask. A rule needs a from of the"
                + " pool's addresses. Default: none, so that they have no routes and rules.")
        List<@Pattern(NumberRange.PATTERN) String> tables,
    @ValidationRule(value = LabelSelector.IS_NOT_EMPTY, message = LabelSelector.EMPTY)
        @JsonPropertyDescription(
            "Labels and expressions that their spec.nodes.selector has to contain as they stand here,"
                + " and so each selector of nodes as real servers. Default: any nodes.")
        LabelSelector nodeSelector,
    @JsonPropertyDescription(
            "Makes the operator assign the addresses to Services of type LoadBalancer, and write the"
                + " VirtualIPs that have them. Default: the pool serves no Services.")
        PoolServices services) {
  /** Most ranges of addresses of one pool. */
  public static final int ADDRESSES_MAX = 256;

  /** Most networks of one pool. */
  public static final int NETWORKS_MAX = 64;

  /** Most NICs of one pool. */
  public static final int INTERFACES_MAX = 64;

  /** Most ranges of routing tables of one pool. */
  public static final int TABLES_MAX = 64;

  /** Makes null lists empty. */
  public VirtualIpPoolSpec {
    addresses = VirtualIpSpec.copy(addresses);
    networks = VirtualIpSpec.copy(networks);
    interfaces = VirtualIpSpec.copy(interfaces);
    vrids = VirtualIpSpec.copy(vrids);
    tables = VirtualIpSpec.copy(tables);
  }
}
