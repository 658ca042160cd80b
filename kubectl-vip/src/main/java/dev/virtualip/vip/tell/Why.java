package dev.virtualip.vip.tell;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.Speaker;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The whole chain from a VirtualIP's spec to what its nodes do, as sentences. */
public final class Why {
  private static final String STEP = "  ";
  private static final int NAMED_MAX = 5;

  private final VirtualIp vip;
  private final Cluster cluster;
  private final Instant now;
  private final Map<String, NodeStatus> reports;
  private final List<String> lines = new ArrayList<>();

  /**
   * What belongs to a VirtualIP.
   *
   * @param nodes all Nodes; empty if they can't be read
   * @param agents the agents' pods
   * @param leases the Leases of virtualip's namespace
   */
  public record Cluster(List<Node> nodes, List<Pod> agents, List<Lease> leases) {}

  private Why(VirtualIp vip, Cluster cluster, Instant now) {
    this.vip = vip;
    this.cluster = cluster;
    this.now = now;
    this.reports = Reports.of(vip);
  }

  /**
   * The chain.
   *
   * @param node the node to tell of, or null for all
   */
  public static List<String> of(VirtualIp vip, Cluster cluster, String node, Instant now) {
    var why = new Why(vip, cluster, now);
    why.spec();
    var nodes = new TreeMap<String, Optional<Node>>();
    why.reports.keySet().forEach(name -> nodes.put(name, Optional.empty()));
    cluster.nodes().forEach(n -> nodes.put(n.getMetadata().getName(), Optional.of(n)));
    if (node != null && !nodes.containsKey(node)) {
      throw new IllegalArgumentException(
          "there is no node %s; there are %s".formatted(node, String.join(", ", nodes.keySet())));
    }
    var elsewhere = new ArrayList<String>();
    nodes.forEach(
        (name, object) -> {
          if (node == null && why.isElsewhere(name, object)) {
            elsewhere.add(name);
          } else if (node == null || node.equals(name)) {
            why.node(name, object);
          }
        });
    if (!elsewhere.isEmpty()) {
      why.elsewhere(elsewhere);
    }
    why.future();
    return why.lines;
  }

  /** Whether a node has nothing to do with the VirtualIP. */
  private boolean isElsewhere(String name, Optional<Node> object) {
    return !reports.containsKey(name)
        && object.stream().noneMatch(node -> NodeFacts.of(node).selectedBy(vip));
  }

  private void elsewhere(List<String> nodes) {
    lines.add("");
    add(
        "not selected: %s%s",
        String.join(", ", nodes.subList(0, Math.min(NAMED_MAX, nodes.size()))),
        nodes.size() > NAMED_MAX ? " and %d more".formatted(nodes.size() - NAMED_MAX) : "");
  }

  private void add(String text, Object... values) {
    lines.add(values.length == 0 ? text : text.formatted(values));
  }

  private void spec() {
    var spec = vip.getSpec();
    add(
        "%s: %s, VRID %d on %s, VRRPv%d, adverts every %s, leases %s",
        vip.getMetadata().getName(),
        spec.addresses().stream().map(a -> a.address()).collect(Collectors.joining(", ")),
        spec.vrid(),
        spec.interfaceName(),
        spec.vrrpVersion(),
        spec.advertInterval(),
        spec.lease().policy());
    if (spec.syncGroup() != null) {
      add("moves with the sync group %s", spec.syncGroup());
    }
    lines.addAll(Status.conditions(vip));
    var switchOver = vip.getStatus() == null ? null : vip.getStatus().switchOver();
    if (switchOver != null) {
      add("switch-over to %s: %s, %s", switchOver.to(), switchOver.result(), switchOver.message());
    }
  }

  private void node(String name, Optional<Node> object) {
    lines.add("");
    add(name);
    object.ifPresent(node -> add(STEP + selection(NodeFacts.of(node))));
    var report = reports.get(name);
    boolean runs = agent(name, report != null);
    if (report == null) {
      if (runs) {
        add(STEP + "reports nothing of this VirtualIP");
      }
      return;
    }
    version(report);
    nics(name, report);
    vip.getSpec().healthChecks().forEach(check -> add(STEP + check(check, report)));
    add(STEP + "priority %s", Priority.why(vip, name, report));
    state(report);
    heard(name, report);
  }

  private String selection(NodeFacts node) {
    var selector = vip.getSpec().nodes().selector();
    boolean selected = node.selectedBy(vip);
    if (selector != null) {
      return selected
          ? "selected: its labels match spec.nodes.selector"
          : "not selected: its labels do not match spec.nodes.selector";
    }
    return node.schedulable()
        ? "selected: there is no spec.nodes.selector, and it has no taint against it"
        : selected
            ? "selected: it ran here before the node's NoSchedule taint"
            : "not selected: it has a NoSchedule or NoExecute taint, and there is no"
                + " spec.nodes.selector";
  }

  private boolean agent(String node, boolean expected) {
    var pod =
        cluster.agents().stream()
            .filter(p -> p.getSpec() != null && node.equals(p.getSpec().getNodeName()))
            .max(Comparator.comparing(p -> Readiness.getInstance().isReady(p)));
    var lease =
        cluster.leases().stream()
            .filter(l -> ("agent-" + node).equals(l.getMetadata().getName()))
            .map(l -> l.getSpec() == null ? null : l.getSpec().getRenewTime())
            .filter(Objects::nonNull)
            .findFirst()
            .map(time -> "heartbeat %s ago".formatted(Times.ago(time.toInstant().toString(), now)));
    if (pod.isEmpty() && lease.isEmpty()) {
      if (expected) {
        add(STEP + "its agent has no pod and no heartbeat that can be seen");
      }
      return false;
    }
    var told =
        Stream.concat(
                pod.stream()
                    .map(
                        p ->
                            "pod %s is %s"
                                .formatted(
                                    p.getMetadata().getName(),
                                    Readiness.getInstance().isReady(p) ? "ready" : "not ready")),
                lease.stream())
            .collect(Collectors.joining(", "));
    add(STEP + "its agent: %s", told);
    return true;
  }

  private void version(NodeStatus report) {
    var newest = vip.getMetadata().getGeneration();
    var runs = report.acceptedGeneration();
    if (report.refusedGeneration() != null) {
      add(
          STEP + "runs generation %s and refuses %d: %s",
          runs == null ? "none" : runs,
          report.refusedGeneration(),
          report.refusedReason());
    } else if (Objects.equals(runs, newest)) {
      add(STEP + "runs generation %d, the newest", runs);
    } else {
      add(STEP + "runs generation %s, not yet %d", runs == null ? "none" : runs, newest);
    }
  }

  private void nics(String node, NodeStatus report) {
    var spec = vip.getSpec();
    var adverts = spec.interfaceOn(node);
    var addresses =
        spec.addresses().stream()
            .collect(
                Collectors.groupingBy(
                    a -> a.interfaceName() == null ? adverts : a.interfaceName(),
                    TreeMap::new,
                    Collectors.mapping(a -> a.address(), Collectors.joining(", "))));
    var down = Reasons.arguments(reason(report), "LinkDown");
    add(
        STEP + "NICs: adverts by %s%s%s",
        adverts,
        report.address() == null ? "" : " from " + report.address(),
        addresses.entrySet().stream()
            .map(nic -> "; %s on %s".formatted(nic.getValue(), nic.getKey()))
            .collect(Collectors.joining()));
    if (report.state() == State.Fault && !down.isEmpty()) {
      add(STEP + "down: %s", String.join(", ", down));
    }
  }

  private static String check(HealthCheck check, NodeStatus report) {
    var weight = check.weight() == 0 ? "" : ", weight %d".formatted(check.weight());
    return "check %s (every %s%s): %s"
        .formatted(check.name(), check.interval(), weight, verdict(check, report));
  }

  private static String verdict(HealthCheck check, NodeStatus report) {
    var message = Objects.requireNonNullElse(report.message(), "");
    if (report.state() == State.Unknown) {
      return "not known";
    }
    boolean waits = report.state() == State.Fault || report.state() == State.Init;
    if (waits && Reasons.arguments(reason(report), "CheckPending").contains(check.name())) {
      return "no result yet";
    }
    if (waits && Reasons.arguments(reason(report), "CheckFailed").contains(check.name())) {
      return "fails: " + message;
    }
    var named = "check " + check.name() + ": ";
    int at = message.indexOf(named);
    if (at >= 0) {
      return "fails: " + message.substring(at + named.length()).split("; ")[0];
    }
    return check.reverse() ? "not told, as it is reversed" : "good";
  }

  private void state(NodeStatus report) {
    var reason = reason(report);
    boolean told =
        report.message() == null
            || lines.stream().anyMatch(line -> line.endsWith(": " + report.message()));
    add(
        STEP + "%s for %s%s%s",
        report.state(),
        Times.ago(report.since(), now),
        reason.isEmpty() ? "" : ": " + Reasons.words(reason),
        told ? "" : " (" + report.message() + ")");
  }

  private void heard(String node, NodeStatus report) {
    if (report.state() == State.Backup) {
      reports.forEach(
          (other, status) -> {
            if (status.state() == State.Master) {
              add(
                  STEP + "hears %s (%s), the master with priority %d",
                  other,
                  status.address(),
                  Reports.priority(status));
            }
          });
    } else if (report.state() == State.Master && Reports.masters(vip).size() > 1) {
      add(
          STEP + "does not hear %s, which is master too: let IP protocol 112 pass between them",
          Reports.masters(vip).stream()
              .filter(other -> !other.equals(node))
              .collect(Collectors.joining(", ")));
    }
    for (var speaker : Objects.requireNonNullElse(report.speakers(), List.<Speaker>of())) {
      add(STEP + "hears %s, which does not fit: %s", speaker.address(), speaker.reason());
    }
    for (var stray : Objects.requireNonNullElse(report.strayAddresses(), List.<String>of())) {
      add(STEP + "somebody else has bound %s here: remove it", stray);
    }
  }

  private void future() {
    var masters = Reports.masters(vip);
    if (masters.size() != 1) {
      return;
    }
    var master = masters.getFirst();
    var successor = Reports.successor(vip);
    lines.add("");
    if (successor.isEmpty()) {
      add("if %s failed now, nobody could take over", master);
      return;
    }
    var report = reports.get(successor.get());
    int priority = Math.clamp(Reports.priority(report), 1, 255);
    add(
        "if %s failed now, %s would take over, with priority %d, after at most:",
        master, successor.get(), priority);
    var checked = CheckedSpec.check(vip);
    if (!checked.isGood()) {
      add(STEP + "not known, as the spec is not valid: %s", checked.problems().getFirst());
      return;
    }
    lines.addAll(Budget.table(Budget.of(checked.spec(), master, priority, report)));
    add(
        STEP + "bind and announce: %s",
        Budget.isMeasured(report)
            ? "as in the last takeover of " + successor.get()
            : "usual figures, as %s has not taken over since its agent started"
                .formatted(successor.get()));
    add(STEP + afterwards(master, successor.get()));
  }

  private String afterwards(String master, String successor) {
    var spec = vip.getSpec();
    boolean better =
        Reports.priority(reports.get(master)) > Reports.priority(reports.get(successor));
    if (!better) {
      return "when %s is back, %s stays master".formatted(master, successor);
    }
    return Boolean.TRUE.equals(spec.preempt().enabled())
        ? "when %s is back, it takes over again (spec.preempt)".formatted(master)
        : "when %s is back, %s stays master (spec.preempt.enabled: false)"
            .formatted(master, successor);
  }

  private static String reason(NodeStatus report) {
    return Objects.requireNonNullElse(report.reason(), "");
  }
}
