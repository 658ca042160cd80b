package dev.virtualip.crds.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpreadTest {
  private static final List<String> NODES =
      IntStream.range(0, 10).mapToObj(i -> "worker-" + i).toList();

  private static VirtualIpSpec spec(int vrid, String more) {
    return Serialization.unmarshal(
        "---\nvrid: %d\ninterface: eth0\naddresses: [{address: 203.0.113.10/24}]\n%s"
            .formatted(vrid, more),
        VirtualIpSpec.class);
  }

  private static VirtualIpSpec spread(int vrid) {
    return spec(vrid, "nodes: {spread: true}");
  }

  private static String best(VirtualIpSpec spec, List<String> nodes) {
    return nodes.stream().max(Comparator.comparing(spec::priorityOn)).orElseThrow();
  }

  private static Map<String, Integer> masters(List<String> nodes) {
    var masters = new TreeMap<String, Integer>();
    IntStream.rangeClosed(1, 255)
        .forEach(vrid -> masters.merge(best(spread(vrid), nodes), 1, Integer::sum));
    return masters;
  }

  @Test
  void eachOfTenNodesIsBestForSomeTenthOfThem() {
    var masters = masters(NODES);
    assertEquals(10, masters.size());
    masters.forEach((node, of) -> assertTrue(10 <= of && of <= 45, node + " of " + of));
  }

  @Test
  void threeNodesShareToo() {
    var masters = masters(NODES.subList(0, 3));
    masters.forEach((node, of) -> assertTrue(60 <= of && of <= 110, node + " of " + of));
  }

  @Test
  void aNodeThatGoesMovesOnlyItsOwn() {
    for (int vrid = 1; vrid <= 255; vrid++) {
      var spec = spread(vrid);
      var best = best(spec, NODES);
      for (var gone : NODES) {
        var left = new ArrayList<>(NODES);
        left.remove(gone);
        assertTrue(gone.equals(best) || best(spec, left).equals(best));
      }
    }
  }

  @Test
  void prioritiesAreWithinTheirRangeAndLeaveRoomForRequests() {
    for (int vrid = 1; vrid <= 255; vrid++) {
      for (var node : NODES) {
        int priority = spread(vrid).priorityOn(node);
        assertTrue(11 <= priority && priority <= 250, () -> "" + priority);
      }
    }
  }

  @Test
  void theNumbersNeverChange() {
    assertEquals(
        List.of(101, 224, 140), NODES.stream().limit(3).map(spread(77)::priorityOn).toList());
  }

  @Test
  void whoDoesNotAskForItHasNoSuchField() {
    assertEquals("{}", Serialization.asJson(Nodes.ALL));
  }

  @Test
  void anOverrideCountsMore() {
    var spec = spec(77, "nodes: {spread: true, overrides: [{name: worker-1, priority: 254}]}");
    assertEquals(254, spec.priorityOn("worker-1"));
    assertEquals(spread(77).priorityOn("worker-2"), spec.priorityOn("worker-2"));
  }

  @Test
  void membersOfASyncGroupHaveTheSame() {
    var outside = spec(77, "nodes: {spread: true}\nsyncGroup: gateway");
    var inside = spec(78, "nodes: {spread: true}\nsyncGroup: gateway");
    NODES.forEach(node -> assertEquals(outside.priorityOn(node), inside.priorityOn(node)));
  }

  @Test
  void withoutItPrioritiesAreAsTheyWere() {
    assertEquals(100, spec(77, "").priorityOn("worker-1"));
    assertEquals(120, spec(77, "priority: 120").priorityOn("worker-1"));
  }
}
