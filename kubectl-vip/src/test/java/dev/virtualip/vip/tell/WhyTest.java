package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.vip.tell.Why.Cluster;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

class WhyTest {
  private static final Cluster NOTHING = new Cluster(List.of(), List.of(), List.of());
  private static final Cluster CLUSTER =
      new Cluster(
          List.of(node("node-a", "true"), node("node-b", "true"), node("node-c", "no")),
          List.of(pod("virtualip-agent-5qt87", "node-a", "True")),
          List.of(lease("node-a", 3), lease("node-b", 4)));

  private static Node node(String name, String edge) {
    return new NodeBuilder()
        .withNewMetadata()
        .withName(name)
        .addToLabels("edge", edge)
        .endMetadata()
        .build();
  }

  private static Pod pod(String name, String node, String ready) {
    return new PodBuilder()
        .withNewMetadata()
        .withName(name)
        .endMetadata()
        .withNewSpec()
        .withNodeName(node)
        .endSpec()
        .withNewStatus()
        .addNewCondition()
        .withType("Ready")
        .withStatus(ready)
        .endCondition()
        .endStatus()
        .build();
  }

  private static Lease lease(String node, int secondsAgo) {
    return new LeaseBuilder()
        .withNewMetadata()
        .withName("agent-" + node)
        .endMetadata()
        .withNewSpec()
        .withRenewTime(Web.NOW.minusSeconds(secondsAgo).atZone(ZoneOffset.UTC))
        .endSpec()
        .build();
  }

  private static String why(String patch, Cluster cluster, String node) {
    return String.join("\n", Why.of(Web.vip(patch), cluster, node, Web.NOW)) + "\n";
  }

  @Test
  void theWholeChainOfAHealthyPair() {
    assertEquals(
        """
        web: 203.0.113.10/24, VRID 77 on eth0, VRRPv2, adverts every 1s, leases Overlap
        Accepted=True Accepted: 2 nodes selected
        Ready=True Serving: node-a is master

        node-a
          selected: its labels match spec.nodes.selector
          its agent: pod virtualip-agent-5qt87 is ready, heartbeat 3s ago
          runs generation 1, the newest
          NICs: adverts by eth0 from 10.0.0.11; 203.0.113.10/24 on eth1
          check nginx (every 1s): good
          priority 100 (spec.nodes.overrides)
          Master for 3m40s: the master had a lower priority

        node-b
          selected: its labels match spec.nodes.selector
          its agent: heartbeat 4s ago
          runs generation 1, the newest
          NICs: adverts by eth0 from 10.0.0.12; 203.0.113.10/24 on eth1
          check nginx (every 1s): good
          priority 80 (spec.nodes.overrides)
          Backup for 3m40s: it heard a better master, 10.0.0.11
          hears node-a (10.0.0.11), the master with priority 100

        not selected: node-c

        if node-a failed now, node-b would take over, with priority 80, after at most:
          CAUSE                    DETECTION  DECISION  BIND    ANNOUNCE  TOGETHER
          the agent stops          0 ms       4 ms      1.6 ms  0.4 ms    6 ms
          check nginx: it ends     0 ms       4 ms      1.6 ms  0.4 ms    6 ms
          check nginx: it hangs    2 s        4 ms      1.6 ms  0.4 ms    2.01 s
          NIC eth0 down (adverts)  3 s        688 ms    1.6 ms  0.4 ms    3.69 s
          NIC eth1 down            0 ms       4 ms      1.6 ms  0.4 ms    6 ms
          the node is lost         3 s        688 ms    1.6 ms  0.4 ms    3.69 s
          bind and announce: as in the last takeover of node-b
          when node-a is back, it takes over again (spec.preempt)
        """,
        why("{}", CLUSTER, null));
  }

  @Test
  void aNodeThatCannotServe() {
    var failed =
        """
        {status: {nodes: {node-b: {state: Fault, reason: CheckFailed(nginx),
          message: 'connect refused 127.0.0.1:80', refusedGeneration: 2, refusedReason: Conflict,
          speakers: [{address: 10.0.0.9, reason: AuthFailure}],
          strayAddresses: [203.0.113.10/24 dev eth1]}}}}
        """;
    assertEquals(
        """
        web: 203.0.113.10/24, VRID 77 on eth0, VRRPv2, adverts every 1s, leases Overlap
        Accepted=True Accepted: 2 nodes selected
        Ready=True Serving: node-a is master

        node-b
          its agent has no pod and no heartbeat that can be seen
          runs generation 1 and refuses 2: Conflict
          NICs: adverts by eth0 from 10.0.0.12; 203.0.113.10/24 on eth1
          check nginx (every 1s): fails: connect refused 127.0.0.1:80
          priority 80 (spec.nodes.overrides)
          Fault for 3m40s: check nginx fails
          hears 10.0.0.9, which does not fit: AuthFailure
          somebody else has bound 203.0.113.10/24 dev eth1 here: remove it

        if node-a failed now, nobody could take over
        """,
        why(failed, NOTHING, "node-b"));
  }

  @Test
  void twoMastersDoNotHearEachOther() {
    var two = why("{status: {nodes: {node-b: {state: Master}}}}", NOTHING, null);
    assertTrue(
        two.contains(
            "does not hear node-a, which is master too: let IP protocol 112 pass between them"),
        two);
  }

  @Test
  void aNodeThatIsNotThereIsAnError() {
    var error = assertThrows(IllegalArgumentException.class, () -> why("{}", CLUSTER, "node-x"));
    assertEquals("there is no node node-x; there are node-a, node-b, node-c", error.getMessage());
  }

  @Test
  void withoutASelectorTaintsDecide() {
    var tainted =
        new NodeBuilder(node("node-c", "no"))
            .withNewSpec()
            .addNewTaint()
            .withKey("own")
            .withEffect("NoSchedule")
            .endTaint()
            .endSpec()
            .build();
    var none = "{spec: {nodes: {selector: null}}}";
    var cluster = new Cluster(List.of(tainted), List.of(), List.of());
    assertTrue(
        why(none, cluster, "node-c")
            .contains(
                "not selected: it has a NoSchedule or NoExecute taint, and there is no"
                    + " spec.nodes.selector"));
  }

  @Test
  void withoutPreemptionTheSuccessorStays() {
    var stays = why("{spec: {preempt: {enabled: false}}}", NOTHING, null);
    assertTrue(
        stays.endsWith("when node-a is back, node-b stays master (spec.preempt.enabled: false)\n"),
        stays);
  }
}
