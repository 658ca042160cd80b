package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
          {} | true
          {unschedulable: true, taints: [{key: node.kubernetes.io/unschedulable, effect: \
          NoSchedule}]} | true
          {taints: [{key: node.kubernetes.io/not-ready, effect: NoExecute}]} | true
          {taints: [{key: dedicated, effect: PreferNoSchedule}]} | true
          {taints: [{key: dedicated, effect: NoSchedule}]} | false
          {taints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]} | false
          {taints: [{key: dedicated, effect: NoExecute}]} | false
          {taints: [{effect: NoExecute}]} | false
          """)
  void taintsOfUsersMakeANodeUnschedulable(String nodeSpec, boolean schedulable) {
    var node =
        Specs.yaml(
            "{apiVersion: v1, kind: Node, metadata: {name: n}, spec: " + nodeSpec + "}",
            Node.class);
    assertEquals(new NodeFacts("n", Map.of(), schedulable), NodeFacts.of(node));
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
    assertTrue(new NodeFacts("n", Map.of(), true).selectedBy(spec("")));
    assertFalse(new NodeFacts("n", Map.of(), false).selectedBy(spec("")));
  }

  @Test
  void aSelectorDecidesAlone() {
    var spec = spec("nodes: {selector: {matchLabels: {edge: 'true'}}}");
    assertTrue(new NodeFacts("n", Map.of("edge", "true"), false).selectedBy(spec));
    assertFalse(new NodeFacts("n", Map.of("edge", "no"), true).selectedBy(spec));
  }
}
