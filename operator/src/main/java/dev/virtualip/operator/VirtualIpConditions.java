package dev.virtualip.operator;

import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.Validator;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.VirtualIpStatus.State;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What can be said about a VirtualIP, from its spec, the cluster's nodes and what the agents
 * report. The conditions lack {@code lastTransitionTime}.
 */
final class VirtualIpConditions {
  static final String ACCEPTED = "Accepted";
  static final String READY = "Ready";

  /** The reason agents give when the NIC of the adverts does not exist on their node. */
  private static final String INTERFACE_NOT_FOUND = "InterfaceNotFound";

  private final VirtualIp vip;
  private final Map<String, NodeStatus> reports;

  private VirtualIpConditions(VirtualIp vip) {
    this.vip = vip;
    this.reports = reports(vip);
  }

  /**
   * Accepted and Ready, in this order.
   *
   * @param problems what keeps the VirtualIP from running, conflicts included
   * @param nodes all nodes of the cluster
   */
  static List<Condition> of(VirtualIp vip, List<Problem> problems, Collection<NodeFacts> nodes) {
    var conditions = new VirtualIpConditions(vip);
    var accepted = conditions.accepted(problems, nodes);
    return List.of(accepted, conditions.ready(accepted.getStatus().equals("True")));
  }

  /** What the agents report, by node name in order. */
  static TreeMap<String, NodeStatus> reports(VirtualIp vip) {
    var reports = new TreeMap<String, NodeStatus>();
    if (vip.getStatus() != null && vip.getStatus().nodes() != null) {
      reports.putAll(vip.getStatus().nodes());
      reports.values().removeIf(Objects::isNull);
    }
    return reports;
  }

  /** A view of a VirtualIP without the reports of nodes whose agent does not run. */
  static VirtualIp heard(VirtualIp vip, Set<String> silent) {
    var reports = reports(vip);
    if (!reports.keySet().removeAll(silent)) {
      return vip;
    }
    var status = vip.getStatus();
    var heard = new VirtualIp();
    heard.setMetadata(vip.getMetadata());
    heard.setSpec(vip.getSpec());
    heard.setStatus(
        new VirtualIpStatus(
            status.observedGeneration(), status.master(), reports, status.conditions()));
    return heard;
  }

  /** The nodes that report to be master, in order. */
  static List<String> masters(VirtualIp vip) {
    return reports(vip).entrySet().stream()
        .filter(report -> report.getValue().state() == State.Master)
        .map(Map.Entry::getKey)
        .toList();
  }

  /**
   * What {@code status.master} has to be, or null for none. Of several masters it may be any: the
   * agent that took over last wrote its own name.
   */
  static String master(VirtualIp vip) {
    var masters = masters(vip);
    var now = vip.getStatus() == null ? null : vip.getStatus().master();
    if (now != null && masters.contains(now)) {
      return now;
    }
    return masters.isEmpty() ? null : masters.getFirst();
  }

  private Condition accepted(List<Problem> problems, Collection<NodeFacts> nodes) {
    if (!problems.isEmpty()) {
      var invalid = !Validator.problems(vip.getSpec()).isEmpty();
      return condition(ACCEPTED, false, invalid ? "Invalid" : "Conflict", join(problems));
    }
    var unselected = NodeFacts.selectionProblems(vip.getSpec(), nodes);
    if (!unselected.isEmpty()) {
      return condition(ACCEPTED, false, "NoNodeSelected", join(unselected));
    }
    if (!reports.isEmpty() && reports.values().stream().allMatch(this::lacksInterface)) {
      return condition(ACCEPTED, false, INTERFACE_NOT_FOUND, interfaceNotFound());
    }
    long selected = nodes.stream().filter(node -> node.selectedBy(vip.getSpec())).count();
    return condition(
        ACCEPTED, true, ACCEPTED, selected == 1 ? "1 node selected" : selected + " nodes selected");
  }

  private static String join(List<Problem> problems) {
    return problems.stream().map(Problem::toString).collect(Collectors.joining("; "));
  }

  /** It has no such NIC and runs nothing, or goes on with an older generation for want of it. */
  private boolean lacksInterface(NodeStatus report) {
    boolean runs = Objects.equals(report.acceptedGeneration(), generation());
    boolean fault = report.reason() != null && report.reason().startsWith(INTERFACE_NOT_FOUND);
    return runs && fault || Objects.equals(report.refusedGeneration(), generation());
  }

  private String interfaceNotFound() {
    return reports.entrySet().stream()
        .map(
            report ->
                Objects.requireNonNullElse(
                    report.getValue().message(), "a NIC is missing on node " + report.getKey()))
        .distinct()
        .collect(Collectors.joining("; "));
  }

  private Condition ready(boolean accepted) {
    var masters = masters(vip);
    if (!accepted) {
      return condition(
          READY,
          false,
          "NotAccepted",
          "generation %d is not accepted; %s".formatted(generation(), served(masters)));
    }
    if (masters.isEmpty()) {
      return condition(READY, false, "NoMaster", noMaster());
    }
    if (masters.size() > 1) {
      return condition(
          READY,
          false,
          "MultipleMasters",
          "%s all report to be master".formatted(String.join(", ", masters)));
    }
    var master = masters.getFirst();
    var generation = reports.get(master).acceptedGeneration();
    if (!Objects.equals(generation, generation())) {
      return condition(
          READY,
          false,
          "Reconciling",
          "generation %d is not served yet; %s".formatted(generation(), served(masters)));
    }
    return condition(READY, true, "Serving", "%s is master".formatted(master));
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

  private static String described(NodeStatus report) {
    var state = report.state() == null ? "no state" : report.state().name();
    boolean reason = report.reason() != null && !report.reason().isEmpty();
    return reason ? state + " (" + report.reason() + ")" : state;
  }

  private Long generation() {
    return vip.getMetadata().getGeneration();
  }

  private Condition condition(String type, boolean status, String reason, String message) {
    return new ConditionBuilder()
        .withType(type)
        .withStatus(status ? "True" : "False")
        .withReason(reason)
        .withMessage(message)
        .withObservedGeneration(generation())
        .build();
  }
}
