package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Two VirtualIPs of one node with one default route; the first one's lease is longer. */
class SharedRoutesTest {
  private static final long SECOND = 1_000_000_000L;
  private static final String SPEC =
      """
      metadata: {name: vip%d, generation: 1}
      spec:
        vrid: %d
        interface: eth0
        advertInterval: %s
        addresses: [%s]
        routes: [{to: default, via: '%s', interface: eth1}]
      """;

  private final FakeNode fake = new FakeNode();
  private long now = 1;

  private VrrpInstance master(int vrid, String interval, String addresses, String gateway) {
    var yaml = SPEC.formatted(vrid, vrid, interval, addresses, gateway);
    var vip = Serialization.unmarshal(yaml, VirtualIp.class);
    var config = InstanceConfig.from(vip, "node-a", Map.of(), List.of());
    var instance = new VrrpInstance(config, false, fake.node, _ -> {});
    instance.start(now);
    while (instance.status().state() != State.Master) {
      assertTrue(instance.deadline() < 10 * SECOND, () -> instance.status().toString());
      now = instance.deadline();
      instance.onDeadline(now);
    }
    return instance;
  }

  private VrrpInstance four(int vrid, String interval, String address) {
    return master(
        vrid, interval, "{address: %s, interface: eth1}".formatted(address), "203.0.113.1");
  }

  private VrrpInstance six(int vrid, String interval) {
    fake.bind(2, "fe80::b/64", 0);
    fake.report();
    var addresses =
        "{address: '2001:db8::%d/64', interface: eth1}, {address: 'fe80::%d/64'}"
            .formatted(vrid, vrid);
    return master(vrid, interval, addresses, "fe80::1");
  }

  private void stop(VrrpInstance instance) {
    instance.stop(Reason.of(Kind.AgentStopped), now);
  }

  private Set<String> sources() {
    return fake.installed.stream()
        .map(route -> IpPrefix.text(route.source()))
        .collect(Collectors.toSet());
  }

  /** The kernel drops a route with its source: each has its own, and ends with its own lease. */
  @Test
  void eachHasAnIpv4RouteFromItsOwnAddress() {
    var web = four(77, "1s", "203.0.113.10/24");
    var ingress = four(83, "500ms", "203.0.113.83/24");
    assertEquals(Set.of("203.0.113.10", "203.0.113.83"), sources());
    stop(ingress);
    assertEquals(Set.of("203.0.113.10"), sources());
    stop(web);
    assertEquals(Set.of(), sources());
  }

  @Test
  void anIpv6RouteLastsAsLongAsTheLongestLease() {
    six(77, "1s");
    var shorter = six(83, "250ms");
    fake.log.clear();
    now = shorter.deadline();
    shorter.onDeadline(now);
    assertTrue(fake.log.contains("put 2001:db8::83/64 lease 1"), fake.log::toString);
    assertTrue(fake.log.contains("put route ::/0 lease 4"), fake.log::toString);
  }

  @Test
  void anIpv6RouteGoesWithTheLastOfThem() {
    var longer = six(77, "1s");
    var shorter = six(83, "250ms");
    stop(longer);
    assertEquals(1, fake.installed.size());
    fake.log.clear();
    now = shorter.deadline();
    shorter.onDeadline(now);
    assertTrue(fake.log.contains("put route ::/0 lease 1"), fake.log::toString);
    stop(shorter);
    assertEquals(Set.of(), Set.copyOf(fake.installed));
  }
}
