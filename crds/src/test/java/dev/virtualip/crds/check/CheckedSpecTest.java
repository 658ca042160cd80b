package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static dev.virtualip.crds.check.Specs.virtualIp;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.check.CheckedSpec.VirtualAddress;
import dev.virtualip.crds.check.CheckedSpec.VirtualRoute;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CheckedSpecTest {
  private static final String FULL =
      """
      {advertInterval: 20ms, linkDebounce: 30ms, delayAfterBoot: 1m, preempt: {delay: 2s},
       garp: {delay: 3s, refresh: 4m}, transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]},
       addresses: [{address: 10.0.0.1/24}, {address: 'fe80::1/64', interface: b, advertised: false}],
       routes: [{to: default, via: 10.0.0.254}, {to: default, via: 'fe80::2', onLink: true},
                {to: 10.1.0.0/16, source: 10.0.0.1, interface: b, table: 7, metric: 9}],
       rules: [{from: 10.0.0.1, to: 10.2.0.0/16, table: 100, priority: 8}]}
      """;

  private static CheckedSpec check(String yaml) {
    var result = CheckedSpec.check(virtualIp("web", null, yaml));
    assertEquals(List.of(), result.problems());
    return result.spec();
  }

  @Test
  void aNicThatComesUpHasADelayOfItsOwn() {
    var checked = check(FULL.replace("linkDebounce: 30ms", "linkDebounce: 30ms, linkUpDelay: 35s"));
    assertEquals(Duration.ofSeconds(35), checked.linkUpDelay());
    assertEquals(Duration.ofMillis(30), checked.linkDownDelay());
    var down = check(FULL.replace("linkDebounce: 30ms", "linkDownDelay: 10ms"));
    assertEquals(Duration.ZERO, down.linkUpDelay());
    assertEquals(Duration.ofMillis(10), down.linkDownDelay());
  }

  @Test
  void checksOfTheNodeWatchByDefaultWhereTheyCanAndThoseOfServersDoNot() {
    var checks =
        spec(
            "{healthChecks: [{name: a, http: {}}, {name: b, tcp: {port: 1}, watch: false},"
                + " {name: c, process: {name: x}}, {name: d, dns: {}}],"
                + " virtualServers: [{name: s, checks: [{name: a, http: {}},"
                + " {name: b, tcp: {}, watch: true}]}]}");
    assertEquals(
        List.of(true, false, true, false),
        checks.healthChecks().stream().map(HealthCheck::watches).toList());
    assertEquals(
        List.of(false, true),
        checks.virtualServers().getFirst().checks().stream()
            .map(check -> check.at("10.0.0.21", 80).named("x").watches())
            .toList());
  }

  @Test
  void textsBecomeValues() {
    var checked = check(FULL);
    assertEquals(Duration.ofMillis(20), checked.advertInterval());
    assertEquals(Duration.ofMillis(30), checked.linkUpDelay());
    assertEquals(Duration.ofMillis(30), checked.linkDownDelay());
    assertEquals(Duration.ofMinutes(1), checked.delayAfterBoot());
    assertEquals(Duration.ofSeconds(2), checked.preemptDelay());
    assertEquals(Duration.ofSeconds(3), checked.garpDelay());
    assertEquals(Duration.ofMinutes(4), checked.garpRefresh());
    assertEquals(
        List.of(IpPrefix.parseAddress("10.0.0.11"), IpPrefix.parseAddress("10.0.0.12")),
        checked.peers());
    assertEquals(
        List.of(
            new VirtualAddress(IpPrefix.parse("10.0.0.1/24"), null, true),
            new VirtualAddress(IpPrefix.parse("fe80::1/64"), "b", false)),
        checked.addresses());
    assertEquals(
        List.of(
            new PolicyRule(IpPrefix.parse("10.0.0.1/32"), IpPrefix.parse("10.2.0.0/16"), 100, 8)),
        checked.rules());
  }

  @Test
  void aDefaultRouteIsOfTheGatewaysFamily() {
    var source = IpPrefix.parseAddress("10.0.0.1");
    assertEquals(
        List.of(
            new VirtualRoute(
                IpPrefix.parse("0.0.0.0/0"),
                IpPrefix.parseAddress("10.0.0.254"),
                null,
                null,
                254,
                0,
                false),
            new VirtualRoute(
                IpPrefix.parse("::/0"), IpPrefix.parseAddress("fe80::2"), null, null, 254, 0, true),
            new VirtualRoute(IpPrefix.parse("10.1.0.0/16"), null, source, "b", 7, 9, false)),
        check(FULL).routes());
  }

  @Test
  void theFamilyIsThatOfTheAddressesInAdverts() {
    assertFalse(check(FULL).isIpv6());
    assertTrue(check("{addresses: [{address: 'fe80::1/64'}]}").isIpv6());
  }

  @Test
  void equalSpecsAreEqual() {
    assertEquals(check(FULL), check(FULL));
    assertEquals(check(FULL).hashCode(), check(FULL).hashCode());
    assertNotEquals(check(FULL), check(FULL.replace("20ms", "30ms")));
  }

  @Test
  void aSpecWithProblemsIsNone() {
    for (var vip : List.of(virtualIp("web", null, "vrid: 0"), new VirtualIp())) {
      var result = CheckedSpec.check(vip);
      assertFalse(result.isGood());
      assertNull(result.spec());
      assertEquals(Validator.problems(vip.getSpec()), result.problems());
    }
  }

  @Test
  void theOrderOfSectionsIsOnlyThatOfTheProblems() {
    var bad =
        spec(
            """
            {vrid: 0, advertInterval: 5ms, lease: {policy: Exclusive}, linkDebounce: 10ms,
             addresses: [{address: 10.0.0.1/24}, {address: 10.0.0.300/24}, {address: 'fe80::1/64'}],
             transport: {mode: Unicast, peers: [10.0.0.1, x]}, routes: [{to: default}],
             rules: [{from: 10.0.0.1/8, table: 1, priority: 1}], syncGroup: A, dns: {},
             nodes: {overrides: [{}]}, healthChecks: [{name: a}], notifications: {webhook: {}},
             connectionSync: {interface: a/b}, virtualServers: [{addresses: [10.0.0.1]}]}
            """);
    var expected = sorted(Validator.problems(bad));
    assertTrue(expected.size() > 12, expected::toString);
    var random = new Random(1);
    for (int run = 0; run < 20; run++) {
      var sections = new ArrayList<>(Validator.SECTIONS);
      Collections.shuffle(sections, random);
      var findings = new Findings();
      sections.forEach(section -> section.check(ParsedSpec.of(bad), findings));
      assertEquals(expected, sorted(findings.problems()));
    }
  }

  private static List<Problem> sorted(List<Problem> problems) {
    return problems.stream().sorted(Comparator.comparing(Problem::toString)).toList();
  }
}
