package dev.virtualip.crds.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The CEL of the admission policies. No API server here is new enough to run them. */
class AdmissionPolicyTest {
  private static final AdmissionPolicy POOLS = new AdmissionPolicy("pools.yaml");
  private static final AdmissionPolicy USE = new AdmissionPolicy("use.yaml");
  private static final AdmissionPolicy AGENTS = new AdmissionPolicy("agents.yaml");
  private static final AdmissionPolicy OPERATOR = new AdmissionPolicy("operator.yaml");

  private static final String TEAM_A =
      """
      metadata: {name: team-a}
      spec:
        addresses: [203.0.113.0/28, 203.0.113.64-203.0.113.79, 198.51.100.7, '2001:db8::/64']
        interfaces: [eth0, eth1]
        vrids: ['77', '10-19']
        tables: ['100-199']
        nodeSelector: {matchLabels: {team: a}, matchExpressions: [{key: b, operator: Exists}]}
      """;

  private static final String NODES =
      "nodes: {selector: {matchLabels: {team: a, c: d}, matchExpressions: [{key: b, operator: Exists}]}}";

  private static final String COLLECTOR =
      "system:serviceaccount:kube-system:generic-garbage-collector";

  private static final String DELETED =
      "{deletionTimestamp: '2026-11-28T12:00:00Z', finalizers: [foregroundDeletion]}";

  private static final String MAY_NOT_USE =
      "you may not use VirtualIPPool team-a: name another one in spec.pool, or ask for the verb use"
          + " on it";

  private static List<String> pools(String before, String after, String pool, boolean mayUse) {
    return virtualIp(POOLS, "somebody", "{}", before, after, pool, mayUse);
  }

  /** Refusals of a change by somebody, where the object before has this metadata. */
  private static List<String> virtualIp(
      AdmissionPolicy policy,
      String user,
      String metadata,
      String before,
      String after,
      String pool,
      boolean mayUse) {
    var given = new HashMap<>(Map.of("mayUse", Boolean.toString(mayUse), "params", pool));
    given.put("request", "{userInfo: {username: '%s'}}".formatted(user));
    if (before != null) {
      given.put("oldObject", vip(metadata, before));
    }
    if (after != null) {
      given.put("object", vip("{}", after));
    }
    return policy.refusals(given);
  }

  private static String vip(String metadata, String fields) {
    return "{metadata: %s, spec: %s}".formatted(metadata, Specs.tree(fields));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          vrid: 15 |
          addresses: [{address: 203.0.113.0/24}, {address: 203.0.113.15/24}, {address: 203.0.113.79/24}] |
          addresses: [{address: 198.51.100.7/24}, {address: '2001:db8:9::1/64'}] |
          interface: eth1 |
          routes: [{to: default, via: 203.0.113.1, table: 100}] |
          addresses: [{address: 203.0.113.16/24}] | spec.addresses: VirtualIPPool team-a allows 203.0.113.0/28
          addresses: [{address: 203.0.113.63/24}] | spec.addresses: VirtualIPPool team-a allows 203.0.113.0/28
          addresses: [{address: 198.51.100.8/24}] | spec.addresses: VirtualIPPool team-a allows 203.0.113.0/28
          addresses: [{address: 203.0.113.1/8}] | spec.addresses: VirtualIPPool team-a allows prefix lengths of 24
          addresses: [{address: '2001:db8::1/32'}, {address: 203.0.113.1/24}] | spec.addresses: VirtualIPPool team-a allows prefix lengths of 24
          vrid: 20 | spec.vrid: VirtualIPPool team-a allows 77, 10-19;
          interface: lo | spec: VirtualIPPool team-a allows the NICs eth0, eth1;
          addresses: [{address: 203.0.113.1/24, interface: lo}] | spec: VirtualIPPool team-a allows the NICs
          routes: [{to: default, via: 203.0.113.1}] | spec: VirtualIPPool team-a allows routes and rules of the tables 100-199;
          rules: [{from: 203.0.113.1, table: 254, priority: 9}] | spec: VirtualIPPool team-a allows routes and rules
          virtualServers: [{name: a, port: 80, forwarding: Masquerade, realServers: {addresses: [{address: 203.0.113.21}]}}] |
          virtualServers: [{name: a, port: 80, forwarding: DirectRoute, realServers: {nodes: {selector: {matchLabels: {team: a}, matchExpressions: [{key: b, operator: Exists}]}}}}] |
          virtualServers: [{name: a, port: 80, forwarding: DirectRoute, realServers: {nodes: {selector: {matchLabels: {team: b}}}}}] | spec.nodes.selector: it has to contain
          virtualServers: [{name: a, port: 80, forwarding: DirectRoute, realServers: {addresses: [{address: 203.0.113.21}]}}] | spec.virtualServers: VirtualIPPool team-a is for some nodes only: with DirectRoute and Tunnel
          virtualServers: [{name: a, port: 80, forwarding: Tunnel, realServers: {addresses: [{address: 203.0.113.21}]}}] | spec.virtualServers: VirtualIPPool team-a is for some nodes only: with DirectRoute and Tunnel
          nodes: {selector: {matchLabels: {team: b}}} | spec.nodes.selector: it has to contain
          nodes: {selector: {matchLabels: {team: a}}} | spec.nodes.selector: it has to contain
          nodes: {} | spec.nodes.selector: it has to contain
          nodes: {selector: {matchLabels: {team: a}, matchExpressions: [{key: b, operator: Exists, values: []}]}} |
          nodes: {selector: {matchLabels: {team: a}, matchExpressions: [{key: b, operator: DoesNotExist}]}} | spec.nodes.selector: it has to contain
          nodes: {selector: {matchLabels: {team: a}, matchExpressions: [{key: b, operator: In, values: [c]}]}} | spec.nodes.selector: it has to contain
          nodes: {selector: {matchLabels: {team: a}, matchExpressions: [{key: c, operator: Exists}]}} | spec.nodes.selector: it has to contain
          """)
  void whatAPoolDoesNotAllowIsRefused(String field, String begin) {
    var spec = field.startsWith("nodes") ? field : NODES + "\n" + field;
    var refusals = pools(null, spec, TEAM_A, true);
    if (begin == null) {
      assertEquals(List.of(), refusals);
    } else {
      assertEquals(1, refusals.size(), refusals::toString);
      assertTrue(refusals.getFirst().startsWith(begin), refusals::toString);
    }
  }

  @Test
  void aPoolOfAddressesAloneAllowsAllButRoutes() {
    var all = "{metadata: {name: all}, spec: {addresses: [0.0.0.0/0]}}";
    assertEquals(List.of(), pools(null, "vrid: 3", all, true));
    assertEquals(
        List.of(
            "spec: VirtualIPPool all allows routes and rules of the tables none; or name another"
                + " pool in spec.pool"),
        pools(null, "routes: [{to: default, via: 203.0.113.1}]", all, true));
    var listed =
        "virtualServers: [{name: a, port: 80, forwarding: Tunnel, realServers: {addresses: [{address:"
            + " 203.0.113.21}]}}]";
    assertEquals(List.of(), pools(null, listed, all, true));
  }

  @Test
  void anEmptyListIsAsNone() {
    var pool =
        "{metadata: {name: all}, spec: {addresses: [0.0.0.0/0], networks: [], interfaces: [], vrids:"
            + " [], tables: []}}";
    assertEquals(List.of(), pools(null, "vrid: 3", pool, true));
    assertEquals(
        List.of(
            "spec.addresses: VirtualIPPool all allows prefix lengths of 24 and more, of IPv6 64; or"
                + " name another pool in spec.pool"),
        pools(null, "addresses: [{address: 203.0.113.1/8}]", pool, true));
    assertEquals(
        List.of(
            "spec: VirtualIPPool all allows routes and rules of the tables none; or name another"
                + " pool in spec.pool"),
        pools(null, "routes: [{to: default, via: 203.0.113.1}]", pool, true));
  }

  @Test
  void whoMayNotUseAPoolNeitherMakesNorEditsNorDeletesItsVirtualIps() {
    var refused = List.of(MAY_NOT_USE);
    var in = NODES + "\npool: team-a";
    assertEquals(refused, pools(null, in, TEAM_A, false));
    assertEquals(refused, pools(in, in, TEAM_A, false));
    assertEquals(refused, pools(in, "pool: team-b", TEAM_A, false));
    assertEquals(refused, pools(in, null, TEAM_A, false));
    assertEquals(List.of(), pools(in, null, TEAM_A, true));
  }

  /** Evaluated without params. */
  @Test
  void whoMayNotUseAPoolCannotTakeItsNameBeforeItIsThere() {
    var in = "pool: team-b";
    var named =
        "spec.pool: you may not use VirtualIPPool team-b: name another one, or ask for the verb use"
            + " on it";
    var was =
        "this VirtualIP is in VirtualIPPool team-b, which you may not use: ask for the verb use on"
            + " it";
    assertEquals(List.of(named), use("somebody", "{}", null, in, false));
    assertEquals(List.of(named), use("somebody", "{}", "vrid: 3", in, false));
    assertEquals(List.of(was), use("somebody", "{}", in, "vrid: 3", false));
    assertEquals(List.of(was), use("somebody", "{}", in, null, false));
    assertEquals(List.of(), use("somebody", "{}", null, in, true));
    assertEquals(List.of(), use("somebody", "{}", null, "vrid: 3", false));
    assertEquals(List.of(), use(COLLECTOR, "{}", in, null, false));
    assertEquals(List.of(), use("somebody", DELETED, in, in, false));
    assertEquals(
        List.of(named, was), use("somebody", DELETED, in, "{pool: team-b, vrid: 3}", false));
  }

  private static List<String> use(
      String user, String metadata, String before, String after, boolean mayUse) {
    return virtualIp(USE, user, metadata, before, after, "{}", mayUse);
  }

  @Test
  void aDeletionInTheForegroundEndsWithoutUse() {
    var in = NODES + "\npool: team-a";
    assertEquals(List.of(), virtualIp(POOLS, "somebody", DELETED, in, in, TEAM_A, false));
    assertEquals(
        List.of(MAY_NOT_USE),
        virtualIp(POOLS, "somebody", DELETED, in, in + "\nvrid: 10", TEAM_A, false));
  }

  @ParameterizedTest
  @ValueSource(strings = {COLLECTOR, "system:kube-controller-manager"})
  void theGarbageCollectorNeedsNoUse(String user) {
    var in = NODES + "\npool: team-a";
    assertEquals(List.of(), virtualIp(POOLS, user, "{}", in, null, TEAM_A, false));
    assertEquals(List.of(), virtualIp(POOLS, user, "{}", in, in, TEAM_A, false));
  }

  @Test
  void whatIsInAnotherPoolIsNoneOfThisOnesBusiness() {
    assertEquals(List.of(), pools(null, "{pool: b, vrid: 3}", TEAM_A, false));
    assertEquals(List.of(), pools("{pool: b, vrid: 3}", null, TEAM_A, false));
  }

  @Test
  void whatWasThereBeforeThePoolMayBeAnnotatedButNotEdited() {
    assertEquals(List.of(), pools("vrid: 3", "vrid: 3", TEAM_A, true));
    assertEquals(2, pools("vrid: 3", "vrid: 4", TEAM_A, true).size());
  }

  private static List<String> agent(String resource, String before, String after) {
    return AGENTS.refusals(
        Map.of(
            "request",
            """
            resource: {resource: %s}
            userInfo:
              username: system:serviceaccount:virtualip-system:virtualip-agent
              extra: {authentication.kubernetes.io/node-name: [node-a]}
            """
                .formatted(resource),
            "oldObject",
            before,
            "object",
            after));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {} | {nodes: {node-a: {state: Master}}, master: node-a, transitions: 1, backups: 1} |
          {nodes: {node-b: {state: Backup}}} | {nodes: {node-a: {state: Fault}, node-b: {state: Backup}}} |
          {nodes: {node-a: {state: Backup}}, master: node-a} | {} |
          {master: node-b} | {master: node-a} |
          {master: node-b, conditions: [{type: Ready}]} | {master: node-b, conditions: [{type: Ready}], nodes: {node-a: {}}} |
          {nodes: {node-b: {state: Backup}}} | {nodes: {node-b: {state: Master}}} | the agent of node-a writes status.nodes.node-a alone
          {nodes: {node-b: {state: Backup}}} | {} | the agent of node-a writes status.nodes.node-a alone
          {} | {nodes: {node-b: {}}} | the agent of node-a writes status.nodes.node-a alone
          {} | {handOvers: {node-b: {priority: 1}}} | an agent writes no handOvers, switchOver, lastDrill, conditions and observedGeneration
          {handOvers: {node-a: {priority: 1}}} | {} | an agent writes no handOvers, switchOver, lastDrill, conditions and observedGeneration
          {lastDrill: {to: node-b}} | {lastDrill: {to: node-a}} | an agent writes no handOvers, switchOver, lastDrill, conditions and observedGeneration
          {observedGeneration: 1} | {observedGeneration: 2} | an agent writes no handOvers, switchOver, lastDrill, conditions and observedGeneration
          {master: node-a} | {master: node-c} | the agent of node-a claims and gives up status.master for its own node alone
          {master: node-b} | {} | the agent of node-a claims and gives up status.master for its own node alone
          {master: node-b, transitions: 7} | {master: node-a, transitions: 8} |
          {master: node-b, transitions: 7} | {master: node-a, transitions: 3} |
          {transitions: 7} | {master: node-a, transitions: 1} |
          {master: node-b, transitions: 7} | {master: node-a, transitions: 9} | the agent of node-a counts one transition, as it claims status.master
          {master: node-b, transitions: 7} | {master: node-a, transitions: 0} | the agent of node-a counts one transition, as it claims status.master
          {master: node-b, transitions: 7} | {master: node-b, transitions: 8} | the agent of node-a counts one transition, as it claims status.master
          {master: node-b, transitions: 7} | {master: node-b} | the agent of node-a counts one transition, as it claims status.master
          {master: node-a, backups: 2} | {master: node-a, backups: 1} |
          {master: node-b, backups: 2} | {master: node-b, backups: 1, nodes: {node-a: {state: Master}}} |
          {master: node-b, backups: 2} | {master: node-b, backups: 0} | the agent of node-a writes status.backups as master alone
          {master: node-b, backups: 2} | {master: node-b, backups: 0, nodes: {node-a: {state: Backup}}} | the agent of node-a writes status.backups as master alone
          {backups: 2} | {} | the agent of node-a writes status.backups as master alone
          """)
  void anAgentWritesItsOwnReportAlone(String before, String after, String refusal) {
    assertEquals(
        refusal == null ? List.of() : List.of(refusal),
        agent("virtualips", "{status: " + before + "}", "{status: " + after + "}"));
  }

  @Test
  void anAgentsFirstReportIsLetThrough() {
    assertEquals(List.of(), agent("virtualips", "{spec: {}}", "{status: {nodes: {node-a: {}}}}"));
  }

  @Test
  void anAgentWritesItsOwnLeaseAlone() {
    var lease = "{metadata: {name: %s}, spec: {holderIdentity: %s}}";
    assertEquals(List.of(), agent("leases", "{}", lease.formatted("agent-node-a", "node-a")));
    for (var other : List.of("virtualip-operator, node-a", "agent-node-b, node-b")) {
      assertEquals(
          List.of("the agent of node-a writes the Lease agent-node-a alone"),
          agent("leases", "{}", lease.formatted((Object[]) other.split(", "))));
    }
  }

  @Test
  void anAgentsLeaseIsNoSignOfLifeOfAnotherNode() {
    assertEquals(
        List.of("the agent of node-a writes the Lease agent-node-a alone"),
        agent("leases", "{}", "{metadata: {name: agent-node-a}, spec: {holderIdentity: node-b}}"));
  }

  @Test
  void aTokenWithoutANodeWritesNothingAndOthersAreNotMeant() {
    var request = "{resource: {resource: leases}, userInfo: {username: '%s'}}";
    var lease = "{metadata: {name: agent-}, spec: {holderIdentity: ''}}";
    var agent = "system:serviceaccount:virtualip-system:virtualip-agent";
    assertEquals(
        List.of("the agent's token names no node, so nobody can tell what it may write"),
        AGENTS.refusals(
            Map.of("request", request.formatted(agent), "oldObject", "{}", "object", lease)));
    assertEquals(
        List.of(),
        AGENTS.refusals(
            Map.of("request", request.formatted("admin"), "oldObject", "{}", "object", lease)));
  }

  private static final String DAEMON_SET =
      """
      metadata: {name: virtualip-agent}
      spec:
        template:
          spec:
            serviceAccountName: virtualip-agent
            volumes: [{name: a, emptyDir: {}}, {name: b, configMap: {name: virtualip-scripts}}]
            containers:
              - name: agent
                securityContext:
                  allowPrivilegeEscalation: false
                  capabilities: {drop: [ALL], add: [NET_ADMIN, NET_RAW]}
      """;

  private static List<String> operator(String resource, String object) {
    return OPERATOR.refusals(
        Map.of(
            "request",
            """
            resource: {resource: %s}
            userInfo: {username: 'system:serviceaccount:virtualip-system:virtualip-operator'}
            """
                .formatted(resource),
            resource.equals("pods") ? "oldObject" : "object",
            object));
  }

  /** Whether the operator may make (no object before), edit or delete (none after) a VirtualIP. */
  private static boolean operatorMay(String before, String after) {
    var given = new HashMap<String, String>();
    given.put(
        "request",
        """
        resource: {resource: virtualips}
        userInfo: {username: 'system:serviceaccount:virtualip-system:virtualip-operator'}
        """);
    if (before != null) {
      given.put("oldObject", vip(before, ""));
    }
    if (after != null) {
      given.put("object", vip(after, ""));
    }
    return OPERATOR.refusals(given).isEmpty();
  }

  @Test
  void theOperatorMakesAndDeletesVirtualIpsOfServicesAlone() {
    var lane = "{name: lan-0, labels: {virtualip.dev/services: lan}}";
    for (var other : List.of("{name: web}", "{name: web, labels: {a: b}}")) {
      assertFalse(operatorMay(null, other));
      assertFalse(operatorMay(other, null));
      assertTrue(operatorMay(other, other), "it writes a VRID that is missing");
      assertFalse(operatorMay(other, lane), "that would be the first half of deleting it");
    }
    assertTrue(operatorMay(null, lane));
    assertTrue(operatorMay(lane, lane));
    assertTrue(operatorMay(lane, null));
    assertFalse(operatorMay(lane, "{name: lan-0, labels: {virtualip.dev/services: wan}}"));
  }

  @Test
  void theOperatorMakesTheAgentsAndNoOtherPods() {
    assertEquals(List.of(), operator("daemonsets", DAEMON_SET));
    for (var change :
        Map.of(
                "name: virtualip-agent}", "name: other}",
                "Name: virtualip-agent", "Name: default",
                "emptyDir: {}", "hostPath: {path: /}",
                "    serviceAccountName:", "    hostPID: true\n      serviceAccountName:",
                "NET_RAW", "SYS_ADMIN",
                "Escalation: false", "Escalation: true",
                "capabilities:", "privileged: true\n            capabilities:")
            .entrySet()) {
      var changed = DAEMON_SET.replace(change.getKey(), change.getValue());
      assertEquals(1, operator("daemonsets", changed).size(), changed);
    }
  }

  @Test
  void theOperatorDeletesPodsOfAgentsAlone() {
    var agent = "{metadata: {labels: {app.kubernetes.io/name: virtualip-agent}}}";
    assertEquals(List.of(), operator("pods", agent));
    assertEquals(1, operator("pods", agent.replace("-agent", "-operator")).size());
    assertEquals(1, operator("pods", "{metadata: {}}").size());
    assertEquals(1, operator("leases", "{metadata: {name: agent-node-a}}").size());
    assertEquals(List.of(), operator("leases", "{metadata: {name: virtualip-operator}}"));
  }
}
