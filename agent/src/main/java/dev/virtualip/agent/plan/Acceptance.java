package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus;
import io.fabric8.kubernetes.api.model.ObjectMeta;
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
record Acceptance(Map<String, Result> run, Map<String, List<Problem>> refused) {

  /**
   * Decides.
   *
   * @param desired all objects there are
   * @param checked the same, each checked on its own
   * @param running what this node runs so far, by name
   * @param nics the node's NICs
   */
  static Acceptance decide(
      Desired desired, Collection<Result> checked, Map<String, Result> running, Nics nics) {
    var refused = new TreeMap<>(Conflicts.among(checked));
    refused.values().removeIf(List::isEmpty);
    var versions = new TreeMap<String, Result>();
    for (var version : checked) {
      var name = version.name();
      var before = running.get(name);
      if (before != null && !refused.containsKey(name)) {
        var missing = missingLinks(version.vip(), before.vip(), desired.self().name(), nics);
        if (!missing.isEmpty()) {
          refused.put(name, missing);
        }
      }
      if (!refused.containsKey(name)) {
        versions.put(name, version);
      } else if (before != null) {
        versions.put(name, oldest(before, version.vip()));
      }
    }
    settle(versions, running, refused, v -> conflicts(v, desired.self(), nics));
    var run = new TreeMap<String, Result>();
    for (var newest : checked) {
      var name = newest.name();
      var version = refused.containsKey(name) ? goesOn(running.get(name), newest.vip()) : newest;
      if (versions.containsKey(name) && desired.self().selectedBy(version.vip())) {
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
      Map<String, Result> versions,
      Map<String, Result> running,
      Map<String, List<Problem>> refused,
      Function<Collection<Result>, Map<String, List<Problem>>> between) {
    var conflicts = between.apply(versions.values());
    while (!conflicts.isEmpty()) {
      conflicts.forEach(
          (name, problems) -> {
            boolean fallsBack = running.containsKey(name) && !refused.containsKey(name);
            refused.putIfAbsent(name, problems);
            if (fallsBack) {
              versions.put(name, oldest(running.get(name), versions.get(name).vip()));
            } else {
              versions.remove(name);
            }
          });
      conflicts = between.apply(versions.values());
    }
  }

  private static Map<String, List<Problem>> conflicts(
      Collection<Result> versions, NodeFacts self, Nics nics) {
    var conflicts = Conflicts.amongOn(self, nics::name, versions);
    conflicts.values().removeIf(List::isEmpty);
    return conflicts;
  }

  /** A running version, and what its node is asked to do now. */
  private static Result goesOn(Result before, VirtualIp now) {
    if (before == null || Objects.equals(before.vip().getStatus(), now.getStatus())) {
      return before;
    }
    return before.withVip(
        object(before.vip().getMetadata(), before.vip().getSpec(), now.getStatus()));
  }

  /** What goes on in its last good version keeps what it holds against all others. */
  private static Result oldest(Result before, VirtualIp now) {
    var vip = before.vip();
    var metadata = new ObjectMetaBuilder(vip.getMetadata()).withCreationTimestamp(null).build();
    return before.withVip(object(metadata, vip.getSpec(), now.getStatus()));
  }

  private static VirtualIp object(ObjectMeta metadata, VirtualIpSpec spec, VirtualIpStatus status) {
    var vip = new VirtualIp();
    vip.setMetadata(metadata);
    vip.setSpec(spec);
    vip.setStatus(status);
    return vip;
  }

  /** Whether this node has anything to say about an object: it runs it, or would. */
  private static boolean concerns(String name, Desired desired, Map<String, Result> run) {
    return run.containsKey(name)
        || desired.refused().containsKey(name)
        || desired.virtualIps().stream()
            .filter(vip -> vip.getMetadata().getName().equals(name))
            .anyMatch(vip -> vip.getSpec() == null || desired.self().selectedBy(vip));
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
