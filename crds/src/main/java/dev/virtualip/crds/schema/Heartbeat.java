package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** A NIC that carries adverts. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Heartbeat(
    @JsonProperty("interface")
        @Required
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC that carries adverts too, by name, glob or prefix as in spec.interface. It needs an"
                + " address of its own, of the adverts' family.")
        String interfaceName,
    @Size(max = PEERS_MAX)
        @JsonPropertyDescription(
            "Addresses of all routers on this network: adverts go to each of them instead of to the"
                + " VRRP group, as with spec.transport.peers. The same list serves all nodes. Default:"
                + " the group.")
        List<@Pattern(IpPrefix.ADDRESS_PATTERN) String> peers) {

  /** Most peers on one network. */
  public static final int PEERS_MAX = 255;

  /** Fills in the schema's defaults. */
  public Heartbeat {
    peers = VirtualIpSpec.copy(peers);
  }
}
