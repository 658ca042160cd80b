package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Which addresses, nodes and pods are real servers, and with which weight. */
class VirtualServerTest {
  private static final PodSelector WEB =
      new PodSelector("shop", new LabelSelector(Map.of("app", "web"), null));

  private static final String PODS =
      "pods: {namespace: shop, selector: {matchLabels: {app: web}}, weight: 5}";

  private static PodFacts pod(String name, boolean ready, boolean terminating, String... ips) {
    return new PodFacts(name, List.of(ips), ready, terminating);
  }

  /** Address, port and weight of each real server. */
  private static String servers(String realServers, PodFacts... pods) {
    var yaml =
        """
        metadata: {name: web}
        spec:
          vrid: 77
          interface: eth0
          addresses: [{address: 203.0.113.10/24}, {address: '2001:db8:1::10/64', advertised: false}]
          virtualServers: [{name: http, port: 80, forwarding: Masquerade, realServers: {%s}}]
        """
            .formatted(realServers);
    var checked = CheckedSpec.check(Serialization.unmarshal(yaml, VirtualIp.class));
    assertEquals(List.of(), checked.problems());
    var node = new NodeFacts("node-a", Map.of("lb", "yes"), true, List.of("10.0.0.11"));
    return VirtualServer.of(
            checked.spec().virtualServers().getFirst(), List.of(node), Map.of(WEB, List.of(pods)))
        .servers()
        .entrySet()
        .stream()
        .map(
            server ->
                IpPrefix.text(server.getKey().address())
                    + " "
                    + server.getKey().port()
                    + "="
                    + server.getValue())
        .collect(Collectors.joining(", "));
  }

  @Test
  void readyPodsServeAndTerminatingOnesFinish() {
    assertEquals(
        "10.1.0.1 0=5, 10.1.0.2 0=0, 10.1.0.4 0=0",
        servers(
            PODS,
            pod("a", true, false, "10.1.0.1"),
            pod("b", true, true, "10.1.0.2"),
            pod("c", false, false, "10.1.0.3"),
            pod("d", false, true, "10.1.0.4"),
            pod("e", true, false)));
  }

  @Test
  void aPodServesInBothFamilies() {
    assertEquals(
        "10.1.0.1 0=5, 2001:db8::1 0=5",
        servers(PODS, pod("a", true, false, "10.1.0.1", "2001:db8::1")));
  }

  @Test
  void whatIsListedOrANodeCountsOnceAndAsThat() {
    assertEquals(
        "10.1.0.1 80=3, 10.0.0.11 0=2, 10.1.0.2 0=5",
        servers(
            "addresses: [{address: 10.1.0.1, port: 80, weight: 3}], nodes: {selector: {matchLabels:"
                + " {lb: 'yes'}}, weight: 2}, "
                + PODS,
            pod("a", true, false, "10.1.0.1"),
            pod("of-the-host-network", true, false, "10.0.0.11"),
            pod("c", true, false, "10.1.0.2")));
  }

  @Test
  void anotherPortIsAnotherServer() {
    assertEquals(
        "10.1.0.1 0=1, 10.1.0.1 8080=1",
        servers(
            "addresses: [{address: 10.1.0.1}], pods: {namespace: shop, selector: {matchLabels: {app:"
                + " web}}, port: 8080}",
            pod("a", true, false, "10.1.0.1")));
  }

  @Test
  void anAddressOfAPodThatHasEndedIsItsSuccessors() {
    assertEquals(
        "10.1.0.1 0=5",
        servers(PODS, pod("a", false, true, "10.1.0.1"), pod("b", true, false, "10.1.0.1")));
  }

  @Test
  void aVirtualAddressIsNoServer() {
    assertEquals("", servers(PODS, pod("a", true, false, "203.0.113.10")));
  }
}
