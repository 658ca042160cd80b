package dev.virtualip.crds.check;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * VRIDs for VirtualIPs whose spec has none, as the API server allocates the cluster IP of a
 * Service. No two VirtualIPs share one, whatever their NICs and nodes: those may change. Which one
 * is tried first follows from the name, so an object that is made anew has its former VRID if that
 * is free, and two clusters on one LAN seldom choose the same. One that a foreign router turns out
 * to use is changed for another, once. Pure.
 *
 * @param allocated by name, the VirtualIPs with the VRIDs that they get
 * @param problems by name, why one has none
 * @param moved by name, who uses the VRID that a VirtualIP had
 */
public record VridAllocation(
    Map<String, VirtualIp> allocated,
    Map<String, List<Problem>> problems,
    Map<String, String> moved) {
  /** Nothing is allocated. */
  public static final VridAllocation NONE = new VridAllocation(Map.of(), Map.of(), Map.of());

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
    allocated = Map.copyOf(allocated);
    problems = Map.copyOf(problems);
    moved = Map.copyOf(moved);
  }

  /** Allocates to all VirtualIPs that lack a VRID and nothing else, the oldest first. */
  public static VridAllocation of(Collection<VirtualIp> vips, Pools pools) {
    return of(vips, pools, Map.of());
  }

  /**
   * Allocates to all VirtualIPs that lack a VRID and nothing else, the oldest first, and then to
   * those whose allocated VRID a foreign router uses.
   *
   * @param foreign by name of such a VirtualIP, who that is
   */
  public static VridAllocation of(
      Collection<VirtualIp> vips, Pools pools, Map<String, String> foreign) {
    var allocating = new Allocating(vips, pools);
    var oldestFirst =
        vips.stream().filter(vip -> vip.getSpec() != null).sorted(Conflicts.OLDEST_FIRST).toList();
    var problems = new TreeMap<String, List<Problem>>();
    for (var vip : oldestFirst) {
      if (vip.getSpec().vrid() == null) {
        var name = vip.getMetadata().getName();
        var why = allocating.allocate(vip, name);
        if (!why.isEmpty()) {
          problems.put(name, why);
        }
      }
    }
    var moved = new TreeMap<String, String>();
    for (var vip : oldestFirst) {
      var name = vip.getMetadata().getName();
      // Another cluster on the LAN moves a VirtualIP of the same name, too: not by its name again.
      if (foreign.containsKey(name)
          && isMovable(vip)
          && allocating.allocate(vip, vip.getMetadata().getUid()).isEmpty()) {
        moved.put(name, foreign.get(name));
      }
    }
    return new VridAllocation(allocating.allocated, problems, moved);
  }

  /** Whether its VRID was allocated, and not moved yet. */
  private static boolean isMovable(VirtualIp vip) {
    return vip.getSpec().vrid() != null
        && vip.getSpec().vrid().equals(annotation(vip, VirtualIp.VRID_ALLOCATED))
        && annotation(vip, VirtualIp.VRID_LEFT) == null
        && !vip.getSpec().allowOutside()
        && !vip.mirrored();
  }

  /** A VRID in an annotation; null if there is none. */
  private static Integer annotation(VirtualIp vip, String key) {
    var annotations = vip.getMetadata().getAnnotations();
    var text = annotations == null ? null : annotations.get(key);
    return text == null || !text.matches("[0-9]{1,3}") ? null : Integer.valueOf(text);
  }

  /** What is taken, and what has been given in this pass. */
  private static final class Allocating {
    private final Pools pools;
    private final Set<Integer> taken = new HashSet<>();

    /** VRIDs that foreign routers use, by the NIC of those that have left them. */
    private final Map<String, Set<Integer>> left = new HashMap<>();

    private final Map<String, VirtualIp> allocated = new TreeMap<>();

    Allocating(Collection<VirtualIp> vips, Pools pools) {
      this.pools = pools;
      for (var vip : vips) {
        if (vip.getSpec() != null && vip.getSpec().vrid() != null) {
          taken.add(vip.getSpec().vrid());
        }
        var foreign = annotation(vip, VirtualIp.VRID_LEFT);
        if (vip.getSpec() != null && foreign != null) {
          left.computeIfAbsent(vip.getSpec().interfaceName(), _ -> new HashSet<>()).add(foreign);
        }
      }
    }

    /**
     * Gives a VirtualIP a VRID that is free.
     *
     * @param seed says which one is tried first
     * @return why it gets none; empty if it has one
     */
    List<Problem> allocate(VirtualIp vip, String seed) {
      var foreign = left.getOrDefault(vip.getSpec().interfaceName(), Set.of());
      boolean refused = false;
      for (int vrid :
          candidates(seed).filter(v -> !taken.contains(v) && !foreign.contains(v)).toArray()) {
        var with = with(vip, vrid);
        var judged = pools.judge(CheckedSpec.check(with));
        if (judged.isGood()) {
          taken.add(vrid);
          allocated.put(vip.getMetadata().getName(), with);
          return List.of();
        }
        // Another VRID helps only where a pool refuses this one.
        if (judged.problems().stream().noneMatch(p -> p.path().equals("spec.vrid"))) {
          return judged.problems();
        }
        refused = true;
      }
      return List.of(refused ? EXHAUSTED_IN_POOLS : EXHAUSTED);
    }
  }

  private static IntStream candidates(String seed) {
    int first = Math.floorMod(seed.hashCode(), VirtualIpSpec.VRID_MAX);
    return IntStream.range(0, VirtualIpSpec.VRID_MAX)
        .map(i -> VirtualIpSpec.VRID_MIN + (first + i) % VirtualIpSpec.VRID_MAX);
  }

  /** The VRIDs to write by name of the VirtualIP, 1 to 255. */
  public Map<String, Integer> vrids() {
    return allocated.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, vip -> vip.getValue().getSpec().vrid()));
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
    return allocated.getOrDefault(vip.getMetadata().getName(), vip);
  }
}
