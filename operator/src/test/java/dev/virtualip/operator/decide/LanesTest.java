package dev.virtualip.operator.decide;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Pools;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.operator.decide.ServiceAllocation.Reserved;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LanesTest {
  private static final String POOL =
      """
      metadata: {name: lan}
      spec:
        addresses: [203.0.113.0/24, "2001:db8::/64"]
        vrids: ["10-19"]
        interfaces: [eth0]
        nodeSelector: {matchLabels: {edge: "true"}}
        services: {lanes: %d}
      """;

  private final Map<String, Service> services = new TreeMap<>();
  private final Map<String, VirtualIp> vips = new TreeMap<>();
  private VirtualIpPool pool = pool(2);

  private static VirtualIpPool pool(int lanes) {
    return Serialization.unmarshal(POOL.formatted(lanes), VirtualIpPool.class);
  }

  private void service(String name, String spec) {
    services.put("default/" + name, ServiceAllocationTest.parsed(name, "", spec));
  }

  /** Decides and does it. */
  private Lanes decide() {
    var checked = List.of(CheckedPool.of(pool));
    var frozen = new Reserved(Map.of(), Set.of(), frozen(checked));
    var outcomes =
        ServiceAllocation.of(
            services.values().stream().map(s -> ServiceRequest.of(s, Map.of())).toList(),
            checked,
            frozen);
    outcomes.forEach(
        (key, outcome) ->
            services.put(key, ServiceAllocationTest.with(services.get(key), outcome)));
    var lanes = Lanes.of(outcomes.values(), checked, vips.values());
    lanes.delete().forEach(vip -> vips.remove(vip.getMetadata().getName()));
    lanes.edit().values().forEach(this::write);
    lanes.create().forEach(this::write);
    return lanes;
  }

  private Set<InetAddress> frozen(List<CheckedPool> checked) {
    return checked.getFirst().isGood()
        ? Set.of()
        : vips.values().stream()
            .flatMap(vip -> Lanes.addresses(vip).stream())
            .collect(Collectors.toSet());
  }

  private void write(Lanes.Lane lane) {
    var object =
        Map.of(
            "metadata",
            Map.of("name", lane.name(), "labels", Map.of("virtualip.dev/services", lane.pool())),
            "spec",
            lane.spec());
    vips.put(lane.name(), Serialization.unmarshal(Serialization.asJson(object), VirtualIp.class));
  }

  private Map<String, List<String>> lanes() {
    var lanes = new TreeMap<String, List<String>>();
    vips.forEach(
        (name, vip) -> lanes.put(name, Lanes.addresses(vip).stream().map(IpPrefix::text).toList()));
    return lanes;
  }

  @Test
  void servicesAreSpreadOverTheLanesAndStay() {
    for (var name : List.of("a", "b", "c")) {
      service(name, "");
    }
    decide();
    assertEquals(
        Map.of("lan-0", List.of("203.0.113.1", "203.0.113.3"), "lan-1", List.of("203.0.113.2")),
        lanes());
    assertEquals(List.of(), decide().create());
    assertEquals(Map.of(), decide().edit());
    services.remove("default/b");
    services.remove("default/c");
    service("d", "");
    service("e", "");
    decide();
    assertEquals(
        Map.of("lan-0", List.of("203.0.113.1", "203.0.113.3"), "lan-1", List.of("203.0.113.2")),
        lanes());
    services.keySet().removeIf(key -> !key.equals("default/a"));
    decide();
    assertEquals(Map.of("lan-0", List.of("203.0.113.1")), lanes());
  }

  @Test
  void aLaneIsWhatThePoolAllowsAndValid() {
    service("a", "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6]");
    service("b", "externalTrafficPolicy: Local, healthCheckNodePort: 31000");
    decide();
    assertEquals(Set.of("lan-0", "lan-1", "svc-default.b"), vips.keySet());
    for (var vip : vips.values()) {
      var tree = Serialization.asJson(vip).replace("\"interface\"", "\"vrid\":12,\"interface\"");
      var checked = CheckedSpec.check(Serialization.unmarshal(tree, VirtualIp.class));
      assertEquals(List.of(), Pools.of(List.of(pool)).judge(checked).problems());
      assertTrue(vip.getSpec().nodes().spreads());
      assertEquals(false, vip.getSpec().preempt().enabled());
      assertEquals(false, vip.getSpec().probe(), "a pool's addresses are its own");
    }
    var check = vips.get("svc-default.b").getSpec().healthChecks().getFirst();
    assertEquals(31000, check.http().port());
    assertEquals("/healthz", check.http().path());
    assertTrue(check.http().expects(200) && !check.http().expects(503));
  }

  /** Its family is that of the adverts. */
  @Test
  void theAdvertisedAddressStaysAsLongAsItCan() {
    pool = pool(1);
    service("a", "ipFamilies: [IPv6]");
    decide();
    service("b", "");
    decide();
    var addresses = vips.get("lan-0").getSpec().addresses();
    assertEquals(List.of(true, false), addresses.stream().map(a -> a.advertised()).toList());
    assertEquals("2001:db8::1/128", addresses.getFirst().address());
    services.remove("default/a");
    decide();
    assertEquals(true, vips.get("lan-0").getSpec().addresses().getFirst().advertised());
  }

  @Test
  void whoBecomesLocalKeepsItsAddress() {
    service("a", "");
    decide();
    var service = services.get("default/a");
    service.getSpec().setExternalTrafficPolicy("Local");
    service.getSpec().setHealthCheckNodePort(31000);
    decide();
    assertEquals(Map.of("svc-default.a", List.of("203.0.113.1")), lanes());
  }

  @Test
  void aNameThatIsTakenIsPassedOverAndSaid() {
    var other = Serialization.unmarshal("metadata: {name: lan-0}", VirtualIp.class);
    vips.put("lan-0", other);
    service("a", "");
    assertEquals(
        List.of(
            "VirtualIP lan-0 lacks the label virtualip.dev/services, so Services do not get its name:"
                + " rename it"),
        decide().taken());
    assertEquals(Map.of("lan-0", List.of(), "lan-1", List.of("203.0.113.1")), lanes());
  }

  @Test
  void aSlipInThePoolChangesNothing() {
    service("a", "");
    decide();
    var before = lanes();
    pool = Serialization.unmarshal(POOL.formatted(2).replace("/24", "/2x"), VirtualIpPool.class);
    decide();
    assertEquals(before, lanes());
    pool = pool(2);
    decide();
    assertEquals(before, lanes());
  }

  @Test
  void fewerLanesTakeAllIn() {
    for (int i = 0; i < 10; i++) {
      service("s" + i, "");
    }
    pool = pool(4);
    decide();
    assertEquals(4, vips.size());
    pool = pool(1);
    decide();
    assertEquals(Set.of("lan-0"), vips.keySet());
    assertEquals(10, lanes().get("lan-0").size());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void anAddressStaysInItsLane(long seed) {
    var random = new Random(seed);
    pool = pool(4);
    for (int step = 0; step < 200; step++) {
      var name = "s" + random.nextInt(60);
      if (random.nextBoolean()) {
        service(name, random.nextInt(3) == 0 ? "ipFamilies: [IPv6]" : "");
      } else {
        services.remove("default/" + name);
      }
      var before = places();
      decide();
      var after = places();
      before.forEach(
          (address, lane) -> {
            if (after.containsKey(address)) {
              assertEquals(lane, after.get(address), address);
            }
          });
      assertEquals(
          lanes().values().stream().mapToInt(List::size).sum(), after.size(), "none is in two");
      var sizes = lanes().values().stream().map(List::size).toList();
      assertTrue(sizes.size() <= 4, sizes::toString);
    }
  }

  private Map<String, String> places() {
    var places = new HashMap<String, String>();
    lanes().forEach((lane, addresses) -> addresses.forEach(a -> places.put(a, lane)));
    return places;
  }
}
