package dev.virtualip.agent;

import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.Conflicts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.ArrayList;
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
   * @param desired all objects there are
   * @param running what this node runs so far, by name
   * @param network the node's NICs
   */
  static Acceptance decide(Desired desired, Map<String, VirtualIp> running, NodeNetwork network) {
    var virtualIps = desired.virtualIps();
    var refused = new TreeMap<>(Conflicts.problems(virtualIps));
    refused.values().removeIf(List::isEmpty);
    var effective = new TreeMap<String, VirtualIp>();
    var contest = new ArrayList<VirtualIp>();
    for (var vip : virtualIps) {
      var name = vip.getMetadata().getName();
      var before = running.get(name);
      if (before != null && !refused.containsKey(name)) {
        var missing = missingLinks(vip, before, desired.self().name(), network);
        if (!missing.isEmpty()) {
          refused.put(name, missing);
        }
      }
      if (!refused.containsKey(name)) {
        effective.put(name, vip);
        contest.add(vip);
      } else if (before != null) {
        effective.put(name, before);
        contest.add(oldest(before));
      }
    }
    var conflicts = Conflicts.problemsOn(desired.self(), network::name, contest);
    var run = new TreeMap<String, VirtualIp>();
    for (var vip : effective.values()) {
      var name = vip.getMetadata().getName();
      var problems = conflicts.get(name);
      if (!problems.isEmpty()) {
        refused.putIfAbsent(name, problems);
      } else if (desired.self().selectedBy(vip.getSpec())) {
        run.put(name, vip);
      }
    }
    refused.putAll(desired.refused());
    refused.keySet().removeIf(name -> !concerns(name, desired, run));
    return new Acceptance(run, refused);
  }

  /** What goes on in its last good version keeps what it holds against all others. */
  private static VirtualIp oldest(VirtualIp vip) {
    var oldest = new VirtualIp();
    oldest.setMetadata(
        new ObjectMetaBuilder(vip.getMetadata()).withCreationTimestamp(null).build());
    oldest.setSpec(vip.getSpec());
    return oldest;
  }

  /** Whether this node has anything to say about an object: it runs it, or would. */
  private static boolean concerns(String name, Desired desired, Map<String, VirtualIp> run) {
    return run.containsKey(name)
        || desired.refused().containsKey(name)
        || desired.virtualIps().stream()
            .filter(vip -> vip.getMetadata().getName().equals(name))
            .anyMatch(vip -> vip.getSpec() == null || desired.self().selectedBy(vip.getSpec()));
  }

  /**
   * An edit that moves to a NIC that this node does not have would end what runs; without a running
   * version the same is a fault that heals when the NIC appears.
   */
  private static List<Problem> missingLinks(
      VirtualIp vip, VirtualIp before, String nodeName, NodeNetwork network) {
    var known = InstanceConfig.interfaces(before.getSpec(), nodeName).keySet();
    var problems = new ArrayList<Problem>();
    InstanceConfig.interfaces(vip.getSpec(), nodeName)
        .forEach(
            (nic, path) -> {
              if (network.link(nic) == null && !known.contains(nic)) {
                problems.add(
                    new Problem(
                        path,
                        "there is no NIC %s on %s (it has %s): correct the name"
                            .formatted(nic, nodeName, String.join(", ", network.linkNames()))));
              }
            });
    return problems;
  }
}
