package dev.virtualip.agent;

import dev.virtualip.crds.Conflicts;
import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Decides what a node runs. A bad edit leaves what runs as it was, and a VirtualIP that runs on
 * keeps what it has from being taken by another.
 *
 * @param run what to run by name: the object, in its new or its last good version
 * @param refused problems of each object whose present version does not run, by name
 */
record Acceptance(Map<String, VirtualIp> run, Map<String, List<Problem>> refused) {

  /**
   * Decides.
   *
   * @param virtualIps all objects there are
   * @param running what this node runs so far, by name
   * @param self this node
   */
  static Acceptance decide(
      Collection<VirtualIp> virtualIps, Map<String, VirtualIp> running, NodeFacts self) {
    var refused = new TreeMap<>(Conflicts.problems(virtualIps));
    refused.values().removeIf(List::isEmpty);
    var effective = new ArrayList<VirtualIp>();
    for (var vip : virtualIps) {
      var name = vip.getMetadata().getName();
      if (!refused.containsKey(name)) {
        effective.add(vip);
      } else if (running.containsKey(name)) {
        effective.add(running.get(name));
      }
    }
    var conflicts = Conflicts.problems(effective);
    var run = new TreeMap<String, VirtualIp>();
    for (var vip : effective) {
      var name = vip.getMetadata().getName();
      var problems = conflicts.get(name);
      if (!problems.isEmpty()) {
        refused.putIfAbsent(name, problems);
      } else if (self.selectedBy(vip.getSpec())) {
        run.put(name, vip);
      }
    }
    refused.keySet().removeIf(name -> !concerns(name, virtualIps, run, self));
    return new Acceptance(run, refused);
  }

  /** Whether this node has anything to say about an object: it runs it, or would. */
  private static boolean concerns(
      String name, Collection<VirtualIp> virtualIps, Map<String, VirtualIp> run, NodeFacts self) {
    return run.containsKey(name)
        || virtualIps.stream()
            .filter(vip -> vip.getMetadata().getName().equals(name))
            .anyMatch(vip -> vip.getSpec() == null || self.selectedBy(vip.getSpec()));
  }
}
