package dev.virtualip.crds.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class VridAllocationTest {
  private static VirtualIp vip(String name, String created, String spec) {
    return Specs.virtualIp(name, created, spec);
  }

  private static VirtualIp without(String name) {
    return vip(name, null, "vrid: null");
  }

  private static VridAllocation allocate(VirtualIp... vips) {
    return VridAllocation.of(List.of(vips), Pools.NONE);
  }

  private static VirtualIpPool pool(String spec) {
    var pool = new VirtualIpPool();
    pool.getMetadata().setName("team-a");
    pool.setSpec(Specs.yaml(spec, VirtualIpPoolSpec.class));
    return pool;
  }

  @Test
  void whoHasOneKeepsIt() {
    var web = vip("web", null, "");
    var allocated = allocate(web);
    assertEquals(VridAllocation.NONE, allocated, "nothing is allocated");
    assertSame(web, allocated.apply(web));
  }

  @Test
  void theNameDecidesSoThatAnObjectThatIsMadeAnewHasItsFormerOne() {
    var first = allocate(without("web")).vrids();
    assertEquals(first, allocate(vip("web", "2026-01-01T00:00:00Z", "vrid: null")).vrids());
    assertEquals(first.get("web"), allocate(without("web"), without("api")).vrids().get("web"));
  }

  @Test
  void noTwoHaveTheSameWhateverTheirNics() {
    var vips = new ArrayList<VirtualIp>();
    IntStream.range(0, 200).forEach(i -> vips.add(without("vip-" + i)));
    IntStream.range(1, 51)
        .forEach(
            i -> vips.add(vip("own-" + i, null, "{vrid: %d, interface: eth%d}".formatted(i, i))));
    var vrids = VridAllocation.of(vips, Pools.NONE).vrids();
    assertEquals(200, new HashSet<>(vrids.values()).size());
    assertTrue(vrids.values().stream().allMatch(vrid -> 50 < vrid && vrid <= 255));
  }

  @Test
  void whenAllAreTakenTheYoungestIsToldSo() {
    var vips = new ArrayList<VirtualIp>();
    IntStream.range(0, 255).forEach(i -> vips.add(without("vip-" + i)));
    vips.add(vip("late", "2026-01-01T00:00:00Z", "vrid: null"));
    var allocated = VridAllocation.of(vips, Pools.NONE);
    assertEquals(255, allocated.vrids().size());
    assertEquals(
        "[spec.vrid: none of 1 to 255 is free: remove a VirtualIP, or give this one a number"
            + " that only VirtualIPs with other NICs or nodes have]",
        allocated.problems().get("late").toString());
  }

  @Test
  void whatElseIsWrongIsToldAloneAndNothingIsAllocated() {
    var wrong = vip("web", null, "{vrid: null, priority: 300}");
    var allocated = allocate(wrong);
    assertEquals(Map.of(), allocated.vrids());
    assertEquals(
        List.of("spec.priority"),
        allocated.explain(CheckedSpec.check(wrong)).problems().stream()
            .map(Problem::path)
            .toList());
  }

  @Test
  void itIsOneThatThePoolAllows() {
    var pools =
        Pools.of(List.of(pool("{addresses: [203.0.113.0/28], vrids: [\"77\", \"10-11\"]}")));
    var vips =
        List.of(
            vip("a", "2026-01-01T00:00:00Z", "vrid: null"),
            vip(
                "b",
                "2026-01-02T00:00:00Z",
                "{vrid: null, addresses: [{address: 203.0.113.11/24}]}"),
            vip("c", "2026-01-03T00:00:00Z", "{vrid: 10, addresses: [{address: 203.0.113.12/24}]}"),
            vip(
                "d",
                "2026-01-04T00:00:00Z",
                "{vrid: null, addresses: [{address: 203.0.113.13/24}]}"));
    var allocated = VridAllocation.of(vips, pools);
    assertEquals(List.of("a", "b"), allocated.vrids().keySet().stream().sorted().toList());
    assertEquals(List.of(11, 77), allocated.vrids().values().stream().sorted().toList());
    assertEquals(
        "[spec.vrid: none that a VirtualIPPool allows is free: remove a VirtualIP, or add to"
            + " spec.vrids of the pool]",
        allocated.problems().get("d").toString());
  }

  @Test
  void anAddressOutsideThePoolIsTheOnlyWord() {
    var pools = Pools.of(List.of(pool("{addresses: [192.0.2.0/28], vrids: [\"77\"]}")));
    var problems = VridAllocation.of(List.of(without("web")), pools).problems().get("web");
    assertEquals(
        List.of("spec.addresses[0].address"), problems.stream().map(Problem::path).toList());
  }

  /** Has a VRID that was allocated, or where it is another one, that the user wrote. */
  private static VirtualIp allocated(String name, int allocated, String spec) {
    var vip = vip(name, null, spec);
    vip.getMetadata().setUid("uid-" + name);
    vip.getMetadata().getAnnotations().put(VirtualIp.VRID_ALLOCATED, "" + allocated);
    return vip;
  }

  private static VridAllocation heard(VirtualIp... vips) {
    return VridAllocation.of(List.of(vips), Pools.NONE, Map.of("web", "10.0.0.9 uses it"));
  }

  @Test
  void anAllocatedOneThatAForeignRouterUsesIsMovedOnce() {
    var web = allocated("web", 77, "vrid: 77");
    var moved = heard(web);
    assertEquals(Map.of("web", "10.0.0.9 uses it"), moved.moved());
    var now = moved.vrids().get("web");
    assertNotEquals(77, now);
    var again = allocated("web", now, "vrid: " + now);
    again.getMetadata().getAnnotations().put(VirtualIp.VRID_LEFT, "77");
    assertEquals(VridAllocation.NONE, heard(again), "once");
  }

  @Test
  void whatAUserWroteOrMeansIsNotMoved() {
    assertEquals(VridAllocation.NONE, heard(vip("web", null, "vrid: 77")));
    assertEquals(VridAllocation.NONE, heard(allocated("web", 77, "vrid: 78")), "edited since");
    var joins = allocated("web", 77, "{vrid: 77, allowOutside: true}");
    assertEquals(VridAllocation.NONE, heard(joins), "another master is meant to be there");
    assertEquals(VridAllocation.NONE, heard(allocated("api", 77, "vrid: 77")), "nobody is heard");
  }

  @Test
  void twoClustersThatMoveTheSameNameSeldomMeetAgain() {
    var here = allocated("web", 77, "vrid: 77");
    var there = allocated("web", 77, "vrid: 77");
    there.getMetadata().setUid("another cluster's");
    assertNotEquals(heard(here).vrids(), heard(there).vrids());
  }

  @Test
  void noOtherOnThatNicGetsWhatWasLeftToAForeignRouter() {
    int first = allocate(without("web")).vrids().get("web");
    var left = vip("old", null, "vrid: 3");
    left.getMetadata().getAnnotations().put(VirtualIp.VRID_LEFT, "" + first);
    assertEquals(first % 255 + 1, allocate(left, without("web")).vrids().get("web"));
    var elsewhere = vip("web", null, "{vrid: null, interface: eth7}");
    assertEquals(first, allocate(left, elsewhere).vrids().get("web"));
  }
}
