package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.virtualIp;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConflictsTest {
  private static final String OLD = "2026-01-01T00:00:00Z";
  private static final String NEW = "2026-01-02T00:00:00Z";
  private static final String OTHER_ADDRESS = "addresses: [{address: 203.0.113.11/24}]";

  @Test
  void theSameVridOnOneNicIsAProblemOfTheYounger() {
    assertEquals(
        List.of(
            "spec.vrid: 77 on eth0 is taken by VirtualIP a: use another VRID, NIC or set of nodes"),
        problemsOfYounger("", OTHER_ADDRESS));
  }

  @Test
  void aVridIsTakenOnEachNicThatCarriesAdverts() {
    var second = "{interface: eth2, addresses: [{address: 203.0.113.11/24}]}";
    var both = "{heartbeats: [{interface: eth0}, {interface: eth2}]}";
    assertEquals(
        List.of(
            "spec.vrid: 77 on eth2 is taken by VirtualIP a: use another VRID, NIC or set of nodes"),
        problemsOfYounger(both, second));
    assertEquals(List.of(), problemsOfYounger("{}", second));
  }

  @Test
  void theSameAddressIsAProblemOfTheYounger() {
    assertEquals(
        List.of(
            "spec.addresses[0].address: 203.0.113.10 is taken by VirtualIP a: remove it from one of"
                + " the two"),
        problemsOfYounger("", "{vrid: 78, addresses: [{address: 203.0.113.10/32}]}"));
  }

  @Test
  void theSameIpv6AddressInAnotherSpellingIsAProblem() {
    assertEquals(
        List.of(
            "spec.addresses[0].address: 2001:db8::1 is taken by VirtualIP a: remove it from one of"
                + " the two"),
        problemsOfYounger(
            "{addresses: [{address: '2001:db8::1/64'}]}",
            "{vrid: 78, addresses: [{address: '2001:DB8:0::1/128'}]}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {vrid: 78} | {addresses: [{address: 203.0.113.11/24}]}
          {} | {addresses: [{address: "2001:db8::10/64"}]}
          {addresses: [{address: "fe80::1/64"}]} | {vrid: 78, addresses: [{address: "fe80::1/64", interface: eth2}]}
          {interface: eth5} | {addresses: [{address: 203.0.113.11/24}]}
          {nodes: {selector: {matchLabels: {edge: a}}}} | {addresses: [{address: \
          203.0.113.11/24}], nodes: {selector: {matchLabels: {edge: b}}}}
          """)
  void differentVridFamilyNicOrNodesAreNoConflict(String older, String younger) {
    assertEquals(List.of(), problemsOfYounger(older, younger));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {selector: {matchLabels: {edge: a}}} | {} | which selects other nodes: give both the same \
          spec.nodes.selector, or take one out of the group
          {overrides: [{name: n, priority: 150}]} | {overrides: [{name: m, priority: 100}]} | which has \
          priority 150 on n, not 100: give both the same priorities, or take one out of the group
          {overrides: [{name: n, priority: 100}]} | {overrides: [{name: m, priority: 100}]} |
          """)
  void membersOfASyncGroupMustFit(String older, String younger, String problem) {
    assertEquals(
        problem == null
            ? List.of()
            : List.of("spec.syncGroup: g has VirtualIP a in it, " + problem),
        problemsOfYounger(
            "{syncGroup: g, nodes: %s}".formatted(older),
            "{vrid: 78, syncGroup: g, nodes: %s, addresses: [{address: 203.0.113.11/24}]}"
                .formatted(younger)));
  }

  /** Whoever may use one pool must not move what is in another. */
  @Test
  void membersOfASyncGroupAreInOnePool() {
    var other = "{pool: b, vrid: 78, syncGroup: g, addresses: [{address: 203.0.113.11/24}]}";
    assertEquals(
        List.of(
            "spec.syncGroup: g has VirtualIP a in it, which is in another pool: give both the same"
                + " spec.pool, or take one out of the group"),
        problemsOfYounger("{pool: a, syncGroup: g}", other));
    assertEquals(List.of(), problemsOfYounger("{pool: b, syncGroup: g}", other));
  }

  @Test
  void onlyAProblemWithAnotherObjectIsAConflict() {
    var problems = problems(virtualIp("a", OLD, ""), virtualIp("b", NEW, ""));
    assertTrue(problems.get("b").stream().allMatch(p -> p.kind() == Problem.Kind.Conflict));
    assertEquals(
        Problem.Kind.Invalid,
        Validator.problems(virtualIp("c", OLD, "vrid: 0").getSpec()).getFirst().kind());
  }

  @Test
  void aGatewayOfTheOlderIsNoAddressOfTheYounger() {
    assertEquals(
        List.of(
            "spec.addresses[0].address: 203.0.113.1 is a gateway of VirtualIP a: use an address that"
                + " no host has"),
        problemsOfYounger(
            "routes: [{to: default, via: 203.0.113.1}]",
            "{vrid: 78, addresses: [{address: 203.0.113.1/24}]}"));
  }

  @Test
  void anAddressOfTheOlderIsNoGatewayOfTheYoungerOnTheSameNodes() {
    var younger =
        "{vrid: 78, addresses: [{address: 203.0.113.11/24}], routes: [{to: 10.0.0.0/8}, {to: default,"
            + " via: 203.0.113.10}], nodes: {selector: {matchLabels: {edge: %s}}}}";
    assertEquals(
        List.of(
            "spec.routes[1].via: 203.0.113.10 is a virtual address of VirtualIP a: give the router's"
                + " own"),
        problemsOfYounger("nodes: {selector: {matchLabels: {edge: a}}}", younger.formatted("a")));
    assertEquals(
        List.of(),
        problemsOfYounger("nodes: {selector: {matchLabels: {edge: a}}}", younger.formatted("b")));
  }

  @Test
  void theSameRuleIsAProblemOfTheYounger() {
    assertEquals(
        List.of(
            "spec.rules[1]: a rule of VirtualIP a is for the same packets at the same priority 9:"
                + " change one of the two priorities, or remove one"),
        problemsOfYounger(
            "{rules: [{from: 10.0.0.0/8, table: 100, priority: 9}]}",
            "{vrid: 78, addresses: [{address: 203.0.113.11/24}], rules: [{from: 10.0.0.0/8, table:"
                + " 100, priority: 8}, {from: 10.0.0.0/8, table: 100, priority: 9}]}"));
  }

  @Test
  void theSameRuleOnOtherNodesIsNone() {
    var rule = "rules: [{from: 10.0.0.0/8, table: 100, priority: 9}], ";
    assertEquals(
        List.of(),
        problemsOfYounger(
            "{" + rule + "nodes: {selector: {matchLabels: {edge: a}}}}",
            "{" + rule + OTHER_ADDRESS + ", nodes: {selector: {matchLabels: {edge: b}}}}"));
  }

  private static final String MARK =
      "virtualServers: [{name: a, fwmark: 7, forwarding: Masquerade, realServers: {addresses:"
          + " [{address: %s}]}}]";

  @Test
  void aMarkOfAFamilyIsThatOfTheOlder() {
    var dual =
        "addresses: [{address: 203.0.113.%d/24}, {address: '2001:db8::%d/64', advertised: false}], ";
    var older = "{" + dual.formatted(10, 10) + MARK.formatted("10.0.0.21") + "}";
    var younger = "{vrid: 78, " + dual.formatted(11, 11) + MARK;
    assertEquals(
        List.of(
            "spec.virtualServers[0].fwmark: fwmark 7 of IPv4 is taken by VirtualIP a: use another"
                + " mark or set of nodes"),
        problemsOfYounger(older, younger.formatted("10.0.0.22") + "}"));
    assertEquals(List.of(), problemsOfYounger(older, younger.formatted("'2001:db8::22'") + "}"));
  }

  private static final String TCP_443 =
      "virtualServers: [{name: a, port: 443, forwarding: DirectRoute, realServers: {nodes:"
          + " {selector: {matchLabels: {a: b}}}}}], ";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          connectionSync: {interface: eth0, syncId: 9} | connectionSync: {interface: eth0, syncId: 9} |
          connectionSync: {interface: eth0, syncId: 77} | connectionSync: {interface: eth0} | \
          connectionSync: a node's kernel has one, and VirtualIP a has interface eth0 and syncId 77: \
          give both the same, or other nodes
          connectionSync: {interface: eth0, syncId: 9} | connectionSync: {interface: eth1, syncId: 9} | \
          connectionSync: a node's kernel has one, and VirtualIP a has interface eth0 and syncId 9: \
          give both the same, or other nodes
          connectionTimeouts: {tcp: 15m, udp: 1m} | connectionTimeouts: {tcp: 900s, tcpFin: 1m} |
          connectionTimeouts: {tcp: 15m} | connectionTimeouts: {tcp: 901s} | connectionTimeouts.tcp: \
          a node's kernel has one, and VirtualIP a has 900s: give both the same, or other nodes
          connectionTimeouts: {tcpFin: 1m, udp: 1m} | connectionTimeouts: {tcpFin: 1m, udp: 2m} | \
          connectionTimeouts.udp: a node's kernel has one, and VirtualIP a has 60s: give both the \
          same, or other nodes
          """)
  void aNodesKernelHasOneOfEach(String older, String younger, String problem) {
    var other = "vrid: 78, " + OTHER_ADDRESS;
    assertEquals(
        problem == null ? List.of() : List.of("spec." + problem),
        problemsOfYounger(
            "{" + TCP_443 + older + "}", "{" + TCP_443 + younger + ", " + other + "}"));
    assertEquals(
        List.of(),
        problemsOfYounger(
            "{" + TCP_443 + older + ", nodes: {selector: {matchLabels: {edge: a}}}}",
            "{"
                + TCP_443
                + younger
                + ", nodes: {selector: {matchLabels: {edge: b}}}, "
                + other
                + "}"));
  }

  @Test
  void aKernelCopiesNoConnectionsBesideServersOfTheOtherFamily() {
    var mixed =
        "virtualServers: [{name: a, port: 443, forwarding: Tunnel, realServers: {addresses: [{address:"
            + " '2001:db8::21'}]}}], ";
    var sync = TCP_443 + "connectionSync: {interface: eth0}, ";
    assertEquals(
        List.of(
            "spec.connectionSync: the kernel has no connectionSync beside servers of the other"
                + " family, and VirtualIP a has such servers: remove it, or use other nodes"),
        problemsOfYounger(
            "{" + mixed + "vrid: 77}", "{" + sync + "vrid: 78, " + OTHER_ADDRESS + "}"));
    assertEquals(
        List.of(
            "spec.virtualServers[0].realServers: the kernel has no connectionSync beside servers of"
                + " the other family, and VirtualIP a has one: use servers of the same family, or"
                + " other nodes"),
        problemsOfYounger(
            "{" + sync + "vrid: 77}", "{" + mixed + "vrid: 78, " + OTHER_ADDRESS + "}"));
    assertEquals(
        List.of(),
        problemsOfYounger(
            "{" + mixed + "vrid: 77}", "{" + mixed + "vrid: 78, " + OTHER_ADDRESS + "}"));
  }

  @Test
  void thePortOfAnAddressThatIsTakenIsNoProblemOfItsOwn() {
    assertEquals(
        List.of(
            "spec.addresses[0].address: 203.0.113.10 is taken by VirtualIP a: remove it from one of"
                + " the two"),
        problemsOfYounger("{" + TCP_443 + "priority: 9}", "{" + TCP_443 + "vrid: 78}"));
  }

  @Test
  void anOverrideMayPutBothOnOneNic() {
    assertEquals(
        1,
        problemsOfYounger(
                "interface: eth5",
                OTHER_ADDRESS + "\nnodes: {overrides: [{name: n, interface: eth5}]}")
            .size());
  }

  @Test
  void anObjectWithProblemsTakesNothingAway() {
    assertEquals(List.of(), problemsOfYounger("interface: ''", ""));
  }

  @Test
  void ageDecidesAndNotTheName() {
    var problems = problems(virtualIp("a", NEW, ""), virtualIp("b", OLD, ""));
    assertEquals(List.of(), problems.get("b"));
    assertEquals(2, problems.get("a").size());
  }

  @Test
  void atTheSameAgeTheNameDecides() {
    var problems = problems(virtualIp("b", null, ""), virtualIp("a", null, ""));
    assertEquals(List.of(), problems.get("a"));
    assertEquals(2, problems.get("b").size());
  }

  private static Map<String, List<Problem>> problems(VirtualIp... vips) {
    return Conflicts.among(Stream.of(vips).map(CheckedSpec::check).toList());
  }

  private static List<String> problemsOfYounger(String older, String younger) {
    var problems = problems(virtualIp("a", OLD, older), virtualIp("b", NEW, younger));
    return Stream.ofNullable(problems.get("b"))
        .flatMap(List::stream)
        .map(Problem::toString)
        .toList();
  }
}
