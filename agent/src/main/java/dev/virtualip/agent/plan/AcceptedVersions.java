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
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which version of each object a node runs. After a bad edit an object runs on in its last good
 * version, and keeps what it holds against all other objects.
 *
 * @param run the objects to run, in their newest or their last good version, by name
 * @param refused problems of each object whose newest version does not run, by name
 * @param good names of all objects, of this node or not, whose newest version is valid and fits
 *     those of the others
 */
record AcceptedVersions(
    Map<String, Result> run, Map<String, List<Problem>> refused, Set<String> good) {

  /**
   * Decides from all objects of the cluster and the versions that run already.
   *
   * @param desired all objects of the cluster
   * @param checked the same objects, each checked on its own
   * @param running the versions that this node runs so far, by name
   * @param nics the node's NICs
   */
  static AcceptedVersions decide(
      Desired desired, Collection<Result> checked, Map<String, Result> running, Nics nics) {
    var refused = new TreeMap<>(Conflicts.among(checked));
    refused.values().removeIf(List::isEmpty);
    var good =
        checked.stream()
            .map(Result::name)
            .filter(name -> !refused.containsKey(name))
            .collect(Collectors.toUnmodifiableSet());
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
    // Where the newest versions all fit together, only NICs of this node can stand in the way.
    var first = refused.isEmpty() ? selected(versions.values(), desired.self()) : versions.values();
    var conflicts = conflicts(first, desired.self(), nics);
    while (!conflicts.isEmpty()) {
      fallBack(conflicts, versions, running, refused);
      conflicts = conflicts(versions.values(), desired.self(), nics);
    }
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
    return new AcceptedVersions(run, refused, good);
  }

  /**
   * A new version that conflicts with a running object falls back to its last good one, and that
   * may in turn conflict with another new version: so conflicts are looked for again until there
   * are none.
   */
  private static void fallBack(
      Map<String, List<Problem>> conflicts,
      Map<String, Result> versions,
      Map<String, Result> running,
      Map<String, List<Problem>> refused) {
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
  }

  private static Collection<Result> selected(Collection<Result> versions, NodeFacts self) {
    return versions.stream().filter(v -> self.selectedBy(v.vip())).toList();
  }

  private static Map<String, List<Problem>> conflicts(
      Collection<Result> versions, NodeFacts self, Nics nics) {
    var conflicts = Conflicts.amongOn(self, nics::name, versions);
    conflicts.values().removeIf(List::isEmpty);
    return conflicts;
  }

  /** A running version with the present status, which has the requests to the node. */
  private static Result goesOn(Result before, VirtualIp now) {
    if (before == null || Objects.equals(before.vip().getStatus(), now.getStatus())) {
      return before;
    }
    return before.withVip(
        object(before.vip().getMetadata(), before.vip().getSpec(), now.getStatus()));
  }

  /**
   * A version without creation time, which makes it older than all others. So an object in its last
   * good version wins every conflict.
   */
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

  /** Whether this node reports about an object: it runs it, or is selected by it. */
  private static boolean concerns(String name, Desired desired, Map<String, Result> run) {
    return run.containsKey(name)
        || desired.refused().containsKey(name)
        || desired.virtualIps().stream()
            .filter(vip -> vip.getMetadata().getName().equals(name))
            .anyMatch(vip -> vip.getSpec() == null || desired.self().selectedBy(vip));
  }

  /**
   * Problems of an edit that names a NIC that this node lacks: it must not end what runs. Without a
   * running version the same is only a fault, which heals when the NIC appears.
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
                            .formatted(nic, nodeName, nics.names())));
              }
            });
    return problems;
  }
}
