package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Unknown;
import static dev.virtualip.operator.watch.Vips.A;
import static dev.virtualip.operator.watch.Vips.B;
import static dev.virtualip.operator.watch.Vips.C;
import static dev.virtualip.operator.watch.Vips.TAINTED;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class VirtualIpConditionsTest {
  private static final List<NodeFacts> NODES = List.of(A, B, C);

  static Stream<Arguments> acceptance() {
    var edge = "{selector: {matchLabels: {edge: 'true'}}, overrides: [{name: a, priority: 150}]}";
    var equal = "{selector: {matchLabels: {edge: 'true'}}}";
    var moon = "{selector: {matchLabels: {moon: 'true', sun: 'no'}}}";
    var exists = "{selector: {matchExpressions: [{key: moon, operator: Exists}]}}";
    var broken = "{selector: {matchExpressions: [{key: moon}]}}";
    var label = "; label a node, as in kubectl label node NAME ";
    return Stream.of(
        arguments(edge, NODES, "True Accepted: 2 nodes selected"),
        arguments(
            equal,
            NODES,
            "True Accepted: 2 nodes selected; a and b have equal priority 100: the first to be"
                + " master stays it, of several at once the one with the greater address"),
        arguments("null", List.of(A, TAINTED), "True Accepted: 1 node selected"),
        arguments(
            moon,
            NODES,
            "False NoNodeSelected: spec.nodes.selector: matches none of the 3 nodes"
                + label
                + "moon=true sun=no, or change the selector"),
        arguments(
            exists,
            List.of(),
            "False NoNodeSelected: spec.nodes.selector: matches none of the 0 nodes"
                + label
                + "KEY=VALUE, or change the selector"),
        arguments(
            "null",
            List.of(TAINTED),
            "False NoNodeSelected: spec.nodes: each of the 1 nodes has a NoSchedule or NoExecute"
                + " taint; remove the taint from one, or select nodes by label in"
                + " spec.nodes.selector"),
        arguments(
            broken,
            NODES,
            "False Invalid: spec.nodes.selector.matchExpressions[0]: needs a key and an operator:"
                + " In, NotIn, Exists or DoesNotExist"));
  }

  @ParameterizedTest
  @MethodSource
  void acceptance(String nodes, List<NodeFacts> cluster, String expected) {
    assertEquals(expected, text(accepted(Vips.vip("web", 77, nodes), cluster)));
  }

  @Test
  void messageHoldsEveryProblem() {
    var vip = Vips.vip("web", 300, "{overrides: [{name: a, priority: 256}]}");
    assertEquals(
        "False Invalid: spec.vrid: 300 is not a VRID: use 1 to 255;"
            + " spec.addresses[0].address: \"203.0.113.300\" is not an IPv4 address: write four"
            + " numbers, as in 203.0.113.10;"
            + " spec.nodes.overrides[0].priority: 256 is not a priority: use 1 to 255",
        text(accepted(vip, NODES)));
  }

  @Test
  void missingSpecIsAProblem() {
    var vip = Vips.edge("web", 77);
    vip.setSpec(null);
    assertEquals(
        "False Invalid: spec: is missing: give at least vrid, interface, addresses",
        text(accepted(vip, NODES)));
  }

  @Test
  void youngerOfTwoThatConflictIsNotAccepted() {
    var web = Vips.edge("web", 77);
    var thief = Vips.edge("thief", 77);
    thief.getMetadata().setCreationTimestamp("2026-01-02T00:00:00Z");
    var problems = Vips.problems(thief, web);
    assertTrue(
        text(VirtualIpConditions.of(web, problems.get("web"), NODES).getFirst())
            .startsWith("True Accepted: 2 nodes selected"));
    assertEquals(
        "False Conflict: spec.vrid: 77 on eth0 is taken by VirtualIP web: use another VRID, NIC or"
            + " set of nodes; spec.addresses[0].address: 203.0.113.77 is taken by VirtualIP web:"
            + " remove it from one of the two",
        text(VirtualIpConditions.of(thief, problems.get("thief"), NODES).getFirst()));
  }

  @Test
  void ofNodesOfEqualPriorityTheOneThatWouldWinIsNamed() {
    var vip =
        Vips.reported(
            Vips.edge("web", 77),
            "a",
            Map.of("a", at("10.0.0.11", Master), "b", at("10.0.0.12", Backup)));
    assertEquals(
        "True Accepted: 2 nodes selected; a and b have equal priority 100: the first to be master"
            + " stays it, of several at once b, whose address is greater (10.0.0.12)",
        text(accepted(vip, NODES)));
  }

  private static NodeStatus at(String address, State state) {
    return new NodeStatus(
        state, 100, null, null, null, 2L, null, null, null, address, null, null, null, null, null,
        null);
  }

  private static NodeStatus hearing(String master, String address) {
    return new NodeStatus(
        Backup, 100, null, "Started", null, 2L, null, null, null, address, master, null, null, null,
        null, null);
  }

  /** As during a migration from keepalived, or where nodes are the spare of other routers. */
  @Test
  void aMasterThatIsNoNodeIsNamedAndMayBeMeant() {
    var vip =
        Vips.reported(
            Vips.edge("web", 77),
            null,
            Map.of("a", hearing("10.0.0.13", "10.0.0.11"), "b", hearing("10.0.0.13", "10.0.0.12")));
    assertEquals(
        "False MasterOutside: 10.0.0.13 is master, and no node of this VirtualIP: set"
            + " spec.allowOutside if that is meant, or end it to let a node take over",
        text(ready(vip)));
    vip.setSpec(
        Serialization.unmarshal(
            """
            ---
            {vrid: 77, interface: eth0, allowOutside: true, addresses: [{address: 203.0.113.77/24}],
             nodes: {selector: {matchLabels: {edge: 'true'}}}}
            """,
            VirtualIpSpec.class));
    assertEquals(
        "True MasterOutside: 10.0.0.13 is master, and no node of this VirtualIP", text(ready(vip)));
  }

  @Test
  void aNodeThatIsHeardAndHasNotReportedYetIsNotOutside() {
    var vip =
        Vips.reported(
            Vips.edge("web", 77),
            null,
            Map.of("a", hearing("10.0.0.12", "10.0.0.11"), "b", at("10.0.0.12", Backup)));
    assertEquals(
        "False NoMaster: no node is master; a: Backup (Started), b: Backup", text(ready(vip)));
  }

  @Test
  void nicThatNoNodeHasIsNotAccepted() {
    var lacks =
        report(Fault, 2, "InterfaceNotFound(eth0)", "spec.interface: no NIC eth0: use eno1");
    var vip = Vips.reported(Vips.edge("web", 77), null, Map.of("a", lacks, "b", lacks));
    assertEquals(
        "False InterfaceNotFound: a, b: spec.interface: no NIC eth0: use eno1",
        text(accepted(vip, NODES)));
    var other =
        report(Fault, 2, "InterfaceNotFound(eth0)", "spec.interface: no NIC eth0 on b: use ens3");
    Vips.reported(vip, null, Map.of("a", lacks, "b", other));
    assertEquals(
        "False InterfaceNotFound: a: spec.interface: no NIC eth0: use eno1; spec.interface: no NIC"
            + " eth0 on b: use ens3",
        text(accepted(vip, NODES)));
  }

  @Test
  void whatAllAgentsRefuseForTheSakeOfAnotherIsAConflict() {
    var message = "spec.vrid: 77 on eth0 is taken by VirtualIP old: use another VRID";
    var refused = new NodeStatus(Fault, null, null, "Conflict", message, null, 2L, 0L);
    var vip = Vips.reported(Vips.edge("web", 77), null, Map.of("a", refused, "b", refused));
    assertEquals("False Conflict: a, b: " + message, text(accepted(vip, NODES)));
    var goesOn =
        new NodeStatus(
            Master,
            100,
            null,
            "",
            message,
            1L,
            2L,
            "Conflict",
            0L,
            null,
            null,
            null,
            null,
            null,
            null,
            null);
    Vips.reported(vip, "b", Map.of("a", refused, "b", goesOn));
    assertEquals("Conflict", accepted(vip, NODES).getReason());
    Vips.reported(vip, "b", Map.of("a", refused, "b", report(Master, 2)));
    assertEquals("True", accepted(vip, NODES).getStatus());
  }

  @Test
  void membersOfASyncGroupThatLackANicAreInNoConflict() {
    var lacks =
        report(
            Fault,
            2,
            "InterfaceNotFound(eth0), SyncGroup(mail)",
            "spec.interface: no NIC eth0: use eno1; VirtualIP mail is at fault");
    var vip = Vips.reported(Vips.edge("web", 77), null, Map.of("a", lacks, "b", lacks));
    assertEquals("InterfaceNotFound", accepted(vip, NODES).getReason());
  }

  @Test
  void nicThatOneNodeHasIsAccepted() {
    var lacks = report(Fault, 2, "InterfaceNotFound", "no NIC eth0");
    var vip = Vips.reported(Vips.edge("web", 77), "b", Map.of("a", lacks, "b", report(Master, 2)));
    assertEquals("True", accepted(vip, NODES).getStatus());
  }

  @Test
  void nicThatTheGenerationBeforeLackedSaysNothing() {
    var lacked = report(Fault, 1, "InterfaceNotFound", "no NIC eth0");
    var vip = Vips.reported(Vips.edge("web", 77), null, Map.of("a", lacked));
    assertEquals("True", accepted(vip, NODES).getStatus());
  }

  static Stream<Arguments> readiness() {
    var fault = report(Fault, 2, "CheckFailed(nginx)", null);
    return Stream.of(
        arguments(Map.of(), "False NoMaster: no node is master; no agent has reported yet"),
        arguments(
            Map.of("b", report(Backup, 2), "a", fault),
            "False NoMaster: no node is master; a: Fault (CheckFailed(nginx)), b: Backup"),
        arguments(Map.of("a", report(Master, 2)), "True Serving: a is master"),
        arguments(
            Map.of("a", report(Master, 2), "b", report(Backup, 1)), "True Serving: a is master"),
        arguments(
            Map.of("b", report(Master, 2), "a", report(Master, 2)),
            "False MultipleMasters: a, b all report to be master"),
        arguments(
            Map.of("a", report(Unknown, 2), "b", report(Backup, 2)),
            "Unknown MasterUnknown: no node is master; a: Unknown, b: Backup"),
        arguments(
            Map.of("a", report(Unknown, 2), "b", fault),
            "False NoMaster: no node is master; a: Unknown, b: Fault (CheckFailed(nginx))"),
        arguments(
            Map.of("a", report(Master, 1), "b", report(Backup, 2)),
            "False Reconciling: generation 2 is not served yet; a still serves generation 1"));
  }

  @ParameterizedTest
  @MethodSource
  void readiness(Map<String, NodeStatus> nodes, String expected) {
    assertEquals(expected, text(ready(Vips.reported(Vips.edge("web", 77), null, nodes))));
  }

  static Stream<Arguments> progress() {
    return Stream.of(
        arguments(Map.of(), "True AgentsStarting: no agent has reported yet"),
        arguments(
            Map.of("a", report(Master, 2), "b", report(Backup, 1)),
            "True RollingOut: generation 2 does not run yet on b"),
        arguments(Map.of("a", report(Backup, 2)), "True Electing: no node is master; a: Backup"),
        arguments(Map.of("a", report(Fault, 2)), "False Settled: generation 2 runs"),
        arguments(
            Map.of("a", report(Master, 2), "b", report(Unknown, 1)),
            "False Settled: generation 2 runs"));
  }

  @ParameterizedTest
  @MethodSource
  void progress(Map<String, NodeStatus> nodes, String expected) {
    var conditions = conditions(Vips.reported(Vips.edge("web", 77), null, nodes), NODES);
    assertEquals("Reconciling", conditions.get(2).getType());
    assertEquals(expected, text(conditions.get(2)));
    assertEquals("False", conditions.get(3).getStatus());
  }

  @Test
  void thatNobodysHelpIsNeededIsSaidWhereItIsTrue() {
    assertEquals(
        "False Accepted: nobody's help is needed",
        stalled(Map.of("a", report(Master, 2), "b", report(Fault, 2))));
    assertEquals(
        "False AllNodesAtFault: all nodes wait for the end of a fault: see Degraded",
        stalled(Map.of("a", report(Fault, 2), "b", report(Fault, 2))));
  }

  @Test
  void anEditThatOneNodeRefusesIsSettledButThere() {
    var nodes = Map.of("a", report(Master, 2), "b", refused(Backup));
    var conditions = conditions(Vips.reported(Vips.edge("web", 77), null, nodes), NODES);
    assertTrue(text(conditions.get(0)).startsWith("True Accepted: 2 nodes selected"));
    assertEquals("True Serving: a is master", text(conditions.get(1)));
    assertEquals("False Settled: generation 2 runs, but not on b", text(conditions.get(2)));
    assertEquals(
        "False EditRefused: b refused generation 2 until it fits there: see Degraded",
        text(conditions.get(3)));
  }

  @Test
  void anEditThatTheMasterRefusesIsNotServed() {
    var nodes = Map.of("a", refused(Master), "b", report(Backup, 2));
    assertEquals(
        "False EditRefused: generation 2 is refused by its master: see Degraded; a still serves"
            + " generation 1",
        text(ready(Vips.reported(Vips.edge("web", 77), "a", nodes))));
  }

  private static NodeStatus refused(State state) {
    return new NodeStatus(state, 100, null, null, "not run: no NIC", 1L, 2L, 0L);
  }

  private static String stalled(Map<String, NodeStatus> nodes) {
    return text(conditions(Vips.reported(Vips.edge("web", 77), null, nodes), NODES).get(3));
  }

  @Test
  void whatIsNotAcceptedIsStalledForTheSameReason() {
    var conditions = conditions(Vips.vip("web", 300, "null"), NODES);
    assertEquals(text(conditions.get(0)).replace("False", "True"), text(conditions.get(3)));
    assertEquals("False", conditions.get(2).getStatus());
  }

  @Test
  void badEditIsNotReadyThoughTheMasterStillServes() {
    var vip = Vips.vip("web", 300, "null");
    Vips.reported(vip, "a", Map.of("a", report(Master, 1), "b", report(Backup, 1)));
    assertEquals(
        "False NotAccepted: generation 2 is not accepted; a still serves generation 1",
        text(ready(vip)));
    assertEquals("a", VirtualIpConditions.master(vip));
  }

  @Test
  void conditionsAreAboutTheGenerationSeen() {
    assertEquals(2, ready(Vips.edge("web", 77)).getObservedGeneration());
  }

  @Test
  void masterIsWhoReportsToBeIt() {
    var one = Map.of("a", report(Master, 2), "b", report(Backup, 2));
    var two = Map.of("a", report(Master, 2), "b", report(Master, 2));
    var none = Map.of("a", report(Backup, 2));
    assertEquals("a", master("b", one));
    assertEquals("a", master(null, one));
    assertEquals("b", master("b", two));
    assertEquals("a", master("c", two));
    assertNull(master("b", none));
    assertNull(master("a", Map.of("a", report(Fault, 2))));
    assertNull(master("a", null));
  }

  @Test
  void whoHasHandedOverIsNamedUntilItsSuccessorIs() {
    var backups = Map.of("a", report(Backup, 2), "b", report(Backup, 2));
    assertEquals("a", master("a", backups));
    var handingOver = Vips.reported(Vips.edge("web", 77), "a", backups);
    assertEquals("True Serving: a serves until its successor is there", text(ready(handingOver)));
    assertEquals("False Settled: generation 2 runs", text(conditions(handingOver, NODES).get(2)));
    assertEquals("b", master("a", Map.of("a", report(Backup, 2), "b", report(Master, 2))));
  }

  @Test
  void withExclusiveLeasesNobodyServesBetweenMasterAndSuccessor() {
    var vip =
        Serialization.unmarshal(
            """
        metadata: {name: web, uid: uid-web, generation: 2}
        spec:
          vrid: 77
          interface: eth0
          lease: {policy: Exclusive}
          addresses: [{address: 203.0.113.77/24}]
        """,
            VirtualIp.class);
    Vips.reported(vip, "a", Map.of("a", report(Backup, 2), "b", report(Backup, 2)));
    assertEquals("False NoMaster: no node is master; a: Backup, b: Backup", text(ready(vip)));
  }

  @Test
  void nullReportsAreNone() {
    var nodes = new HashMap<String, NodeStatus>();
    nodes.put("a", null);
    assertEquals(
        "False NoMaster: no node is master; no agent has reported yet",
        text(ready(Vips.reported(Vips.edge("web", 77), null, nodes))));
  }

  private static String master(String now, Map<String, NodeStatus> nodes) {
    return VirtualIpConditions.master(Vips.reported(Vips.edge("web", 77), now, nodes));
  }

  private static Condition accepted(VirtualIp vip, List<NodeFacts> nodes) {
    return conditions(vip, nodes).getFirst();
  }

  private static Condition ready(VirtualIp vip) {
    return conditions(vip, NODES).get(1);
  }

  private static List<Condition> conditions(VirtualIp vip, List<NodeFacts> nodes) {
    var problems = Vips.problems(vip).get(vip.getMetadata().getName());
    return VirtualIpConditions.of(vip, problems, new ArrayList<>(nodes));
  }

  private static String text(Condition c) {
    return c.getStatus() + " " + c.getReason() + ": " + c.getMessage();
  }
}
