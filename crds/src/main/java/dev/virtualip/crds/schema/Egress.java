package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** Whose packets leave the master with a virtual address as their source. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "(has(self.pods) && size(self.pods) > 0) || (has(self.sources) && size(self.sources) > 0)",
    message = Egress.WHOSE)
@ValidationRule(
    value =
        "!has(self.pods) || size(self.pods) == 0 || (has(self.except) && size(self.except) > 0)",
    message = Egress.EXCEPT,
    fieldPath = ".except")
public record Egress(
    @Size(max = PODS_MAX)
        @JsonPropertyDescription(
            "Pods, by namespace and labels, from when they have an address until they end. Those with"
                + " hostNetwork keep their node's.")
        List<EgressPods> pods,
    @Size(max = PREFIXES_MAX)
        @JsonPropertyDescription(
            "Prefixes of other sources, as in 10.7.0.0/16. A source that is an address of the node"
                + " itself stays as it is.")
        List<@Pattern(IpPrefix.PATTERN) @Size(max = IpPrefix.TEXT_MAX) String> sources,
    @Size(max = PREFIXES_MAX)
        @JsonPropertyDescription(
            "Prefixes of destinations to which the source stays as it is: the networks of pods,"
                + " Services and nodes. Required with pods.")
        List<@Pattern(IpPrefix.PATTERN) @Size(max = IpPrefix.TEXT_MAX) String> except,
    @Size(max = ADDRESSES_MAX)
        @JsonPropertyDescription(
            "The virtual addresses to leave with, one of each family at most. Only packets that leave"
                + " by the NIC of the address get it. Default: the first of each family.")
        List<@Pattern(IpPrefix.ADDRESS_PATTERN) @Size(max = IpPrefix.ADDRESS_TEXT_MAX) String>
            addresses) {
  /** What is said where there is no source. */
  public static final String WHOSE =
      "needs pods or sources: say whose packets leave with the address";

  /** What is said where the cluster's own networks are missing. */
  public static final String EXCEPT =
      "is missing: give the networks of pods, Services and nodes, which are to see the pods' own"
          + " addresses, as in 10.244.0.0/16";

  /** Most selectors of pods. */
  public static final int PODS_MAX = 16;

  /** Most prefixes of a kind: a packet is compared with each. */
  public static final int PREFIXES_MAX = 64;

  /** Most addresses: one of each family. */
  public static final int ADDRESSES_MAX = 2;

  /** Makes null lists empty. */
  public Egress {
    pods = VirtualIpSpec.copy(pods);
    sources = VirtualIpSpec.copy(sources);
    except = VirtualIpSpec.copy(except);
    addresses = VirtualIpSpec.copy(addresses);
  }
}
