package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RebalanceTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Instant LONG_AGO = NOW.minusSeconds(600);
  private static final List<String> NODES = List.of("a", "b", "c");

  /** Whom hashing gives VRID 1, and who comes next. */
  private final String best = ranked(1).get(0);

  private final String second = ranked(1).get(1);
  private final String third = ranked(1).get(2);
  private Set<String> drained = Set.of();
  private Set<String> pinned = Set.of();
  private boolean upgrades;

  private static VirtualIp lane(int vrid) {
    return Serialization.unmarshal(
        """
        metadata: {name: lan-%d, uid: uid-%d, generation: 2, labels: {virtualip.dev/services: lan}}
        spec:
          vrid: %d
          interface: eth0
          addresses: [{address: 203.0.113.%d/32}]
          preempt: {enabled: false}
          nodes: {spread: true}
        """
            .formatted(vrid, vrid, vrid, vrid),
        VirtualIp.class);
  }

  private static List<String> ranked(int vrid) {
    var spec = lane(vrid).getSpec();
    return NODES.stream()
        .sorted(Comparator.<String>comparingInt(spec::priorityOn).reversed())
        .toList();
  }

  private static NodeStatus report(State state, Instant since) {
    return new NodeStatus(state, 100, since.toString(), null, null, 2L, null, null);
  }

  private static VirtualIp on(int vrid, String master, Instant since) {
    var reports = new TreeMap<String, NodeStatus>();
    NODES.forEach(node -> reports.put(node, report(Backup, LONG_AGO)));
    reports.put(master, report(Master, since));
    return Vips.reported(lane(vrid), master, reports);
  }

  private Rebalance rebalance(VirtualIp... vips) {
    return Rebalance.of(List.of(vips), Set.of(), drained, upgrades, pinned, NOW);
  }

  @Test
  void aLaneThatIsWithItsBestNodeStays() {
    assertEquals(Rebalance.NONE, rebalance(on(1, best, LONG_AGO)));
  }

  @Test
  void aLaneThatIsElsewhereMovesToItsBestNode() {
    assertEquals(new Rebalance("lan-1", best, true), rebalance(on(1, second, LONG_AGO)));
  }

  @Test
  void itWaitsUntilAllLanesHaveBeenQuietForAWhile() {
    assertEquals(
        new Rebalance(null, null, true),
        rebalance(on(1, second, LONG_AGO), on(2, ranked(2).getFirst(), NOW.minusSeconds(5))));
  }

  @Test
  void aNodeAtFaultOrDrainedIsNobodysBest() {
    var vip = on(1, second, LONG_AGO);
    vip.getStatus().nodes().put(best, report(Fault, LONG_AGO));
    assertEquals(Rebalance.NONE, rebalance(vip));
    drained = Set.of(best);
    assertEquals(Rebalance.NONE, rebalance(on(1, second, LONG_AGO)));
    assertEquals(new Rebalance("lan-1", second, true), rebalance(on(1, third, LONG_AGO)));
  }

  @Test
  void neitherAnUpgradeNorWhatSomebodyHasSwitchedOverIsDisturbed() {
    upgrades = true;
    assertEquals(Rebalance.NONE, rebalance(on(1, second, LONG_AGO)));
    upgrades = false;
    pinned = Set.of("lan-1");
    assertEquals(Rebalance.NONE, rebalance(on(1, second, LONG_AGO)));
  }

  @Test
  void whatIsNoLaneIsLetBe() {
    var vip = on(1, second, LONG_AGO);
    vip.getMetadata().setLabels(Map.of());
    assertEquals(Rebalance.NONE, rebalance(vip));
  }

  @Test
  void aMoveThatHasBegunGoesOnUnlessNobodyFollows() {
    var vip = on(1, second, LONG_AGO);
    var asked = new HandOver(1, "Rebalance(" + best + ")", NOW.minusSeconds(2).toString());
    var begun = Vips.asked(vip, Map.of(second, asked));
    assertEquals(
        new Rebalance("lan-1", best, true), rebalance(begun, on(2, ranked(2).get(1), NOW)));
    var old = new HandOver(1, "Rebalance(" + best + ")", NOW.minusSeconds(61).toString());
    assertEquals(Rebalance.NONE, rebalance(Vips.asked(vip, Map.of(second, old))));
  }

  private VirtualIp askedAt(String reason, Instant since) {
    return Vips.asked(
        on(1, second, LONG_AGO), Map.of(second, new HandOver(1, reason, since.toString())));
  }

  @Test
  void whatNobodyFollowsRestsTwiceAsLongEachTime() {
    var rest = new RebalanceRest();
    var now = NOW;
    for (var minutes : List.of(2, 4, 8, 16, 32, 60, 60)) {
      var tried = askedAt("Rebalance(" + best + ")", now.minusSeconds(61));
      assertEquals(Set.of("lan-1"), rest.resting(List.of(tried), now));
      var idle = List.of(on(1, second, LONG_AGO));
      var end = now.plusSeconds(60L * minutes);
      assertEquals(Set.of("lan-1"), rest.resting(idle, end.minusSeconds(1)));
      assertEquals(Set.of(), rest.resting(idle, end));
      now = end.plusSeconds(100);
    }
    assertEquals(Set.of(), rest.resting(List.of(), now.plusSeconds(2 * 3600)));
    var anew = askedAt("Rebalance(" + best + ")", now.plusSeconds(2 * 3600 - 61));
    assertEquals(Set.of("lan-1"), rest.resting(List.of(anew), now.plusSeconds(2 * 3600)));
    assertEquals(Set.of(), rest.resting(List.of(), now.plusSeconds(2 * 3600 + 120)), "from 2 min");
  }

  @Test
  void otherRequestsAndFreshOnesCauseNoRest() {
    var rest = new RebalanceRest();
    var drain = askedAt("Drain(cordoned)", LONG_AGO);
    var fresh = askedAt("Rebalance(" + best + ")", NOW.minusSeconds(5));
    assertEquals(Set.of(), rest.resting(List.of(drain, fresh), NOW));
  }

  /** Seeded: nodes fail and return; in the end each lane is with its best node, one move a lane. */
  @Test
  void afterFailuresEachLaneIsBackAfterOneMoveEach() {
    for (int seed = 0; seed < 200; seed++) {
      var random = new Random(seed);
      var masters = new HashMap<Integer, String>();
      for (int vrid = 1; vrid <= 8; vrid++) {
        masters.put(vrid, NODES.get(random.nextInt(NODES.size())));
      }
      int moves = 0;
      var moved = new HashSet<String>();
      for (int turn = 0; turn < 9; turn++) {
        var vips = new ArrayList<VirtualIp>();
        masters.forEach((vrid, master) -> vips.add(on(vrid, master, LONG_AGO)));
        var next = rebalance(vips.toArray(VirtualIp[]::new));
        if (next.vip() == null) {
          break;
        }
        moves++;
        moved.add(next.vip());
        masters.put(Integer.parseInt(next.vip().substring(4)), next.to());
      }
      assertEquals(moved.size(), moves, "one move each, seed " + seed);
      masters.forEach((vrid, master) -> assertEquals(ranked(vrid).getFirst(), master));
    }
  }
}
