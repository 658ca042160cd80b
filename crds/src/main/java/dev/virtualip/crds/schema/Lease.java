package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import java.util.Objects;

/** Lifetime of addresses in the kernel; only a live master renews it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Lease(
    @Default("Overlap")
        @JsonPropertyDescription(
            "Overlap: until the slowest backup has taken over, so that clients of a server that"
                + " still answers see no gap; two nodes have the addresses for up to an advert"
                + " interval and a second. Exclusive: until just before the fastest backup takes"
                + " over, so that two nodes never have them, and nobody for up to two seconds and"
                + " the skew; needs an advertInterval of 1s or more.")
        Policy policy) {
  /** Without a gap. */
  public static final Lease OVERLAP = new Lease(null);

  /** Fills in the schema's default. */
  public Lease {
    policy = Objects.requireNonNullElse(policy, Policy.Overlap);
  }

  /** What matters more when a master ends without resigning. */
  public enum Policy {
    /** That clients see no gap. */
    Overlap,
    /** That no two nodes ever have the addresses. */
    Exclusive
  }
}
