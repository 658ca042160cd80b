package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.FakeNode;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a plan remembers of the one before: results of checks, of specs that are the same. */
class PlanTest {
  private static final Nics NICS = new FakeNode().node.network().nics();

  private final Plan plan = new Plan("node-a");

  private static VirtualIp vip(String name, int generation, int vrid) {
    return Serialization.unmarshal(
        """
        metadata: {name: %s, generation: %d}
        spec: {vrid: %d, interface: eth0, addresses: [{address: 10.0.0.%d/24}]}
        """
            .formatted(name, generation, vrid, vrid % 250),
        VirtualIp.class);
  }

  private PlanChange change(VirtualIp... vips) {
    var self = new NodeFacts("node-a", Map.of(), true);
    return plan.change(new Desired(List.of(vips), self, List.of(), Map.of(), Map.of()), NICS);
  }

  @Test
  void anObjectWithTheSameSpecIsStillTheNewOne() {
    change(vip("a", 1, 1));
    assertEquals(2, change(vip("a", 2, 1)).run().get("a").config().generation());
    assertEquals(2, plan.running().get("a").getMetadata().getGeneration());
  }

  @Test
  void anEditOfOneChangesThatOneAlone() {
    change(vip("a", 1, 1), vip("b", 1, 2));
    assertEquals(Set.of("b"), change(vip("a", 1, 1), vip("b", 2, 3)).run().keySet());
    assertTrue(change(vip("a", 1, 1), vip("b", 2, 3)).isEmpty());
  }

  @Test
  void aSpecThatStaysBadStaysRefusedUntilItIsMended() {
    change(vip("a", 1, 256));
    assertTrue(change(vip("a", 1, 256)).isEmpty());
    assertEquals(Set.of("a"), plan.refused());
    assertEquals(Set.of("a"), change(vip("a", 2, 1)).run().keySet());
  }
}
