package dev.virtualip.crds.check;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * VRIDs for VirtualIPs whose spec has none, as the API server allocates the cluster IP of a
 * Service. No two VirtualIPs share one, whatever their NICs and nodes: those may change. Which one
 * is tried first follows from the name, so an object that is made anew has its former VRID if that
 * is free, and two clusters on one LAN seldom choose the same. Pure.
 *
 * @param vrids by name of the VirtualIP, 1 to 255
 * @param problems by name, why one has none
 */
public record VridAllocation(Map<String, Integer> vrids, Map<String, List<Problem>> problems) {
  /** Nothing is allocated. */
  public static final VridAllocation NONE = new VridAllocation(Map.of(), Map.of());

  private static final Problem EXHAUSTED =
      new Problem(
          "spec.vrid",
          "none of 1 to 255 is free: remove a VirtualIP, or give this one a number that only"
              + " VirtualIPs with other NICs or nodes have");

  private static final Problem EXHAUSTED_IN_POOLS =
      new Problem(
          "spec.vrid",
          "none that a VirtualIPPool allows is free: remove a VirtualIP, or add to spec.vrids of the"
              + " pool");

  private static final JsonMapper JSON = new JsonMapper();

  /** Copies the maps. */
  public VridAllocation {
    vrids = Map.copyOf(vrids);
    problems = Map.copyOf(problems);
  }

  /** Allocates to all VirtualIPs that lack a VRID and nothing else, the oldest first. */
  public static VridAllocation of(Collection<VirtualIp> vips, Pools pools) {
    var taken = new HashSet<Integer>();
    for (var vip : vips) {
      if (vip.getSpec() != null && vip.getSpec().vrid() != null) {
        taken.add(vip.getSpec().vrid());
      }
    }
    var vrids = new TreeMap<String, Integer>();
    var problems = new TreeMap<String, List<Problem>>();
    vips.stream()
        .filter(vip -> vip.getSpec() != null && vip.getSpec().vrid() == null)
        .sorted(Conflicts.OLDEST_FIRST)
        .forEach(vip -> allocate(vip, pools, taken, vrids, problems));
    return new VridAllocation(vrids, problems);
  }

  private static void allocate(
      VirtualIp vip,
      Pools pools,
      Set<Integer> taken,
      Map<String, Integer> vrids,
      Map<String, List<Problem>> problems) {
    var name = vip.getMetadata().getName();
    boolean refused = false;
    for (int vrid : candidates(name).filter(v -> !taken.contains(v)).toArray()) {
      var judged = pools.judge(CheckedSpec.check(with(vip, vrid)));
      if (judged.isGood()) {
        taken.add(vrid);
        vrids.put(name, vrid);
        return;
      }
      // Another VRID helps only where a pool refuses this one.
      if (judged.problems().stream().noneMatch(p -> p.path().equals("spec.vrid"))) {
        problems.put(name, judged.problems());
        return;
      }
      refused = true;
    }
    problems.put(name, List.of(refused ? EXHAUSTED_IN_POOLS : EXHAUSTED));
  }

  private static IntStream candidates(String name) {
    int first = Math.floorMod(name.hashCode(), VirtualIpSpec.VRID_MAX);
    return IntStream.range(0, VirtualIpSpec.VRID_MAX)
        .map(i -> VirtualIpSpec.VRID_MIN + (first + i) % VirtualIpSpec.VRID_MAX);
  }

  /** The outcome of a check, with why it has no VRID in place of the word that it lacks one. */
  public Result explain(Result checked) {
    var why = problems.get(checked.name());
    return why == null ? checked : new Result(checked.vip(), null, why);
  }

  private static VirtualIp with(VirtualIp vip, int vrid) {
    var spec = JSON.<ObjectNode>valueToTree(vip.getSpec()).put("vrid", vrid);
    var other = vip.withStatus(vip.getStatus());
    other.setSpec(JSON.convertValue(spec, VirtualIpSpec.class));
    return other;
  }

  /** The VirtualIP with the VRID that was allocated to it, or the same object. */
  public VirtualIp apply(VirtualIp vip) {
    var vrid = vrids.get(vip.getMetadata().getName());
    return vrid == null ? vip : with(vip, vrid);
  }
}
