package dev.virtualip.crds.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.api.model.Node;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeFactsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {} | true | false
          {unschedulable: true, taints: [{key: node.kubernetes.io/unschedulable, effect: \
          NoSchedule}]} | true | false
          {taints: [{key: node.kubernetes.io/not-ready, effect: NoExecute}]} | true | false
          {taints: [{key: dedicated, effect: PreferNoSchedule}]} | true | false
          {taints: [{key: dedicated, effect: NoSchedule}]} | false | false
          {taints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]} | false | false
          {taints: [{key: dedicated, effect: NoExecute}]} | false | true
          {taints: [{effect: NoExecute}]} | false | true
          """)
  void taintsOfUsersKeepWorkloadsOffOrEvictThem(
      String nodeSpec, boolean schedulable, boolean evicting) {
    var node =
        Specs.yaml(
            "{apiVersion: v1, kind: Node, metadata: {name: n}, spec: " + nodeSpec + "}",
            Node.class);
    assertEquals(
        new NodeFacts("n", Map.of(), schedulable, evicting, List.of()), NodeFacts.of(node));
  }

  @Test
  void internalIpsAreItsAddresses() {
    var node =
        Specs.yaml(
            "{apiVersion: v1, kind: Node, metadata: {name: n}, status: {addresses: [{type: Hostname,"
                + " address: n}, {type: InternalIP, address: 10.0.0.1}, {type: InternalIP, address:"
                + " '2001:db8::1'}, {type: ExternalIP, address: 1.2.3.4}]}}",
            Node.class);
    assertEquals(List.of("10.0.0.1", "2001:db8::1"), NodeFacts.of(node).addresses());
  }

  @Test
  void withoutSelectorSchedulableNodesAreSelected() {
    assertTrue(new NodeFacts("n", Map.of(), true).selectedBy(vip("")));
    assertFalse(new NodeFacts("n", Map.of(), false).selectedBy(vip("")));
  }

  @Test
  void aSelectorDecidesAlone() {
    var vip = vip("nodes: {selector: {matchLabels: {edge: 'true'}}}");
    assertTrue(new NodeFacts("n", Map.of("edge", "true"), false).selectedBy(vip));
    assertFalse(new NodeFacts("n", Map.of("edge", "no"), true).selectedBy(vip));
    assertFalse(new NodeFacts("n", Map.of("edge", "no"), true).selectedBy(reportedBy("n", vip)));
  }

  @Test
  void whereItRunsATaintThatComesLaterLeavesItAloneUnlessItEvicts() {
    var full = new NodeFacts("n", Map.of(), false);
    assertTrue(full.selectedBy(reportedBy("n", vip(""))));
    assertFalse(full.selectedBy(reportedBy("other", vip(""))));
    var evicting = new NodeFacts("n", Map.of(), false, true, List.of());
    assertFalse(evicting.selectedBy(reportedBy("n", vip(""))));
  }

  private static VirtualIp vip(String yaml) {
    return Specs.virtualIp("web", "2026-01-01T00:00:00Z", yaml);
  }

  private static VirtualIp reportedBy(String node, VirtualIp vip) {
    var report = new NodeStatus(State.Backup, 100, null, null, null, 1L, null, null);
    vip.setStatus(new VirtualIpStatus(null, null, Map.of(node, report), null));
    return vip;
  }
}
