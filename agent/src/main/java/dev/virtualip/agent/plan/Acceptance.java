package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.CheckedSpec;
import dev.virtualip.crds.Conflicts;
import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;

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
   * @param nics the node's NICs
   */
  static Acceptance decide(Desired desired, Map<String, VirtualIp> running, Nics nics) {
    var virtualIps = desired.virtualIps();
    var checked = virtualIps.stream().map(CheckedSpec::check).toList();
    var refused = new TreeMap<>(Conflicts.among(checked));
    refused.values().removeIf(List::isEmpty);
    var versions = new TreeMap<String, CheckedSpec.Result>();
    for (var version : checked) {
      var name = version.name();
      var before = running.get(name);
      if (before != null && !refused.containsKey(name)) {
        var missing = missingLinks(version.vip(), before, desired.self().name(), nics);
        if (!missing.isEmpty()) {
          refused.put(name, missing);
        }
      }
      if (!refused.containsKey(name)) {
        versions.put(name, version);
      } else if (before != null) {
        versions.put(name, CheckedSpec.check(oldest(before)));
      }
    }
    settle(versions, running, refused, v -> conflicts(v, desired.self(), nics));
    var run = new TreeMap<String, VirtualIp>();
    for (var vip : virtualIps) {
      var name = vip.getMetadata().getName();
      var version = refused.containsKey(name) ? goesOn(running.get(name), vip) : vip;
      if (versions.containsKey(name) && desired.self().selectedBy(version.getSpec())) {
        run.put(name, version);
      }
    }
    refused.putAll(desired.refused());
    refused.keySet().removeIf(name -> !concerns(name, desired, run));
    return new Acceptance(run, refused);
  }

  /**
   * Until no two conflict: a new version that wants what runs on falls back to its last good one,
   * which may be what another new version wants.
   */
  private static void settle(
      Map<String, CheckedSpec.Result> versions,
      Map<String, VirtualIp> running,
      Map<String, List<Problem>> refused,
      Function<Collection<CheckedSpec.Result>, Map<String, List<Problem>>> between) {
    var conflicts = between.apply(versions.values());
    while (!conflicts.isEmpty()) {
      conflicts.forEach(
          (name, problems) -> {
            boolean fallsBack = running.containsKey(name) && !refused.containsKey(name);
            refused.putIfAbsent(name, problems);
            if (fallsBack) {
              versions.put(name, CheckedSpec.check(oldest(running.get(name))));
            } else {
              versions.remove(name);
            }
          });
      conflicts = between.apply(versions.values());
    }
  }

  private static Map<String, List<Problem>> conflicts(
      Collection<CheckedSpec.Result> versions, NodeFacts self, Nics nics) {
    var conflicts = Conflicts.amongOn(self, nics::name, versions);
    conflicts.values().removeIf(List::isEmpty);
    return conflicts;
  }

  /** A running version, and what its node is asked to do now. */
  private static VirtualIp goesOn(VirtualIp before, VirtualIp now) {
    if (before == null || Objects.equals(before.getStatus(), now.getStatus())) {
      return before;
    }
    var goesOn = new VirtualIp();
    goesOn.setMetadata(before.getMetadata());
    goesOn.setSpec(before.getSpec());
    goesOn.setStatus(now.getStatus());
    return goesOn;
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
      VirtualIp vip, VirtualIp before, String nodeName, Nics nics) {
    var known = InstanceConfig.interfaces(before.getSpec(), nodeName).keySet();
    var problems = new ArrayList<Problem>();
    InstanceConfig.interfaces(vip.getSpec(), nodeName)
        .forEach(
            (nic, path) -> {
              if (nics.link(nic) == null && !known.contains(nic)) {
                problems.add(
                    new Problem(
                        Problem.Kind.InterfaceNotFound,
                        path,
                        "there is no NIC %s on %s (it has %s): correct the name"
                            .formatted(nic, nodeName, String.join(", ", nics.names()))));
              }
            });
    return problems;
  }
}
