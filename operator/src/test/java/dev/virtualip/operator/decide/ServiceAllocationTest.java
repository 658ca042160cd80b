package dev.virtualip.operator.decide;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.operator.decide.ServiceAllocation.Outcome;
import dev.virtualip.operator.decide.ServiceAllocation.Reserved;
import io.fabric8.kubernetes.api.model.LoadBalancerIngressBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceAllocationTest {
  private static final Map<String, String> NAMESPACE = Map.of("team", "a");
  private static final Reserved NOTHING = new Reserved(Map.of(), Set.of(), Set.of());
  private static final CheckedPool LAN = pool("lan", "203.0.113.10-203.0.113.12", "");
  private static final CheckedPool DUAL = pool("dual", "192.0.2.4/30, '2001:db8::/120'", "");

  private final Map<String, Service> services = new TreeMap<>();
  private List<CheckedPool> pools = List.of(LAN);
  private Reserved reserved = NOTHING;

  static CheckedPool pool(String name, String addresses, String services) {
    return CheckedPool.of(
        Serialization.unmarshal(
            "metadata: {name: %s}\nspec: {addresses: [%s], services: {interface: eth0, %s}}"
                .formatted(name, addresses, services),
            VirtualIpPool.class));
  }

  /** Settles: what was decided is what the Services have when it is decided anew. */
  private Map<String, Outcome> decide() {
    var outcomes =
        ServiceAllocation.of(
            services.values().stream().map(s -> ServiceRequest.of(s, NAMESPACE)).toList(),
            pools,
            reserved);
    outcomes.forEach((key, outcome) -> services.put(key, with(services.get(key), outcome)));
    return outcomes;
  }

  static Service with(Service service, Outcome outcome) {
    return service
        .edit()
        .editOrNewStatus()
        .withNewLoadBalancer()
        .withIngress(
            outcome.addresses().keySet().stream()
                .map(a -> new LoadBalancerIngressBuilder().withIp(IpPrefix.text(a)).build())
                .toList())
        .endLoadBalancer()
        .endStatus()
        .build();
  }

  /** Adds or replaces default/NAME; what its status has stays. */
  private void service(String name, String annotations, String spec) {
    var present = services.get("default/" + name);
    var service = parsed(name, annotations, spec);
    if (present != null) {
      service.setStatus(present.getStatus());
    }
    services.put("default/" + name, service);
  }

  static Service parsed(String name, String annotations, String spec) {
    return Serialization.unmarshal(
        """
        metadata: {name: '%s', namespace: default, uid: 'uid-%s', annotations: {%s}}
        spec: {type: LoadBalancer, %s %s}
        """
            .formatted(
                name,
                name,
                annotations,
                spec.contains("ports:") ? "" : "ports: [{port: 80}],",
                spec),
        Service.class);
  }

  private List<String> has(String name) {
    return ServiceRequest.texts(services.get("default/" + name)).toList();
  }

  private String failure(String name) {
    return decide().get("default/" + name).failure();
  }

  @Test
  void theOldestGetTheLowestAndKeepThem() {
    service("b", "", "");
    service("c", "", "");
    assertNull(failure("b"));
    service("a", "", "");
    decide();
    assertEquals(List.of("203.0.113.10"), has("b"));
    assertEquals(List.of("203.0.113.11"), has("c"));
    assertEquals(List.of("203.0.113.12"), has("a"));
    service("0", "", "");
    assertEquals(
        "VirtualIPPool lan has no free IPv4 address: add to spec.addresses of one", failure("0"));
    services.remove("default/c");
    assertNull(failure("0"));
    assertEquals(List.of("203.0.113.11"), has("0"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "virtualip.dev/addresses",
        "metallb.io/loadBalancerIPs",
        "metallb.universe.tf/loadBalancerIPs",
        "kube-vip.io/loadbalancerIPs"
      })
  void anAddressIsAskedForByAnnotation(String annotation) {
    service("a", annotation + ": 203.0.113.12", "");
    assertNull(failure("a"));
    assertEquals(List.of("203.0.113.12"), has("a"));
  }

  @Test
  void anAddressIsAskedForBySpecLoadBalancerIp() {
    service("a", "", "loadBalancerIP: 203.0.113.11");
    decide();
    assertEquals(List.of("203.0.113.11"), has("a"));
  }

  @Test
  void aWrongRequestTakesNothingAway() {
    service("a", "", "");
    decide();
    service("a", "virtualip.dev/addresses: 198.51.100.1", "");
    assertEquals(
        "198.51.100.1 is in none of its VirtualIPPools (lan): ask for an address of one of them",
        failure("a"));
    assertEquals(List.of("203.0.113.10"), has("a"));
    service("a", "virtualip.dev/addresses: 203.0.113", "");
    assertTrue(failure("a").startsWith("it asks for an address that is none"), failure("a"));
    assertEquals(List.of("203.0.113.10"), has("a"));
    service("a", "virtualip.dev/pool: other", "");
    assertEquals(
        "there is no VirtualIPPool other with spec.services: ask for one of lan", failure("a"));
    assertEquals(List.of("203.0.113.10"), has("a"));
  }

  @Test
  void whoAsksForAnotherAddressMovesAndWhatItHadIsFree() {
    service("a", "", "");
    decide();
    service("a", "virtualip.dev/addresses: 203.0.113.12", "");
    service("b", "", "");
    decide();
    assertEquals(List.of("203.0.113.12"), has("a"));
    assertEquals(List.of("203.0.113.10"), has("b"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "virtualip.dev/sharing-key",
        "metallb.io/allow-shared-ip",
        "metallb.universe.tf/allow-shared-ip"
      })
  void servicesWithOneKeyAndOtherPortsShare(String annotation) {
    service("a", annotation + ": k", "");
    service("b", annotation + ": k", "ports: [{port: 443}]");
    service("c", annotation + ": k", "ports: [{port: 80}]");
    service("d", annotation + ": other", "ports: [{port: 81}]");
    decide();
    assertEquals(List.of("203.0.113.10"), has("a"));
    assertEquals(has("a"), has("b"));
    assertEquals(List.of("203.0.113.11"), has("c"));
    assertEquals(List.of("203.0.113.12"), has("d"));
  }

  @Test
  void whoMayNotShareIsToldWhy() {
    service("a", "", "");
    service("b", "virtualip.dev/addresses: 203.0.113.10", "ports: [{port: 443}]");
    assertEquals(
        "203.0.113.10: Service default/a has it: give both the same virtualip.dev/sharing-key, or"
            + " ask for another",
        failure("b"));
    var key = "virtualip.dev/sharing-key: k";
    service("a", key, "externalTrafficPolicy: Local");
    service("b", key + ", virtualip.dev/addresses: 203.0.113.10", "ports: [{port: 443}]");
    assertTrue(failure("b").endsWith("no address is shared: use Cluster"), failure("b"));
    assertEquals(List.of(), has("b"));
  }

  @Test
  void aSmallerPoolMovesItsServices() {
    service("a", "", "");
    decide();
    pools = List.of(pool("lan", "203.0.113.12", ""));
    decide();
    assertEquals(List.of("203.0.113.12"), has("a"));
    pools = List.of();
    assertTrue(failure("a").startsWith("no VirtualIPPool serves Services of namespace default"));
    assertEquals(List.of(), has("a"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          'namespaceSelector: {matchLabels: {team: a}}' | true
          'namespaceSelector: {matchLabels: {team: b}}' | false
          'namespaces: [prod], namespaceSelector: {matchLabels: {team: a}}' | true
          'namespaces: [default], namespaceSelector: {matchLabels: {team: b}}' | true
          'serviceSelector: {matchLabels: {edge: x}}' | true
          'serviceSelector: {matchExpressions: [{key: edge, operator: DoesNotExist}]}' | false
          'namespaces: [prod], serviceSelector: {matchLabels: {edge: x}}' | false
          """)
  void labelsOfTheNamespaceAndOfTheServiceCount(String selectors, boolean served) {
    pools = List.of(pool("a", "203.0.113.1", selectors));
    service("s", "", "");
    services.get("default/s").getMetadata().setLabels(Map.of("edge", "x"));
    assertEquals(served, failure("s") == null);
    assertEquals(served ? List.of("203.0.113.1") : List.of(), has("s"));
  }

  @Test
  void namespacesAndAutoAssignCount() {
    pools =
        List.of(
            pool("a", "203.0.113.1", "namespaces: [prod]"),
            pool("b", "203.0.113.2", "autoAssign: false"));
    service("s", "", "");
    assertEquals(
        "no VirtualIPPool assigns by itself: ask for one of b by virtualip.dev/pool", failure("s"));
    service("s", "metallb.io/address-pool: b", "");
    assertNull(failure("s"));
    service("s", "", "");
    assertNull(failure("s"), "it keeps it");
    assertEquals(List.of("203.0.113.2"), has("s"));
    service("s", "metallb.universe.tf/address-pool: a", "");
    assertEquals(
        "VirtualIPPool a does not serve namespace default, or not with its labels: ask for one of b",
        failure("s"));
  }

  @ParameterizedTest
  @CsvSource({
    "203.0.113.0/30, 203.0.113.1",
    "203.0.113.0, 203.0.113.0",
    "203.0.113.255-203.0.114.2, 203.0.114.1"
  })
  void noHostOfAnOldDeviceGetsZeroOr255(String addresses, String first) {
    pools = List.of(pool("p", addresses, ""));
    service("a", "", "");
    decide();
    assertEquals(List.of(first), has("a"));
  }

  @Test
  void lanesHaveRoomFor1024AddressesEach() {
    pools = List.of(pool("p", "10.0.0.0/16", "lanes: 1"));
    for (int i = 0; i < 1024; i++) {
      service("s" + i, "", "");
    }
    decide();
    service("late", "", "");
    assertEquals(
        "the lanes of VirtualIPPool p can have no more addresses: raise spec.services.lanes",
        failure("late"));
    service("late", "virtualip.dev/addresses: 10.0.99.1", "");
    assertTrue(failure("late").endsWith("raise spec.services.lanes"), failure("late"));
    service("late", "", "externalTrafficPolicy: Local");
    assertNull(failure("late"));
  }

  @Test
  void bothFamiliesComeFromOnePool() {
    pools = List.of(DUAL, LAN);
    service("a", "", "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4]");
    service(
        "b",
        "virtualip.dev/pool: lan",
        "ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]");
    service(
        "c",
        "virtualip.dev/pool: lan",
        "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6]");
    service("d", "", "ipFamilies: [IPv6]");
    var outcomes = decide();
    assertEquals(List.of("2001:db8::1", "192.0.2.4"), has("a"));
    assertEquals(List.of("203.0.113.10"), has("b"));
    assertNull(outcomes.get("default/b").failure());
    assertEquals(List.of(), has("c"));
    assertEquals(
        "VirtualIPPool lan has no free IPv6 address: add to spec.addresses of one",
        outcomes.get("default/c").failure());
    assertEquals(List.of("2001:db8::2"), has("d"));
  }

  @Test
  void aSecondFamilyLeavesTheFirstAddressAlone() {
    service("a", "", "");
    decide();
    pools = List.of(LAN, DUAL);
    service("a", "", "ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]");
    assertNull(failure("a"));
    assertEquals(List.of("203.0.113.10"), has("a"));
    service("a", "", "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6]");
    assertNull(failure("a"));
    assertEquals(List.of("192.0.2.4", "2001:db8::1"), has("a"));
  }

  @Test
  void whatOthersHaveIsPassedOver() {
    reserved =
        new Reserved(
            Map.of(address("203.0.113.10"), "the InternalIP of Node n"), Set.of(), Set.of());
    service("a", "", "");
    service("b", "virtualip.dev/addresses: 203.0.113.10", "");
    assertEquals("203.0.113.10: it is the InternalIP of Node n: ask for another", failure("b"));
    assertEquals(List.of("203.0.113.11"), has("a"));
    services.remove("default/b");
    reserved = new Reserved(Map.of(address("203.0.113.11"), "VirtualIP v"), Set.of(), Set.of());
    decide();
    assertEquals(List.of("203.0.113.11"), has("a"), "what was assigned first stays");
    reserved = new Reserved(reserved.owners(), Set.of(address("203.0.113.11")), Set.of());
    decide();
    assertEquals(List.of("203.0.113.10"), has("a"));
  }

  @Test
  void aPoolThatCannotBeReadTakesNothingAway() {
    service("a", "", "");
    decide();
    pools = List.of(pool("lan", "203.0.113.1/24", ""));
    reserved = new Reserved(Map.of(), Set.of(), Set.of(address("203.0.113.10")));
    assertNull(failure("a"));
    assertEquals(List.of("203.0.113.10"), has("a"));
  }

  private static InetAddress address(String text) {
    return IpPrefix.parseAddress(text);
  }

  /** Services come, go, change ports and keys, and pools have too few addresses for all. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void noAddressIsGivenTwiceAndWhatWasGivenStays(long seed) {
    var random = new Random(seed);
    pools = List.of(pool("p", "203.0.113.0/28", "lanes: 3"), pool("q", "192.0.2.9, 192.0.2.7", ""));
    for (int step = 0; step < 300; step++) {
      var name = "s" + random.nextInt(30);
      boolean touched = random.nextInt(3) > 0;
      if (!touched) {
        services.remove("default/" + name);
      } else {
        service(
            name,
            random.nextInt(3) == 0 ? "virtualip.dev/sharing-key: k" + random.nextInt(2) : "",
            "ports: [{port: %d}], externalTrafficPolicy: %s"
                .formatted(80 + random.nextInt(4), random.nextInt(4) == 0 ? "Local" : "Cluster"));
      }
      var before = new HashMap<String, List<String>>();
      services
          .keySet()
          .forEach(key -> before.put(key, ServiceRequest.texts(services.get(key)).toList()));
      var outcomes = decide();
      before.forEach(
          (key, had) -> {
            if (!had.isEmpty() && !key.equals("default/" + name) && !shares(key)) {
              assertEquals(had, ServiceRequest.texts(services.get(key)).toList(), key);
            }
          });
      assertApart(outcomes);
      assertSettled(outcomes);
    }
  }

  private void assertSettled(Map<String, Outcome> outcomes) {
    var again = decide();
    outcomes.forEach(
        (key, outcome) -> {
          assertEquals(outcome.addresses(), again.get(key).addresses(), key);
          assertEquals(outcome.failure(), again.get(key).failure(), key);
        });
  }

  private boolean shares(String key) {
    return ServiceRequest.of(services.get(key), NAMESPACE).sharingKey() != null;
  }

  private static void assertApart(Map<String, Outcome> outcomes) {
    var holders = new HashMap<InetAddress, List<ServiceRequest>>();
    outcomes
        .values()
        .forEach(
            outcome ->
                outcome
                    .addresses()
                    .keySet()
                    .forEach(
                        address ->
                            holders
                                .computeIfAbsent(address, _ -> new ArrayList<>())
                                .add(outcome.request())));
    holders.forEach(
        (address, all) -> {
          var ports = new HashSet<String>();
          for (var request : all) {
            assertTrue(all.size() == 1 || request.sharingKey() != null, address::toString);
            assertTrue(all.size() == 1 || !request.local(), address::toString);
            assertTrue(request.ports().stream().allMatch(ports::add), address::toString);
          }
        });
  }
}
