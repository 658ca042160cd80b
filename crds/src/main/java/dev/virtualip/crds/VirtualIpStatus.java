package dev.virtualip.crds;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import java.util.Map;

/**
 * What is. The operator owns {@code conditions} and {@code observedGeneration}, each agent its own
 * key of {@code nodes}; {@code master} is written by the agent that becomes master and corrected by
 * the operator.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record VirtualIpStatus(
    @JsonPropertyDescription("Generation that the conditions are about.") Long observedGeneration,
    @JsonPropertyDescription("Node that holds the addresses.") String master,
    @JsonPropertyDescription("What each node's agent says, by node name.")
        Map<String, NodeStatus> nodes,
    @JsonPropertyDescription(
            "Accepted: the spec may run. Ready: exactly one node is master and serves this"
                + " generation.")
        List<Condition> conditions) {

  /** State of a virtual router on a node. RFC 9568's Active is Master here, as in keepalived. */
  public enum State {
    /** Not started yet. */
    Init,
    /** Listens to the master's adverts. */
    Backup,
    /** Holds the addresses and sends adverts. */
    Master,
    /** Cannot take part; the reason tells why. */
    Fault
  }

  /** What one node's agent says. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record NodeStatus(
      @JsonPropertyDescription("State of the virtual router on this node.") State state,
      @JsonPropertyDescription("Priority in force, health checks included.") Integer priority,
      @JsonPropertyDescription("When the state was entered, RFC 3339 in UTC.") String since,
      @JsonPropertyDescription("Why the state is what it is, such as CheckFailed(ingress).")
          String reason,
      @JsonPropertyDescription("What exactly is wrong and what to do, where something is.")
          String message,
      @JsonPropertyDescription("Generation of the spec that this node runs.")
          Long acceptedGeneration,
      @JsonPropertyDescription(
              "Newer generation of the spec that this node does not run; the message tells why.")
          Long refusedGeneration,
      @JsonPropertyDescription("State changes since the agent started.") Long transitions) {}
}
