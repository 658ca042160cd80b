package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Unknown;
import static dev.virtualip.operator.watch.Vips.A;
import static dev.virtualip.operator.watch.Vips.B;
import static dev.virtualip.operator.watch.Vips.C;
import static dev.virtualip.operator.watch.Vips.TAINTED;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AgentPlacementTest {
  private static final List<NodeFacts> CLUSTER = List.of(A, B, C, TAINTED);

  @Test
  void agentsGoWhereAnyVirtualIpSelects() {
    assertEquals(Set.of("a", "b"), nodes(Vips.edge("web", 77)));
    assertEquals(Set.of("a", "b", "c"), nodes(Vips.edge("web", 77), Vips.vip("all", 78, "null")));
    assertEquals(Set.of(), nodes());
  }

  /** It has to accept the virtual address, whether it may be master or not. */
  @Test
  void aRealServerOfDirectRouteNeedsAnAgentToo() {
    var vip =
        Serialization.unmarshal(
            """
            metadata: {name: lvs}
            spec:
              vrid: 77
              interface: eth0
              addresses: [{address: 203.0.113.10/24}]
              nodes: {selector: {matchLabels: {edge: 'true'}}}
              virtualServers:
                - name: http
                  port: 80
                  forwarding: DirectRoute
                  realServers:
                    nodes: {selector: {matchExpressions: [{key: edge, operator: DoesNotExist}]}}
            """,
            VirtualIp.class);
    assertEquals(Set.of("a", "b", "c", "t"), nodes(vip));
    var masquerade =
        Serialization.unmarshal(
            Serialization.asYaml(vip).replace("DirectRoute", "Masquerade"), VirtualIp.class);
    assertEquals(Set.of("a", "b"), nodes(masquerade));
  }

  @Test
  void problemsElsewhereInTheSpecLeaveTheSelectionAlone() {
    assertEquals(
        Set.of("a", "b"), nodes(Vips.vip("web", 300, "{selector: {matchLabels: {edge: 'true'}}}")));
  }

  @Test
  void badEditKeepsTheAgentsThatStillServe() {
    var vip = Vips.vip("web", 77, "{selector: {matchExpressions: [null, {key: moon}]}}");
    assertEquals(Set.of(), nodes(vip));
    Vips.reported(vip, null, Map.of("c", report(Backup, 1), "gone", report(Backup, 1)));
    assertEquals(Set.of("c"), nodes(vip));
    vip.setSpec(null);
    assertEquals(Set.of("c"), nodes(vip));
  }

  @Test
  void goodEditThatSelectsOtherNodesTakesTheAgentAwayWhenItHasHandedOver() {
    var vip = Vips.reported(Vips.edge("web", 77), null, Map.of("c", report(Backup, 1)));
    assertEquals(Set.of("a", "b", "c"), nodes(vip));
    Vips.reported(vip, null, Map.of("c", report(Unknown, 1)));
    assertEquals(Set.of("a", "b"), nodes(vip), "nobody is there to hand over");
    Vips.reported(vip, null, Map.of());
    assertEquals(Set.of("a", "b"), nodes(vip));
  }

  @Test
  void aTaintThatComesLaterLeavesTheAgentWhereItRuns() {
    var vip = Vips.vip("web", 77, "null");
    assertEquals(Set.of("a", "b", "c"), nodes(vip));
    Vips.reported(vip, null, Map.of("t", report(Backup, 2)));
    assertEquals(Set.of("a", "b", "c", "t"), nodes(vip));
  }

  private static Set<String> nodes(VirtualIp... vips) {
    return AgentPlacement.nodes(List.of(vips), Vips.problems(vips), CLUSTER);
  }
}
