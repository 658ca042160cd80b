package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.EqualPriorities;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.check.Problem.Kind;
import dev.virtualip.crds.schema.Lease.Policy;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.operator.watch.ClusterView;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Conditions of a VirtualIP, from its spec, the cluster's nodes and the agents' believed reports.
 * Ready, Reconciling and Stalled have the meaning that GitOps tools expect (kstatus). The
 * conditions lack {@code lastTransitionTime}.
 */
public final class VirtualIpConditions {
  public static final String ACCEPTED = "Accepted";
  public static final String READY = "Ready";
  public static final String RECONCILING = "Reconciling";
  public static final String STALLED = "Stalled";

  /** The agents' reason when the NIC of the adverts does not exist on their node. */
  private static final String INTERFACE_NOT_FOUND = "InterfaceNotFound";

  private static final String MASTER_OUTSIDE = "MasterOutside";
  private static final String OUTSIDE_FIX =
      ": set spec.allowOutside if that is meant, or end it to let a node take over";

  private static final String NOT_RUN = "not run: ";
  private static final String ALL_NODES_AT_FAULT = "AllNodesAtFault";

  private final VirtualIp vip;
  private final Map<String, NodeStatus> reports;

  private VirtualIpConditions(VirtualIp vip) {
    this.vip = vip;
    this.reports = ClusterView.reports(vip);
  }

  /**
   * Accepted, Ready, Reconciling and Stalled, in this order.
   *
   * @param vip the VirtualIP with believed reports
   * @param problems problems that keep the VirtualIP from running, conflicts included
   * @param nodes all nodes of the cluster
   */
  public static List<Condition> of(
      VirtualIp vip, List<Problem> problems, Collection<NodeFacts> nodes) {
    var conditions = new VirtualIpConditions(vip);
    var accepted = conditions.accepted(problems, nodes);
    boolean isAccepted = accepted.getStatus().equals("True");
    return List.of(
        accepted,
        conditions.ready(isAccepted),
        conditions.reconciling(isAccepted),
        isAccepted
            ? conditions.notStalled()
            : conditions.condition(STALLED, "True", accepted.getReason(), accepted.getMessage()));
  }

  /** Whether the conditions that a VirtualIP has say that its present generation was accepted. */
  static boolean isAccepted(VirtualIp vip, List<Condition> conditions) {
    return conditions.stream()
        .anyMatch(
            condition ->
                condition.getType().equals(ACCEPTED)
                    && condition.getStatus().equals("True")
                    && Objects.equals(
                        condition.getObservedGeneration(), vip.getMetadata().getGeneration()));
  }

  /** A fault may end by itself, and an edit may fit later: tools that wait go on to wait. */
  private Condition notStalled() {
    var refusing = Health.refused(vip).keySet();
    if (!refusing.isEmpty()) {
      return condition(
          STALLED,
          "False",
          Health.EDIT_REFUSED,
          "%s refused generation %d until it fits there: see Degraded"
              .formatted(String.join(", ", refusing), generation()));
    }
    boolean allAtFault =
        !reports.isEmpty()
            && reports.values().stream().allMatch(report -> report.state() == State.Fault);
    return allAtFault
        ? condition(
            STALLED,
            "False",
            ALL_NODES_AT_FAULT,
            "all nodes wait for the end of a fault: see Degraded")
        : condition(STALLED, "False", ACCEPTED, "nobody's help is needed");
  }

  /**
   * The nodes that refuse the newest generation, in order, and why. They run an older one, or none.
   */
  static SortedMap<String, String> refusing(VirtualIp vip) {
    var refusing = new TreeMap<String, String>();
    ClusterView.reports(vip)
        .forEach(
            (node, report) -> {
              boolean heard = report.state() != State.Unknown;
              if (heard && refuses(report, vip.getMetadata().getGeneration())) {
                var message = Objects.requireNonNullElse(report.message(), "see its log");
                refusing.put(node, message.replace(NOT_RUN, ""));
              }
            });
    return refusing;
  }

  private static boolean refuses(NodeStatus report, Long generation) {
    return generation != null && generation.equals(report.refusedGeneration());
  }

  /** The nodes that report to be master, in order. */
  public static List<String> masters(VirtualIp vip) {
    return ClusterView.reports(vip).entrySet().stream()
        .filter(report -> report.getValue().state() == State.Master)
        .map(Map.Entry::getKey)
        .toList();
  }

  /**
   * The value for {@code status.master}, or null for none. With several masters the present value
   * stays if it is one of them: the agent that took over last has written its own name. A master
   * that has yielded removes its name itself, if its successor does not write its own in time.
   */
  public static String master(VirtualIp vip) {
    var masters = masters(vip);
    var now = vip.getStatus() == null ? null : vip.getStatus().master();
    if (now != null && (masters.contains(now) || masters.isEmpty() && isBackup(vip, now))) {
      return now;
    }
    return masters.isEmpty() ? null : masters.getFirst();
  }

  /**
   * The nodes that serve, in order: the masters, or one that has handed over and waits for its
   * successor. With exclusive leases it has let go before.
   */
  static List<String> serving(VirtualIp vip) {
    var masters = masters(vip);
    var master = master(vip);
    return masters.isEmpty() && master != null && !isExclusive(vip) ? List.of(master) : masters;
  }

  private static boolean isBackup(VirtualIp vip, String node) {
    var report = ClusterView.reports(vip).get(node);
    return report != null && report.state() == State.Backup;
  }

  private static boolean isExclusive(VirtualIp vip) {
    return vip.getSpec() == null || vip.getSpec().lease().policy() == Policy.Exclusive;
  }

  /** A report in a few words. */
  public static String described(NodeStatus report) {
    var state = report.state() == null ? "no state" : report.state().name();
    boolean reason = report.reason() != null && !report.reason().isEmpty();
    return reason ? state + " (" + report.reason() + ")" : state;
  }

  private Condition accepted(List<Problem> problems, Collection<NodeFacts> nodes) {
    if (!problems.isEmpty()) {
      return condition(ACCEPTED, "False", problems.getFirst().kind().name(), join(problems));
    }
    var unselected = NodeFacts.selectionProblems(vip, nodes);
    if (!unselected.isEmpty()) {
      return condition(ACCEPTED, "False", unselected.getFirst().kind().name(), join(unselected));
    }
    var refusal = refusal();
    if (refusal.isPresent()) {
      return refusal.get();
    }
    if (vip.mirrored()) {
      var from = reports.isEmpty() ? "no node" : String.join(", ", reports.keySet());
      return condition(ACCEPTED, "True", ACCEPTED, "mirrored: it runs from files on " + from);
    }
    var selected =
        nodes.stream().filter(node -> node.selectedBy(vip)).map(NodeFacts::name).sorted().toList();
    var count = selected.size() == 1 ? "1 node selected" : selected.size() + " nodes selected";
    var note =
        EqualPriorities.note(vip.getSpec(), selected, addresses()).map("; "::concat).orElse("");
    return condition(ACCEPTED, "True", ACCEPTED, count + note);
  }

  /** Where the adverts of nodes come from, as far as that is known. */
  private Map<String, InetAddress> addresses() {
    var addresses = new HashMap<String, InetAddress>();
    reports.forEach(
        (node, report) -> {
          try {
            if (report.address() != null) {
              addresses.put(node, IpPrefix.parseAddress(report.address()));
            }
          } catch (IllegalArgumentException _) {
            // Anybody may write a status; what is no address is none.
          }
        });
    return addresses;
  }

  private static String join(List<Problem> problems) {
    return problems.stream().map(Problem::toString).collect(Collectors.joining("; "));
  }

  /**
   * The condition for refusals that only agents can know. No node has the NIC, or this VirtualIP
   * conflicts with the last good version of another one.
   */
  private Optional<Condition> refusal() {
    var heard =
        reports.values().stream().filter(report -> report.state() != State.Unknown).toList();
    if (heard.isEmpty() || !heard.stream().allMatch(this::cannotRun)) {
      return Optional.empty();
    }
    var nodes = new LinkedHashMap<String, List<String>>();
    reports.forEach(
        (node, report) -> {
          if (report.state() != State.Unknown) {
            var message = Objects.requireNonNullElse(report.message(), "a NIC is missing");
            nodes.computeIfAbsent(message.replace(NOT_RUN, ""), _ -> new ArrayList<>()).add(node);
          }
        });
    var messages =
        nodes.entrySet().stream()
            .map(told -> told(String.join(", ", told.getValue()), told.getKey()))
            .collect(Collectors.joining("; "));
    boolean conflict = heard.stream().anyMatch(VirtualIpConditions::isConflict);
    return Optional.of(
        condition(
            ACCEPTED, "False", conflict ? Kind.Conflict.name() : INTERFACE_NOT_FOUND, messages));
  }

  /** A message with the nodes that it is of, unless it has them: agents write of "this node". */
  private static String told(String nodes, String message) {
    return message.contains(" on " + nodes) ? message : nodes + ": " + message;
  }

  /** Whether the node runs nothing, or an older generation, because of a conflict. */
  private static boolean isConflict(NodeStatus report) {
    return Kind.Conflict.name().equals(report.refusedReason())
        || Kind.Conflict.name().equals(report.reason());
  }

  /** Whether the node lacks the NIC, and so runs nothing or an older generation. */
  private boolean cannotRun(NodeStatus report) {
    boolean runs = Objects.equals(report.acceptedGeneration(), generation());
    boolean fault = report.reason() != null && report.reason().startsWith(INTERFACE_NOT_FOUND);
    return runs && fault || refuses(report, generation());
  }

  private Condition ready(boolean accepted) {
    var masters = serving(vip);
    if (!accepted) {
      return condition(
          READY,
          "False",
          "NotAccepted",
          "generation %d is not accepted; %s".formatted(generation(), served(masters)));
    }
    var outside = masters.isEmpty() ? outside() : Optional.<String>empty();
    if (outside.isPresent()) {
      boolean may = vip.getSpec().allowOutside();
      return condition(
          READY,
          may ? "True" : "False",
          MASTER_OUTSIDE,
          outside.get() + " is master, and no node of this VirtualIP" + (may ? "" : OUTSIDE_FIX));
    }
    if (masters.isEmpty()) {
      return mayHaveOne()
          ? condition(READY, "Unknown", "MasterUnknown", noMaster())
          : condition(READY, "False", "NoMaster", noMaster());
    }
    if (masters.size() > 1) {
      return condition(
          READY,
          "False",
          "MultipleMasters",
          "%s all report to be master".formatted(String.join(", ", masters)));
    }
    var master = masters.getFirst();
    var generation = reports.get(master).acceptedGeneration();
    if (refuses(reports.get(master), generation())) {
      return condition(
          READY,
          "False",
          Health.EDIT_REFUSED,
          "generation %d is refused by its master: see Degraded; %s"
              .formatted(generation(), served(masters)));
    }
    if (!Objects.equals(generation, generation())) {
      return condition(
          READY,
          "False",
          RECONCILING,
          "generation %d is not served yet; %s".formatted(generation(), served(masters)));
    }
    boolean is = reports.get(master).state() == State.Master;
    return condition(
        READY,
        "True",
        "Serving",
        is
            ? "%s is master".formatted(master)
            : "%s serves until its successor is there".formatted(master));
  }

  /** The address of a master that is no node, where a node hears one. */
  private Optional<String> outside() {
    var own = reports.values().stream().flatMap(NodeStatus::addresses).collect(Collectors.toSet());
    return reports.values().stream()
        .filter(report -> report.state() == State.Backup && report.heardMaster() != null)
        .map(NodeStatus::heardMaster)
        .filter(address -> !own.contains(address))
        .findFirst();
  }

  /** Whether a silent node may still be master: all other nodes are backups or silent. */
  private boolean mayHaveOne() {
    boolean anyUnknown = reports.values().stream().anyMatch(r -> r.state() == State.Unknown);
    return anyUnknown
        && reports.values().stream()
            .filter(report -> report.state() != State.Unknown)
            .allMatch(report -> report.state() == State.Backup);
  }

  private Condition reconciling(boolean accepted) {
    if (!accepted) {
      return condition(RECONCILING, "False", STALLED, "nothing happens before it is accepted");
    }
    if (reports.isEmpty()) {
      return condition(RECONCILING, "True", "AgentsStarting", "no agent has reported yet");
    }
    var behind =
        reports.entrySet().stream()
            .filter(report -> report.getValue().state() != State.Unknown)
            .filter(report -> behind(report.getValue()))
            .map(Map.Entry::getKey)
            .collect(Collectors.joining(", "));
    if (!behind.isEmpty()) {
      return condition(
          RECONCILING,
          "True",
          "RollingOut",
          "generation %d does not run yet on %s".formatted(generation(), behind));
    }
    boolean electing =
        serving(vip).isEmpty()
            && outside().isEmpty()
            && reports.values().stream()
                .anyMatch(r -> r.state() == State.Backup || r.state() == State.Init);
    if (electing) {
      return condition(RECONCILING, "True", "Electing", noMaster());
    }
    var refusing = refusing(vip).keySet();
    var settled =
        refusing.isEmpty()
            ? "generation %d runs".formatted(generation())
            : "generation %d runs, but not on %s"
                .formatted(generation(), String.join(", ", refusing));
    return condition(RECONCILING, "False", "Settled", settled);
  }

  private boolean behind(NodeStatus report) {
    return !Objects.equals(report.acceptedGeneration(), generation())
        && !refuses(report, generation());
  }

  private String served(List<String> masters) {
    return masters.isEmpty()
        ? noMaster()
        : masters.stream()
            .map(
                node ->
                    "%s still serves generation %s"
                        .formatted(node, reports.get(node).acceptedGeneration()))
            .collect(Collectors.joining(", "));
  }

  private String noMaster() {
    return reports.isEmpty()
        ? "no node is master; no agent has reported yet"
        : "no node is master; "
            + reports.entrySet().stream()
                .map(report -> report.getKey() + ": " + described(report.getValue()))
                .collect(Collectors.joining(", "));
  }

  private Long generation() {
    return vip.getMetadata().getGeneration();
  }

  private Condition condition(String type, String status, String reason, String message) {
    return condition(vip, type, status, reason, message);
  }

  public static Condition condition(
      VirtualIp vip, String type, String status, String reason, String message) {
    return new ConditionBuilder()
        .withType(type)
        .withStatus(status)
        .withReason(reason)
        .withMessage(message)
        .withObservedGeneration(vip.getMetadata().getGeneration())
        .build();
  }
}
