package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Operator and agents refuse what no pool allows, whatever the API server has let in. */
@InLab
class PoolsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration LATER = Duration.ofSeconds(120);

  private static final String VIP =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        vrid: %d
        interface: eth0
        addresses: [{address: %s, interface: eth1}]
        nodes: {overrides: [{name: node-a, priority: 200}]}
      """;

  private static final String SPREAD =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        interface: eth0
        addresses: [{address: 203.0.113.%d/24, interface: eth1}]
        nodes: {spread: true}
      """;

  private static void pool(Cluster cluster, String addresses) {
    var yaml =
        """
        metadata: {name: team-a}
        spec: {addresses: [%s]}
        """;
    cluster.apply(Serialization.unmarshal(yaml.formatted(addresses), VirtualIpPool.class));
  }

  /** A replacement takes the VRID away, and the same comes back: the addresses stay. */
  private static void aVridIsAllocatedOnceAndNodesShareByTheirNames(Cluster cluster) {
    for (var name : List.of("third", "fourth", "fifth")) {
      var manifest = SPREAD.formatted(name, name.length());
      cluster.apply(manifest);
      cluster.await("it has a VRID", SOON, () -> spec(cluster, name).vrid() != null);
      var spec = spec(cluster, name);
      assertFalse(List.of(77, 78).contains(spec.vrid()), "it is its own");
      var best = spec.priorityOn("node-a") > spec.priorityOn("node-b") ? "node-a" : "node-b";
      cluster.await(name + " is on " + best, SOON, () -> cluster.isReady(name, best));
      long moves = cluster.status(name).transitions();
      cluster.apply(manifest);
      cluster.await("it has it again", SOON, () -> spec.vrid().equals(spec(cluster, name).vrid()));
      cluster.await(name + " is on " + best, SOON, () -> cluster.isReady(name, best));
      assertEquals(moves, cluster.status(name).transitions(), "it has served on");
      cluster.delete(name);
    }
  }

  private static VirtualIpSpec spec(Cluster cluster, String name) {
    return cluster.client().resources(VirtualIp.class).withName(name).get().getSpec();
  }

  private static VirtualIpPool pool(Cluster cluster) {
    return cluster.client().resources(VirtualIpPool.class).withName("team-a").get();
  }

  @Test
  void aVirtualIpRunsInAPoolAndNotOutsideOfIt() {
    try (var lab = Lab.open();
        var cluster =
            Cluster.install(
                lab, ClassicPair.build(lab), ApiServer.start(lab, ClassicPair.CONTROL), 1)) {
      cluster.startWorkers();
      cluster.startOperator();
      pool(cluster, "203.0.113.0/28");
      cluster.apply(VIP.formatted("inside", 77, "203.0.113.10/24"));
      cluster.apply(VIP.formatted("outside", 78, "203.0.113.20/24"));
      cluster.await("inside is on node-a", LATER, () -> cluster.isReady("inside", "node-a"));
      var message =
          "False OutsidePools: spec.addresses[0].address: 203.0.113.20/24 is outside of"
              + " VirtualIPPool team-a, which allows 203.0.113.0-203.0.113.15";
      cluster.await(
          "outside is refused",
          SOON,
          () -> cluster.condition("outside", "Accepted").startsWith(message));
      cluster.await(
          "the agents refuse it too",
          SOON,
          () ->
              cluster.status("outside").nodes() != null
                  && cluster.status("outside").nodes().values().stream()
                      .allMatch(
                          n -> n.state() == State.Fault && n.reason().equals("OutsidePools")));
      cluster.await("it is counted", SOON, () -> pool(cluster).getStatus() != null);
      cluster.await("one is used", SOON, () -> pool(cluster).getStatus().used() == 1);
      assertEquals(List.of("inside"), pool(cluster).getStatus().virtualIPs());
      assertEquals(15, pool(cluster).getStatus().free());
      assertColumns(cluster);

      aVridIsAllocatedOnceAndNodesShareByTheirNames(cluster);

      pool(cluster, "203.0.113.16/28");
      cluster.await("outside is inside", SOON, () -> cluster.isReady("outside", "node-a"));
      cluster.await(
          "inside is outside",
          SOON,
          () -> cluster.condition("inside", "Accepted").startsWith("False OutsidePools"));
      assertEquals(
          State.Master, cluster.status("inside").nodes().get("node-a").state(), "it goes on");

      cluster.client().resources(VirtualIpPool.class).withName("team-a").delete();
      cluster.await("without a pool all is well", SOON, () -> cluster.isReady("inside", "node-a"));
      assertTrue(cluster.isReady("outside", "node-a"));
    }
  }

  private static void assertColumns(Cluster cluster) {
    if (!cluster.api().real()) {
      return;
    }
    var lines = cluster.api().kubectl("get", "vippool", "-o", "wide").lines().toList();
    assertEquals(
        "NAME ADDRESSES VRIDS USED FREE ACCEPTED AGE INTERFACES USED BY",
        lines.getFirst().strip().replaceAll(" +", " "));
    assertTrue(lines.get(1).contains("203.0.113.0/28"), lines::toString);
    assertFalse(lines.get(1).contains("outside"), lines::toString);
  }
}
