package dev.virtualip.operator.decide;

import static dev.virtualip.operator.decide.VirtualIpConditions.condition;
import static dev.virtualip.operator.decide.VirtualIpConditions.described;
import static dev.virtualip.operator.watch.ClusterView.reports;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.HeartbeatStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Conditions about problems of a VirtualIP that may still be served. */
public final class Health {
  public static final String DEGRADED = "Degraded";
  public static final String MULTIPLE_MASTERS = "MultipleMasters";
  public static final String VRID_CONFLICT = "VridConflict";
  public static final String STRAY_ADDRESSES = "StrayAddresses";
  public static final String QUORUM_LOST = "QuorumLost";
  public static final String HEARTBEAT_LOST = "HeartbeatLost";

  /** Reason of Degraded: some node goes on with an older generation. */
  public static final String EDIT_REFUSED = "EditRefused";

  /** Servers that the message names: the status has more. */
  private static final int NAMED_MAX = 3;

  private Health() {}

  /**
   * Degraded, MultipleMasters, VridConflict, StrayAddresses and, where there are virtual servers,
   * QuorumLost, and where there are heartbeats HeartbeatLost, in this order.
   *
   * @param vip the VirtualIP with believed reports
   * @param selectable whether the spec has a usable node selector
   * @param nodes all nodes of the cluster
   * @param handOvers present requests to nodes
   * @param owned which of its addresses are the cluster's own, and whose they are
   */
  public static List<Condition> of(
      VirtualIp vip,
      boolean selectable,
      Collection<NodeFacts> nodes,
      Map<String, HandOver> handOvers,
      List<Problem> owned) {
    var conditions =
        new ArrayList<>(
            List.of(
                degraded(vip, members(vip, selectable, nodes), handOvers),
                multipleMasters(vip),
                vridConflict(vip, nodes),
                strayAddresses(vip, owned)));
    if (vip.getSpec() != null && !vip.getSpec().virtualServers().isEmpty()) {
      conditions.add(quorumLost(vip));
    }
    if (vip.getSpec() != null && !vip.getSpec().heartbeats().isEmpty()) {
      conditions.add(heartbeatLost(vip));
    }
    return conditions;
  }

  private static Set<String> members(
      VirtualIp vip, boolean selectable, Collection<NodeFacts> nodes) {
    var members = new TreeSet<String>();
    if (selectable) {
      nodes.stream().filter(node -> node.selectedBy(vip)).forEach(node -> members.add(node.name()));
    } else {
      members.addAll(reports(vip).keySet());
    }
    return members;
  }

  private static Condition degraded(
      VirtualIp vip, Set<String> members, Map<String, HandOver> handOvers) {
    var reports = reports(vip);
    var missing = new TreeMap<String, String>();
    for (var node : members) {
      var report = reports.get(node);
      var asked = handOvers.get(node);
      var why = new ArrayList<String>();
      if (report == null) {
        why.add("its agent has not reported yet");
      } else if (!serves(report)) {
        why.add(described(report));
      }
      if (report != null && asked != null && HandOvers.takesOut(asked)) {
        why.add("handed over: " + asked.reason());
      }
      if (!why.isEmpty()) {
        missing.put(node, String.join(", ", why));
      }
    }
    int healthy = members.size() - missing.size();
    var count = "%d of %d nodes can serve".formatted(healthy, members.size());
    var refused = refused(vip);
    if (!missing.isEmpty() || members.isEmpty()) {
      return condition(
          vip, DEGRADED, "True", "NodesMissing", count + told(missing) + told(refused));
    }
    return refused.isEmpty()
        ? condition(vip, DEGRADED, "False", "AllNodesServe", count)
        : condition(vip, DEGRADED, "True", EDIT_REFUSED, count + told(refused));
  }

  private static String told(Map<String, String> byNode) {
    return byNode.entrySet().stream()
        .map(node -> "; " + node.getKey() + ": " + node.getValue())
        .collect(Collectors.joining());
  }

  /** By node, what it refuses that runs elsewhere; what runs nowhere is not accepted. */
  static Map<String, String> refused(VirtualIp vip) {
    var generation = vip.getMetadata().getGeneration();
    boolean runs =
        reports(vip).values().stream()
            .anyMatch(report -> Objects.equals(report.acceptedGeneration(), generation));
    if (!runs) {
      return Map.of();
    }
    var refusing = VirtualIpConditions.refusing(vip);
    refusing.replaceAll(
        (node, why) -> {
          var older = reports(vip).get(node).acceptedGeneration();
          return "refuses generation %d and %s: %s"
              .formatted(generation, older == null ? "runs none" : "goes on with " + older, why);
        });
    return refusing;
  }

  /** Whether a node is master or could take over. */
  public static boolean serves(NodeStatus report) {
    return report.state() == State.Master || report.state() == State.Backup;
  }

  private static Condition multipleMasters(VirtualIp vip) {
    var masters = VirtualIpConditions.serving(vip);
    return masters.size() > 1
        ? condition(
            vip,
            MULTIPLE_MASTERS,
            "True",
            "PeersDoNotHearEachOther",
            ("%s are master at once: VRRP adverts (IP protocol 112) do not get from one to the other,"
                    + " or are refused; compare their messages, firewall and switch")
                .formatted(String.join(", ", masters)))
        : condition(
            vip,
            MULTIPLE_MASTERS,
            "False",
            masters.isEmpty() ? "NoMaster" : "OneMaster",
            masters.isEmpty() ? "no node is master" : masters.getFirst() + " is master");
  }

  private static Condition vridConflict(VirtualIp vip, Collection<NodeFacts> nodes) {
    var foreign = ForeignRouters.of(vip, nodes);
    if (foreign.isEmpty()) {
      return condition(vip, VRID_CONFLICT, "False", "NoForeignSpeaker", "nobody else is heard");
    }
    return condition(
        vip,
        VRID_CONFLICT,
        "True",
        "ForeignSpeaker",
        foreign + ": give one of the two another VRID");
  }

  private static Condition strayAddresses(VirtualIp vip, List<Problem> owned) {
    var strays =
        reports(vip).entrySet().stream()
            .filter(report -> report.getValue().strayAddresses() != null)
            .map(
                report ->
                    "%s is not master and has %s"
                        .formatted(
                            report.getKey(), String.join(", ", report.getValue().strayAddresses())))
            .collect(Collectors.joining("; "));
    if (!strays.isEmpty()) {
      return condition(
          vip,
          STRAY_ADDRESSES,
          "True",
          "BoundByOthers",
          strays + ": somebody else has bound it; remove it there with ip addr del");
    }
    return owned.isEmpty()
        ? condition(vip, STRAY_ADDRESSES, "False", "NoStrays", "only the master has the addresses")
        : condition(vip, STRAY_ADDRESSES, "True", "OwnedByCluster", owned(owned));
  }

  /** The next cut may cost the last path: that is the time to mend the first one. */
  private static Condition heartbeatLost(VirtualIp vip) {
    var lost = new TreeMap<String, String>();
    reports(vip)
        .forEach(
            (node, report) -> {
              if (report.state() != State.Unknown) {
                Objects.requireNonNullElse(report.heartbeats(), List.<HeartbeatStatus>of()).stream()
                    .filter(path -> path.problem() != null)
                    .map(HeartbeatStatus::problem)
                    .reduce((one, other) -> one + ", " + other)
                    .ifPresent(problem -> lost.put(node, problem));
              }
            });
    return lost.isEmpty()
        ? condition(vip, HEARTBEAT_LOST, "False", "AllHeard", "no path is known to be cut")
        : condition(
            vip,
            HEARTBEAT_LOST,
            "True",
            "PathCut",
            "adverts go on by another path; mend this one" + told(lost));
  }

  /** Of the master's real servers: connections follow its view, and no other node's is reported. */
  private static Condition quorumLost(VirtualIp vip) {
    var master = VirtualIpConditions.master(vip);
    var report = master == null ? null : reports(vip).get(master);
    if (report == null || report.virtualServers() == null) {
      return condition(vip, QUORUM_LOST, "Unknown", "NoMaster", "no master tells of its servers");
    }
    var lost =
        report.virtualServers().stream()
            .filter(server -> Boolean.FALSE.equals(server.up()))
            .map(Health::lost)
            .toList();
    return lost.isEmpty()
        ? condition(vip, QUORUM_LOST, "False", "QuorumHeld", "enough real servers are up")
        : condition(vip, QUORUM_LOST, "True", "ServersDown", String.join("; ", lost));
  }

  private static String lost(VirtualServerStatus server) {
    var down = Objects.requireNonNullElse(server.down(), List.<DownServer>of());
    var named =
        down.stream()
            .map(one -> ", %s (%s)".formatted(one, one.reason()))
            .limit(NAMED_MAX)
            .collect(Collectors.joining());
    return "%s: weight %d is up, the quorum is %d; servers down: %d%s"
        .formatted(server.name(), server.weightUp(), server.quorum(), server.serversDown(), named);
  }

  private static String owned(List<Problem> owned) {
    return owned.stream()
        .map(Problem::toString)
        .collect(
            Collectors.joining(
                "; ", "", "; if a kubelet took it for its node's, start that with --node-ip"));
  }
}
