package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/**
 * The packets around those to a real server.
 *
 * @param port null of other types than GUE
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.port) || (has(self.type) && self.type == 'GUE')",
    message = "the port is that of GUE: set type to GUE, or remove it",
    fieldPath = ".port")
@ValidationRule(
    value =
        "!has(self.checksum) || self.checksum == 'None' || (has(self.type)"
            + " && (self.type == 'GUE' || (self.type == 'GRE' && self.checksum == 'Full')))",
    message = "GRE has the checksums None and Full, IPIP has none: use one of these, or type GUE",
    fieldPath = ".checksum")
public record Tunnel(
    @JsonPropertyDescription(
            "IPIP (IP in IP, RFC 2003), GRE (RFC 2784, Linux 5.3) or GUE (generic UDP encapsulation,"
                + " Linux 5.2). Default: IPIP.")
        Type type,
    @Min(1) @Max(65535) @JsonPropertyDescription("UDP port of GUE at the servers. Default: 6080.")
        Integer port,
    @JsonPropertyDescription(
            "Checksum of GRE and GUE. None (keepalived: nocsum), Full (csum), or Remote, the receiver"
                + " computes it, of GUE only (remcsum). Default: None.")
        Checksum checksum) {
  /** IPIP. */
  public static final Tunnel IPIP = new Tunnel(null, null, null);

  /** The port that IANA has given to GUE. */
  private static final int GUE_PORT = 6080;

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public Tunnel {
    type = Objects.requireNonNullElse(type, Type.IPIP);
    port = port == null && type == Type.GUE ? (Integer) GUE_PORT : port;
    checksum = Objects.requireNonNullElse(checksum, Checksum.None);
  }

  /** Protocols of a tunnel. */
  public enum Type {
    /** IP in IP. */
    IPIP,
    /** Generic routing encapsulation. */
    GRE,
    /** Generic UDP encapsulation. */
    GUE
  }

  /** Checksums of a tunnel's packets. */
  public enum Checksum {
    /** There is none. */
    None,
    /** Over the whole packet. */
    Full,
    /** Remote checksum offload: the receiver completes it. */
    Remote
  }
}
