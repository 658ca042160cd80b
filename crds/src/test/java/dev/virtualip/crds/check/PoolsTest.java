package dev.virtualip.crds.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolSpec;
import dev.virtualip.crds.values.IpPrefix;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PoolsTest {
  private static final String TEAM_A =
      """
      addresses: [203.0.113.0/28, 203.0.113.64-203.0.113.79, 2001:db8::/64]
      interfaces: [eth0, eth1]
      vrids: ["77", "10-19"]
      tables: ["100-199"]
      nodeSelector: {matchLabels: {team: a}}
      """;

  private static final String NODES = "nodes: {selector: {matchLabels: {team: a, edge: x}}}";

  private static VirtualIpPool pool(String name, String spec) {
    var pool = new VirtualIpPool();
    pool.getMetadata().setName(name);
    pool.setSpec(spec == null ? null : Specs.yaml(spec, VirtualIpPoolSpec.class));
    return pool;
  }

  private static Result judge(String spec, VirtualIpPool... pools) {
    return Pools.of(List.of(pools)).judge(CheckedSpec.check(Specs.virtualIp("web", null, spec)));
  }

  private static List<String> refusals(String spec, VirtualIpPool... pools) {
    var judged = judge(spec, pools);
    assertEquals(judged.isGood(), judged.spec() != null);
    judged.problems().forEach(problem -> assertEquals(Problem.Kind.OutsidePools, problem.kind()));
    return judged.problems().stream().map(Problem::toString).toList();
  }

  @Test
  void theNicForServicesIsTheOnlyOneOfThePool() {
    var one =
        CheckedPool.of(pool("p", "{addresses: [203.0.113.10], interfaces: [eth1], services: {}}"));
    assertEquals("eth1", one.services().interfaceName());
    assertEquals(4, one.services().lanes());
    assertTrue(one.services().autoAssign());
    assertTrue(one.serves("any", Map.of(), Map.of()));
    var closed =
        pool("p", "{addresses: [203.0.113.10], services: {interface: eth0, namespaces: [a]}}");
    assertTrue(CheckedPool.of(closed).serves("a", Map.of(), Map.of()));
    assertFalse(CheckedPool.of(closed).serves("b", Map.of(), Map.of()));
    assertFalse(CheckedPool.of(pool("p", TEAM_A)).serves("a", Map.of(), Map.of()));
  }

  @Test
  void onlyHostsAddressesOfThePoolsNetworksAreForServices() {
    var spec =
        "{addresses: [203.0.113.0/28, 224.0.0.0/24], networks: [203.0.113.8/29, 224.0.0.0/4]}";
    var pool = CheckedPool.of(pool("p", spec));
    assertFalse(pool.has(IpPrefix.parseAddress("203.0.113.1")));
    assertTrue(pool.has(IpPrefix.parseAddress("203.0.113.9")));
    assertFalse(pool.has(IpPrefix.parseAddress("224.0.0.1")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          services: {}|spec.services.interface: is missing: name the NIC of the addresses
          services: {interface: eth0, lanes: 17}|spec.services.lanes: 17 is not a number of lanes: use 1 to 16
          interfaces: [eth1], services: {interface: eth0}|spec.services.interface: eth0 is none of spec.interfaces: name one of eth1, or add it there
          services: {interface: eth0, namespaces: [null]}|spec.services.namespaces: has a null: name a namespace, or remove it
          services: {interface: eth0, namespaceSelector: {}}|spec.services.namespaceSelector: is empty: give labels that they have, or remove it
          services: {interface: eth0, serviceSelector: {matchExpressions: [{key: a, operator: In}]}}|spec.services.serviceSelector.matchExpressions[0].values: In needs at least one value
          """)
  void whatIsWrongWithServicesIsSaid(String services, String problem) {
    var pool = CheckedPool.of(pool("p", "{addresses: [203.0.113.10], " + services + "}"));
    assertEquals(List.of(problem), pool.problems().stream().map(Problem::toString).toList());
    assertFalse(pool.serves("any", Map.of(), Map.of()));
  }

  @Test
  void withoutAnyPoolEverythingIsAllowed() {
    var checked = CheckedSpec.check(Specs.virtualIp("web", null, "pool: none"));
    assertSame(checked, Pools.NONE.judge(checked));
    assertSame(checked, Pools.of(List.of()).judge(checked));
  }

  @Test
  void whatAPoolAllowsRuns() {
    assertEquals(List.of(), refusals(NODES, pool("team-a", TEAM_A)));
    assertEquals(List.of(), refusals("vrid: 3", pool("all", "addresses: [203.0.113.10]")));
  }

  @Test
  void aSpecWithProblemsOfItsOwnHasNoOthers() {
    var judged = judge("vrid: 0", pool("team-a", TEAM_A));
    assertEquals(
        List.of(Problem.Kind.Invalid), judged.problems().stream().map(Problem::kind).toList());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          addresses: [{address: 203.0.113.20/24}] | spec.addresses[0].address: 203.0.113.20/24 is outside of VirtualIPPool team-a, which allows 203.0.113.0-203.0.113.15, 203.0.113.64-203.0.113.79, 2001:db8::-2001:db8::ffff:ffff:ffff:ffff
          vrid: 20 | spec.vrid: 20 is outside of VirtualIPPool team-a, which allows 77, 10-19
          interface: eth2 | spec.interface: eth2 is outside of VirtualIPPool team-a, which allows eth0, eth1
          interface: eth* | spec.interface: eth* is outside of VirtualIPPool team-a, which allows eth0, eth1
          addresses: [{address: 203.0.113.10/24, interface: lo}] | spec.addresses[0].interface: lo is outside of VirtualIPPool team-a, which allows eth0, eth1
          routes: [{to: default, via: 203.0.113.1}] | spec.routes[0].table: table 254 is outside of VirtualIPPool team-a, which allows 100-199
          routes: [{to: default, via: 203.0.113.1, table: 100, interface: lo}] | spec.routes[0].interface: lo is outside of VirtualIPPool team-a, which allows eth0, eth1
          rules: [{from: 203.0.113.10, table: 254, priority: 9}] | spec.rules[0].table: table 254 is outside of VirtualIPPool team-a, which allows 100-199
          """)
  void whatItDoesNotAllowIsRefusedWithWhatItAllows(String field, String message) {
    assertEquals(List.of(message), refusals(NODES + "\n" + field, pool("team-a", TEAM_A)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          rules: [{to: 198.51.100.0/24, table: 100, priority: 9}] | spec.rules[0].from: a rule for any source
          rules: [{from: 203.0.113.0/24, table: 100, priority: 9}] | spec.rules[0].from: 203.0.113.0/24
          nodes: {overrides: [{name: a, interface: lo}], selector: {matchLabels: {team: a}}} | spec.nodes.overrides[0].interface: lo
          """)
  void whatComesByASideDoorIsRefusedToo(String field, String begin) {
    var spec = field.startsWith("nodes") ? field : NODES + "\n" + field;
    var refusals = refusals(spec, pool("team-a", TEAM_A));
    assertEquals(1, refusals.size(), refusals::toString);
    assertTrue(refusals.getFirst().startsWith(begin), refusals::toString);
  }

  @Test
  void rulesAndRoutesInThePoolsTablesAreAllowed() {
    var spec =
        """
        routes: [{to: default, via: 203.0.113.1, table: 100}]
        rules: [{from: 203.0.113.10, table: 100, priority: 9}]
        """;
    assertEquals(List.of(), refusals(NODES + "\n" + spec, pool("team-a", TEAM_A)));
  }

  @Test
  void aSelectorHasToContainThatOfThePool() {
    var message = "spec.nodes.selector: VirtualIPPool team-a is for some nodes only: add team: a";
    for (var nodes : Stream.of("{}", "{selector: {matchLabels: {team: b}}}").toList()) {
      assertEquals(List.of(message), refusals("nodes: " + nodes, pool("team-a", TEAM_A)));
    }
    var exists = "{matchExpressions: [{key: team, operator: Exists}]}";
    var some = pool("some", "{addresses: [203.0.113.0/24], nodeSelector: " + exists + "}");
    assertEquals(List.of(), refusals("nodes: {selector: " + exists + "}", some));
    assertEquals(
        List.of("spec.nodes.selector: VirtualIPPool some is for some nodes only: add team Exists"),
        refusals(NODES, some));
  }

  /** A node whose address is listed gets the virtual address, whatever its labels are. */
  @ParameterizedTest
  @ValueSource(strings = {"DirectRoute", "Tunnel"})
  void listedServersThatGetTheVirtualAddressAreOutsideOfAPoolOfSomeNodes(String forwarding) {
    var servers =
        """
        virtualServers:
          - {name: a, port: 80, forwarding: Masquerade, realServers: {addresses: [{address: 203.0.113.21}]}}
          - {name: b, port: 81, forwarding: %s, realServers: {addresses: [{address: 203.0.113.21}]}}
          - {name: c, port: 82, forwarding: %<s, realServers: {nodes: {selector: {matchLabels: {team: a}}}}}
        """
            .formatted(forwarding);
    assertEquals(
        List.of(
            "spec.virtualServers[1].realServers.addresses: VirtualIPPool team-a is for some nodes"
                + " only, and with "
                + forwarding
                + " any node listed here gets the virtual address: select nodes by"
                + " realServers.nodes with team: a, or use Masquerade"),
        refusals(NODES + "\n" + servers, pool("team-a", TEAM_A)));
    assertEquals(List.of(), refusals(servers, pool("all", "addresses: [203.0.113.0/24]")));
  }

  /** The kernel routes the whole network of an address to its NIC. */
  @Test
  void aLargeNetworkHasToBeListed() {
    var large = "addresses: [{address: 203.0.113.10/8}]";
    assertEquals(
        List.of(
            "spec.addresses[0].address: 203.0.113.10/8 makes a node reach all of 203.0.0.0/8 by this"
                + " NIC, and VirtualIPPool p allows /24 or longer"),
        refusals(large, pool("p", "addresses: [203.0.113.0/24]")));
    var listed = pool("p", "{addresses: [203.0.113.0/24], networks: [203.0.112.0/22]}");
    assertEquals(List.of(), refusals("addresses: [{address: 203.0.113.10/22}]", listed));
    assertEquals(List.of(), refusals("addresses: [{address: 203.0.113.10/32}]", listed));
    assertEquals(
        List.of(
            "spec.addresses[0].address: 203.0.113.10/8 makes a node reach all of 203.0.0.0/8 by this"
                + " NIC, and VirtualIPPool p allows 203.0.112.0/22"),
        refusals(large, listed));
  }

  @Test
  void thePoolThatFitsBestTellsWhatIsMissing() {
    var other = pool("a-other", "{addresses: [192.0.2.0/24], vrids: ['1']}");
    assertEquals(
        List.of("spec.vrid: 20 is outside of VirtualIPPool team-a, which allows 77, 10-19"),
        refusals(NODES + "\nvrid: 20", other, pool("team-a", TEAM_A)));
  }

  @Test
  void aVirtualIpThatNamesItsPoolIsAllowedByNoOther() {
    var all = pool("all", "addresses: [0.0.0.0/0]");
    assertEquals(List.of(), refusals("{vrid: 3, pool: all}", all, pool("team-a", TEAM_A)));
    assertEquals(
        List.of("spec.vrid: 3 is outside of VirtualIPPool team-a, which allows 77, 10-19"),
        refusals(NODES + "\nvrid: 3\npool: team-a", all, pool("team-a", TEAM_A)));
    assertEquals(
        List.of("spec.pool: there is no VirtualIPPool b: name one of all, or remove it"),
        refusals("pool: b", all));
  }

  @Test
  void aPoolThatCannotBeReadAllowsNothing() {
    assertEquals(
        List.of(
            "spec.pool: VirtualIPPool bad cannot be read and allows nothing: correct its"
                + " spec.vrids: 0 is not a VRID: use 1 to 255"),
        refusals("", pool("bad", "{addresses: [203.0.113.0/24], vrids: ['0']}")));
    assertEquals(1, refusals("", pool("none", null)).size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          addresses: [] | spec.addresses: is empty: give at least one prefix, range or address
          addresses: [203.0.113.1/24] | spec.addresses[0]: "203.0.113.1/24" has bits behind its prefix: write 203.0.113.0/24, or the address alone
          {addresses: [203.0.113.1], networks: [203.0.113.1/22]} | spec.networks[0]: "203.0.113.1/22" has bits behind its prefix: write 203.0.112.0/22
          addresses: [null] | spec.addresses[0]: is null: write a value, or remove it
          {addresses: [203.0.113.1], vrids: ['9-1']} | spec.vrids[0]: "9-1" is no range: write the lower number first
          {addresses: [203.0.113.1], vrids: ['250-256']} | spec.vrids: 250-256 is not a VRID: use 1 to 255
          {addresses: [203.0.113.1], tables: ['0']} | spec.tables: 0 is not a routing table: use 1 to 4294967295
          {addresses: [203.0.113.1], nodeSelector: {}} | spec.nodeSelector: is empty: give labels that the nodes have, or remove it
          """)
  void problemsOfAPoolTellTheFix(String spec, String problem) {
    var problems = CheckedPool.of(pool("p", spec)).problems();
    assertEquals(List.of(problem), problems.stream().map(Problem::toString).toList());
  }
}
