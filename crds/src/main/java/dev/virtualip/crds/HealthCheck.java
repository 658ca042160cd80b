package dev.virtualip.crds;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/** A check of exactly one kind (keepalived: {@code vrrp_script} with typed scripts). */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "[has(self.http), has(self.tcp), has(self.pod)].filter(kind, kind).size() == 1",
    message = "a health check has exactly one kind: set one of http, tcp, pod")
public record HealthCheck(
    @Required
        @Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
        @JsonPropertyDescription("Name, unique among the checks of the VirtualIP; reasons show it.")
        String name,
    @JsonPropertyDescription("GET a page; statuses 200 to 399 are a success.") Http http,
    @JsonPropertyDescription("Open a TCP connection.") Tcp tcp,
    @JsonPropertyDescription("Find a Ready pod on this node.") Pod pod,
    @Default("1s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription("Time from the start of one check to the next, 50ms to 1h.")
        String interval,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Longest wait for an answer, 10ms to 1h; longer is a failure. Default: the interval.")
        String timeout,
    @Default("1")
        @Min(1)
        @Max(1000)
        @JsonPropertyDescription("Successes in a row that make a failed check good.")
        Integer rise,
    @Default("1")
        @Min(1)
        @Max(1000)
        @JsonPropertyDescription("Failures in a row that make a good check failed.")
        Integer fall,
    @Default("0")
        @Min(-253)
        @Max(253)
        @JsonPropertyDescription(
            "0: a failed check is a fault, the node gives up the addresses. Positive: added to the"
                + " priority while good. Negative: added to the priority while failed. The sum stays"
                + " within 1 to 254.")
        Integer weight) {

  /** Fills in the schema's defaults. */
  public HealthCheck {
    interval = Objects.requireNonNullElse(interval, "1s");
    timeout = Objects.requireNonNullElse(timeout, interval);
    rise = Objects.requireNonNullElse(rise, 1);
    fall = Objects.requireNonNullElse(fall, 1);
    weight = Objects.requireNonNullElse(weight, 0);
  }

  /** GET {@code http://host:port/path}. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Http(
      @Default("127.0.0.1")
          @JsonPropertyDescription("IP address to connect to, one of the node itself as a rule.")
          String host,
      @Default("80") @Min(1) @Max(65535) @JsonPropertyDescription("TCP port.") Integer port,
      @Default("/") @Pattern("^/\\S*$") @JsonPropertyDescription("Path, with query.") String path) {

    /** Fills in the schema's defaults. */
    public Http {
      host = Objects.requireNonNullElse(host, "127.0.0.1");
      port = Objects.requireNonNullElse(port, 80);
      path = Objects.requireNonNullElse(path, "/");
    }
  }

  /** Connect to a port. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Tcp(
      @Default("127.0.0.1")
          @JsonPropertyDescription("IP address to connect to, one of the node itself as a rule.")
          String host,
      @Required @Min(1) @Max(65535) @JsonPropertyDescription("TCP port.") Integer port) {

    /** Fills in the schema's defaults. */
    public Tcp {
      host = Objects.requireNonNullElse(host, "127.0.0.1");
    }
  }

  /**
   * At least one matching pod on this node is Ready. The API server away: the last answer holds.
   */
  public record Pod(
      @Required @Size(min = 1) @JsonPropertyDescription("Namespace of the pods.") String namespace,
      @Required @JsonPropertyDescription("Labels of the pods.") LabelSelector selector) {}
}
