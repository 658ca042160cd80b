package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.schema.Authentication.HmacAuthentication.Mode;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What is. Each agent owns its own key of {@code nodes}; the agent that becomes master writes
 * {@code master} and {@code transitions}, and keeps {@code backups}. The rest is the operator's,
 * which also corrects what agents that are gone have left; but for {@code lastDrill}, which is that
 * of who has made the drill.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record VirtualIpStatus(
    @JsonPropertyDescription("Generation that the conditions are about.") Long observedGeneration,
    @JsonPropertyDescription(
            "Name of the node that holds the addresses, written by the agent that becomes master.")
        String master,
    @JsonPropertyDescription("How many nodes are in the state Backup.") Integer backups,
    @JsonPropertyDescription("How often a node has become master.") Long transitions,
    @JsonPropertyDescription("What each node's agent says, by node name.")
        Map<String, NodeStatus> nodes,
    @JsonPropertyDescription(
            "Nodes that are asked to hand over and to be no more than a last resort, by node name."
                + " This shows what the ConfigMap virtualip-hand-overs asks.")
        Map<String, HandOver> handOvers,
    @JsonPropertyDescription("What became of the annotation virtualip.dev/switch-to.")
        SwitchOver switchOver,
    @JsonPropertyDescription(
            "What a client lost in the last rehearsed move, written by kubectl vip drill.")
        Drill lastDrill,
    @JsonPropertyDescription(
            "Accepted: the spec may run. Ready: exactly one node is master and serves this"
                + " generation. Reconciling, Stalled: not there yet; not without somebody's help."
                + " Degraded: fewer nodes than selected can serve. MultipleMasters: more than one"
                + " node is master. VridConflict: somebody else uses the VRID. StrayAddresses: a"
                + " node that is not master has its addresses, or a Node counts one as its own."
                + " QuorumLost, where there are virtual servers: too few real servers are up."
                + " HeartbeatLost, where there are heartbeats: a path of adverts is cut.")
        List<Condition> conditions) {

  /** A status that says nothing. */
  public static final VirtualIpStatus EMPTY = new VirtualIpStatus(null, null, null, null);

  /** A status without counts and requests. */
  public VirtualIpStatus(
      Long observedGeneration,
      String master,
      Map<String, NodeStatus> nodes,
      List<Condition> conditions) {
    this(observedGeneration, master, null, null, nodes, null, null, conditions);
  }

  /** A status without a drill. */
  public VirtualIpStatus(
      Long observedGeneration,
      String master,
      Integer backups,
      Long transitions,
      Map<String, NodeStatus> nodes,
      Map<String, HandOver> handOvers,
      SwitchOver switchOver,
      List<Condition> conditions) {
    this(
        observedGeneration,
        master,
        backups,
        transitions,
        nodes,
        handOvers,
        switchOver,
        null,
        conditions);
  }

  /** Number of nodes with the state Backup. */
  public static int backups(Map<String, NodeStatus> nodes) {
    return nodes == null
        ? 0
        : (int)
            nodes.values().stream()
                .filter(node -> node != null && node.state() == State.Backup)
                .count();
  }

  /** State of a virtual router on a node. RFC 9568's Active is Master here, as in keepalived. */
  public enum State {
    /** Not started yet, or ended. */
    Init,
    /** Listens to the master's adverts. */
    Backup,
    /** Holds the addresses and sends adverts. */
    Master,
    /** Cannot take part; the reason tells why. */
    Fault,
    /** Its agent is not heard of any more; written by the operator. */
    Unknown
  }

  /** The report of one node's agent. */
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
      @JsonPropertyDescription(
              "What keeps the newer generation from running here: Invalid, Conflict,"
                  + " InterfaceNotFound, NoNodeSelected or OutsidePools.")
          String refusedReason,
      @JsonPropertyDescription("How often the state has changed since the agent started.")
          Long transitions,
      @JsonPropertyDescription("Address that this node's adverts come from.") String address,
      @JsonPropertyDescription("Address of the master that this node hears as backup.")
          String heardMaster,
      @JsonPropertyDescription("Others whose adverts with this VRID do not fit.")
          List<Speaker> speakers,
      @JsonPropertyDescription(
              "Addresses of the VirtualIP that somebody else has bound on this node, though it is"
                  + " not master, as in 203.0.113.10/24 dev eth1.")
          List<String> strayAddresses,
      @JsonPropertyDescription(
              "Its virtual servers as this node checks them. Written by the master only; /status of"
                  + " each agent has its own view.")
          List<VirtualServerStatus> virtualServers,
      @JsonPropertyDescription(
              "The last changes of state since the agent started, newest first, ten at most.")
          List<Transition> history,
      @JsonPropertyDescription("Keys of signed adverts, where spec.authentication.hmac is set.")
          HmacStatus hmac,
      @JsonPropertyDescription("The paths of its adverts, where spec.heartbeats is set.")
          List<HeartbeatStatus> heartbeats) {

    /** A status of a VirtualIP that has one path of adverts. */
    public NodeStatus(
        State state,
        Integer priority,
        String since,
        String reason,
        String message,
        Long acceptedGeneration,
        Long refusedGeneration,
        String refusedReason,
        Long transitions,
        String address,
        String heardMaster,
        List<Speaker> speakers,
        List<String> strayAddresses,
        List<VirtualServerStatus> virtualServers,
        List<Transition> history,
        HmacStatus hmac) {
      this(
          state,
          priority,
          since,
          reason,
          message,
          acceptedGeneration,
          refusedGeneration,
          refusedReason,
          transitions,
          address,
          heardMaster,
          speakers,
          strayAddresses,
          virtualServers,
          history,
          hmac,
          null);
    }

    /** A status without addresses. */
    public NodeStatus(
        State state,
        Integer priority,
        String since,
        String reason,
        String message,
        Long acceptedGeneration,
        Long refusedGeneration,
        Long transitions) {
      this(
          state,
          priority,
          since,
          reason,
          message,
          acceptedGeneration,
          refusedGeneration,
          null,
          transitions,
          null,
          null,
          null,
          null,
          null,
          null,
          null);
    }

    /** A status with nothing but a state and keys of signed adverts. */
    public NodeStatus(State state, HmacStatus hmac) {
      this(
          state, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          hmac);
    }

    /** The addresses that its adverts come from, on any path; there may be none. */
    @JsonIgnore
    public Stream<String> addresses() {
      var further = heartbeats == null ? Stream.<HeartbeatStatus>empty() : heartbeats.stream();
      return Stream.concat(Stream.of(address), further.map(HeartbeatStatus::address))
          .filter(Objects::nonNull);
    }

    /** The same status with these generations of the spec. */
    public NodeStatus withGenerations(Long accepted, Long refused) {
      return new NodeStatus(
          state,
          priority,
          since,
          reason,
          message,
          accepted,
          refused,
          refusedReason,
          transitions,
          address,
          heardMaster,
          speakers,
          strayAddresses,
          virtualServers,
          history,
          hmac,
          heartbeats);
    }

    /** The same status with these virtual servers. */
    public NodeStatus withVirtualServers(List<VirtualServerStatus> servers) {
      return new NodeStatus(
          state,
          priority,
          since,
          reason,
          message,
          acceptedGeneration,
          refusedGeneration,
          refusedReason,
          transitions,
          address,
          heardMaster,
          speakers,
          strayAddresses,
          servers,
          history,
          hmac,
          heartbeats);
    }
  }

  /** A path of adverts on one node. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record HeartbeatStatus(
      @JsonProperty("interface") @JsonPropertyDescription("NIC, as the node names it.")
          String interfaceName,
      @JsonPropertyDescription("Address that this node's adverts come from on this path.")
          String address,
      @JsonPropertyDescription(
              "What is wrong with the path, and what to do; absent where nothing is known to be. Only"
                  + " a backup can tell that a path is silent.")
          String problem) {}

  /** Keys of signed adverts on one node. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record HmacStatus(
      @JsonPropertyDescription("Mode that it is in.") Mode mode,
      @JsonPropertyDescription(
              "Names of the keys that it has read from the Secret, oldest first: the id and a digest"
                  + " of the key, as in 7-1f0c93aa.")
          List<String> keys,
      @JsonPropertyDescription(
              "Names of former keys that it accepts still, as other nodes may send them.")
          List<String> kept,
      @JsonPropertyDescription("Name of the key that it signs with, where its mode is to sign.")
          String sends) {}

  /** How a virtual server is. Servers that are up are only counted: there may be a thousand. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record VirtualServerStatus(
      @JsonPropertyDescription("Its name, as in spec.virtualServers.") String name,
      @JsonPropertyDescription("Whether its quorum is held.") Boolean up,
      @JsonPropertyDescription("Sum of the weights of the servers that are up.") Integer weightUp,
      @JsonPropertyDescription("Its quorum, as in the spec.") Integer quorum,
      @JsonPropertyDescription("How many real servers pass their checks.") Integer serversUp,
      @JsonPropertyDescription("How many real servers fail a check.") Integer serversDown,
      @JsonPropertyDescription("The first eight servers that are down.") List<DownServer> down) {}

  /** A real server that fails a check. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record DownServer(
      @JsonPropertyDescription("Its address.") String address,
      @JsonPropertyDescription("Its port; absent where it is that of the virtual server.")
          Integer port,
      @JsonPropertyDescription("What fails, such as connect refused 10.0.0.21:80.") String reason) {
    /** Address and port, as in 10.0.0.21:80 or [2001:db8::21]:80. */
    @Override
    public String toString() {
      var host = address.contains(":") && port != null ? "[" + address + "]" : address;
      return port == null ? host : host + ":" + port;
    }
  }

  /**
   * A change of a virtual router's state.
   *
   * <p>What it took is text, for it is to be read; the metrics have the same numbers.
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Transition(
      @JsonPropertyDescription("When the state was entered, RFC 3339 in UTC with milliseconds.")
          String at,
      @JsonPropertyDescription("State before.") State from,
      @JsonPropertyDescription("State entered.") State to,
      @JsonPropertyDescription("Why, such as MasterDown or CheckFailed(ingress).") String reason,
      @JsonPropertyDescription(
              "How long it took since the cause was seen, and after what time its parts were done, in"
                  + " their order: decided, advert sent, resigned (advert of priority 0 sent),"
                  + " addresses bound, announced for the first time, or released, as in 8.31ms:"
                  + " decided 0.04ms, advert 0.31ms, bound 1.42ms, announced 1.87ms.")
          String took) {}

  /** A router that uses this VRID, but whose adverts do not match ours. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Speaker(
      @JsonPropertyDescription("Where its adverts come from.") String address,
      @JsonPropertyDescription("What does not fit, such as AuthFailure or OtherAddresses.")
          String reason) {}

  /** A request to a node: to hand over if it is master, and to keep a low priority from then on. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record HandOver(
      @JsonPropertyDescription("Priority that the node has at most.") Integer priority,
      @JsonPropertyDescription("Why, such as Drain(cordoned), Upgrade or SwitchOver(node-b).")
          String reason,
      @JsonPropertyDescription(
              "When it was asked, RFC 3339 in UTC. Asked anew, it hands over anew.")
          String since) {
    /** The node's own priority, or the requested one if that is lower. */
    public int limit(int own) {
      return priority == null ? own : Math.max(1, Math.min(own, priority));
    }
  }

  /** A requested switch-over. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record SwitchOver(
      @JsonPropertyDescription("Node that is to be master.") String to,
      @JsonPropertyDescription("How far it is.") Result result,
      @JsonPropertyDescription("What happened, or why it was refused.") String message) {

    /** How far a switch-over is. */
    public enum Result {
      /** The others have been asked to let it go first. */
      InProgress,
      /** It is master. */
      Done,
      /** Not done, and not tried again: remove the annotation and set it again. */
      Refused
    }
  }

  /** What a client lost in a rehearsed move. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Drill(
      @JsonPropertyDescription("When the move was asked for, RFC 3339 in UTC with milliseconds.")
          String at,
      @JsonPropertyDescription("How the master was made to leave.") Kind kind,
      @JsonPropertyDescription("Node that was master.") String from,
      @JsonPropertyDescription("Node that took over.") String to,
      @JsonPropertyDescription("What the client asked, without a query and a password.") String url,
      @JsonPropertyDescription("How many requests it sent, one every 10 ms.") Long requests,
      @JsonPropertyDescription("How many of them had no good answer within a second.") Long failed,
      @JsonPropertyDescription(
              "Longest time between two requests that were answered, in milliseconds, while the"
                  + " address moved.")
          Long lostMillis,
      @JsonPropertyDescription("The same while it moved back; absent where it did not.")
          Long backLostMillis) {

    /** How a master is made to leave. */
    public enum Kind {
      /** It is asked to hand over, by a switch-over. */
      Switch,
      /** Its agent's pod is deleted. */
      StopAgent,
      /** A check that is there for the drill alone fails on its node. */
      StopCheck
    }
  }
}
