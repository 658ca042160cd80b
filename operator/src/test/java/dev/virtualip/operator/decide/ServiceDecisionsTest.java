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
    return decide(List.of(POOL), vips, problems, services);
  }

  private static ServiceDecisions decide(
      List<VirtualIpPool> pools,
      List<VirtualIp> vips,
      Map<String, List<Problem>> problems,
      Service... services) {
    var view =
        new ClusterView(
            vips,
            Map.of(),
            Map.of(),
            List.of(),
            pools,
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

  /** MetalLB and kube-vip beside it, each with its class, and one Service that asks nobody. */
  @Test
  void eachClassServesItsOwnAlone() {
    var ours = service("ours", "type: LoadBalancer, loadBalancerClass: virtualip.dev/vip", "");
    var metallb = service("a", "type: LoadBalancer, loadBalancerClass: metallb.io/metallb", "");
    var kubeVip =
        service(
            "b", "type: LoadBalancer, loadBalancerClass: kube-vip.io/kube-vip-class", "192.0.2.1");
    var none = service("c", "type: LoadBalancer", "");
    var decided = decide(List.of(), Map.of(), ours, metallb, kubeVip, none);
    assertEquals(Map.of("ours", List.of("203.0.113.10")), writes(decided));
    assertTrue(decided.failures().isEmpty());
  }

  @Test
  void bothFamiliesOfADualStackServiceAreInLanesAndInItsStatus() {
    var pool =
        Serialization.unmarshal(
            """
            metadata: {name: dual}
            spec: {addresses: [203.0.113.10, '2001:db8::10'], services: {interface: eth0}}
            """,
            VirtualIpPool.class);
    var spec =
        "type: LoadBalancer, loadBalancerClass: virtualip.dev/vip, ipFamilyPolicy:"
            + " RequireDualStack, ipFamilies: [IPv6, IPv4]";
    var decided = decide(List.of(pool), List.of(), Map.of(), service("dual", spec, ""));
    assertEquals(Map.of("dual", List.of("2001:db8::10", "203.0.113.10")), writes(decided));
    var lanes = Serialization.asJson(decided.lanes().create().stream().map(l -> l.spec()).toList());
    assertTrue(lanes.contains("2001:db8::10/128") && lanes.contains("203.0.113.10/32"), lanes);
  }

  /** With the class changed and nothing else. */
  @ParameterizedTest
  @CsvSource({
    "metallb.io/loadBalancerIPs, 203.0.113.17, 203.0.113.17",
    "metallb.universe.tf/loadBalancerIPs, 203.0.113.17, 203.0.113.17",
    "kube-vip.io/loadbalancerIPs, 203.0.113.17, 203.0.113.17",
    "metallb.io/address-pool, by-name, 198.51.100.7",
    "metallb.universe.tf/address-pool, by-name, 198.51.100.7",
    "metallb.io/allow-shared-ip, key, 203.0.113.10",
    "metallb.universe.tf/allow-shared-ip, key, 203.0.113.10"
  })
  void aManifestForMetallbOrKubeVipMeansTheSame(String annotation, String value, String address) {
    var byName =
        Serialization.unmarshal(
            """
            metadata: {name: by-name}
            spec: {addresses: [198.51.100.7], services: {interface: eth0, autoAssign: false}}
            """,
            VirtualIpPool.class);
    var spec = "type: LoadBalancer, loadBalancerClass: virtualip.dev/vip";
    var first = service("first", spec, "203.0.113.10");
    var second = service("second", spec, "");
    second.getSpec().getPorts().getFirst().setPort(443);
    first.getMetadata().setAnnotations(Map.of("metallb.io/allow-shared-ip", "key"));
    second.getMetadata().setAnnotations(Map.of(annotation, value));
    var decided = decide(List.of(POOL, byName), List.of(LANE), Map.of(), first, second);
    assertEquals(Map.of("second", List.of(address)), writes(decided));
    assertTrue(decided.failures().isEmpty());
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
