package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Objects;

/** The destination of adverts. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "!has(self.peers) || size(self.peers) == 0 || (has(self.mode) && self.mode == 'Unicast')",
    message = "peers are for unicast: set mode to Unicast, or remove them",
    fieldPath = ".peers")
@ValidationRule(
    value = "!has(self.minTtl) || self.minTtl == 255 || (has(self.mode) && self.mode == 'Unicast')",
    message = "minTtl is for unicast: set mode to Unicast, or remove it",
    fieldPath = ".minTtl")
public record Transport(
    @Default("Multicast")
        @JsonPropertyDescription(
            "Multicast, or Unicast where the network does not carry multicast: one packet to each"
                + " peer. Packets of the other mode are ignored.")
        Mode mode,
    @Size(max = 255)
        @JsonPropertyDescription(
            "Addresses of all routers, of the adverts' family (keepalived: unicast_peer). The same"
                + " list serves all nodes: a node leaves out its own address and sends from it; one"
                + " that is not listed is at fault. Adverts of anybody else are dropped. Default: the InternalIPs of the other"
                + " selected nodes.")
        List<@Pattern(IpPrefix.ADDRESS_PATTERN) String> peers,
    @Min(1)
        @Max(255)
        @JsonPropertyDescription(
            "Unicast: lowest TTL or hop limit of a peer's adverts (keepalived: min_ttl). Adverts are"
                + " sent with 255 and each router takes one away, so nobody beyond a router can forge"
                + " one. For peers beyond n routers: 255 - n. Default: 255.")
        Integer minTtl) {
  /** TTL of what has crossed no router (RFC 5082). */
  private static final int TTL_SECURITY = 255;

  /** To the group. */
  public static final Transport MULTICAST = new Transport(Mode.Multicast, null, null);

  /** Fills in the schema's defaults. */
  public Transport {
    mode = Objects.requireNonNullElse(mode, Mode.Multicast);
    peers = VirtualIpSpec.copy(peers);
    minTtl = Objects.requireNonNullElse(minTtl, TTL_SECURITY);
  }

  /** How adverts travel. */
  public enum Mode {
    /** To 224.0.0.18 or ff02::12, on the NIC's own network. */
    Multicast,
    /** To each peer, for networks that do not carry multicast (keepalived: unicast_peer). */
    Unicast
  }
}
