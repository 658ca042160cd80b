package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** The servers of a virtual server: those of all kinds together. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "(has(self.addresses) && size(self.addresses) > 0) || has(self.nodes) || has(self.pods)",
    message = "a virtual server has at least one kind of server: give addresses, nodes or pods")
public record RealServers(
    @Size(max = RealServers.ADDRESSES_MAX)
        @JsonPropertyDescription(
            "Servers by address, each with its port at most once. They serve the virtual addresses of"
                + " their family; with Tunnel and without connectionSync also those of the other, where"
                + " one of the two families has no servers or no virtual addresses.")
        List<RealServer> addresses,
    @JsonPropertyDescription(
            "Nodes by label, each with its InternalIP of the virtual address's family.")
        NodeServers nodes,
    @JsonPropertyDescription(
            "Pods by label, while they are Ready; with weight 0 while they terminate. Not with"
                + " DirectRoute.")
        PodServers pods) {
  /** Most servers by address. */
  public static final int ADDRESSES_MAX = 256;

  /** Makes a null list empty. */
  public RealServers {
    addresses = VirtualIpSpec.copy(addresses);
  }
}
