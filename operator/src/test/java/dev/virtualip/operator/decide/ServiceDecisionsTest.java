package dev.virtualip.operator.decide;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.check.OwnedAddresses;
import dev.virtualip.crds.check.Pools;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.operator.watch.ClusterView;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServiceDecisionsTest {
  private static final VirtualIpPool POOL =
      Serialization.unmarshal(
          """
          metadata: {name: lan}
          spec: {addresses: [203.0.113.10-203.0.113.19], services: {interface: eth0}}
          """,
          VirtualIpPool.class);

  private static final VirtualIp LANE =
      Serialization.unmarshal(
          """
          metadata: {name: lan-0, uid: u, labels: {virtualip.dev/services: lan}}
          spec: {interface: eth0, addresses: [{address: 203.0.113.10/32}]}
          """,
          VirtualIp.class);

  private static Service service(String name, String spec, String ip) {
    var ingress = ip.isEmpty() ? "{}" : "{ingress: [{ip: %s}]}".formatted(ip);
    return Serialization.unmarshal(
        """
        metadata: {name: %s, namespace: default, uid: uid-%s}
        spec: {ports: [{port: 80}], %s}
        status: {loadBalancer: %s}
        """
            .formatted(name, name, spec, ingress),
        Service.class);
  }

  private static ServiceDecisions decide(
      List<VirtualIp> vips, Map<String, List<Problem>> problems, Service... services) {
    var view =
        new ClusterView(
            vips,
            Map.of(),
            Map.of(),
            List.of(),
            List.of(POOL),
            List.of(services),
            Map.of(),
            null,
            List.of(),
            Map.of(),
            Instant.EPOCH);
    return ServiceDecisions.of(
        view, Pools.of(view.pools()).all(), new OwnedAddresses(List.of(), null), problems, false);
  }

  private static Map<String, List<String>> writes(ServiceDecisions decided) {
    return decided.writes().entrySet().stream()
        .collect(Collectors.toMap(w -> w.getKey().getMetadata().getName(), Map.Entry::getValue));
  }

  @ParameterizedTest
  @CsvSource({
    "LoadBalancer, virtualip.dev/vip, false, true",
    "LoadBalancer, metallb, true, false",
    "LoadBalancer, , false, false",
    "LoadBalancer, , true, true",
    "ClusterIP, virtualip.dev/vip, true, false"
  })
  void theClassSaysWhoseAServiceIs(String type, String of, boolean withoutClass, boolean ours) {
    var spec = "type: " + type + (of == null ? "" : ", loadBalancerClass: " + of);
    assertEquals(ours, ServiceRequest.isOurs(service("s", spec, ""), withoutClass));
  }

  @Test
  void whatOthersServeIsPassedOverAndLeftAlone() {
    var ours = service("ours", "type: LoadBalancer, loadBalancerClass: virtualip.dev/vip", "");
    var other = service("other", "type: LoadBalancer, loadBalancerClass: metallb", "203.0.113.10");
    var plain = service("plain", "type: ClusterIP, externalIPs: [203.0.113.11]", "");
    var decided = decide(List.of(), Map.of(), ours, other, plain);
    assertEquals(Map.of("ours", List.of("203.0.113.12")), writes(decided));
    assertEquals(Map.of("lan", 1), decided.assigned());
    assertEquals(1, decided.lanes().create().size());
  }

  @Test
  void whoIsOfAnotherTypeNowLosesTheAddress() {
    var former = service("former", "type: ClusterIP", "203.0.113.10");
    var foreign = service("foreign", "type: ClusterIP", "198.51.100.1");
    var decided = decide(List.of(LANE), Map.of(), former, foreign);
    assertEquals(Map.of("former", List.of()), writes(decided));
    assertEquals(List.of(LANE), decided.lanes().delete());
  }

  @Test
  void anAddressOfAnotherVirtualIpIsPassedOver() {
    var other =
        Serialization.unmarshal(
            "metadata: {name: web, uid: w}\nspec: {addresses: [{address: 203.0.113.10/24}]}",
            VirtualIp.class);
    var ours = service("ours", "type: LoadBalancer, loadBalancerClass: virtualip.dev/vip", "");
    assertEquals(
        Map.of("ours", List.of("203.0.113.11")), writes(decide(List.of(other), Map.of(), ours)));
  }

  @Test
  void aServiceIsToldWhyItsVirtualIpIsNotAccepted() {
    var spec = "type: LoadBalancer, loadBalancerClass: virtualip.dev/vip";
    var ours = service("ours", spec, "203.0.113.10");
    var problem = new Problem("spec.vrid", "none of 1 to 255 is free: remove a VirtualIP");
    var decided = decide(List.of(LANE), Map.of("lan-0", List.of(problem)), ours);
    assertEquals(
        List.of(
            "its VirtualIP lan-0 is not accepted: spec.vrid: none of 1 to 255 is free: remove a"
                + " VirtualIP"),
        List.copyOf(decided.failures().values()));
    assertFalse(decided.assigned().isEmpty());
    assertTrue(decided.writes().isEmpty());
  }
}
