package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.plan.PlanChange.Refused;
import dev.virtualip.agent.plan.PlanChange.Run;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The one place that decides which VirtualIPs this node runs, and in which version. It hands out
 * what is different from what it decided before. One thread, which is not the one of VRRP: the
 * specs of all VirtualIPs of the cluster are checked here, each when it is new or another.
 */
public final class Plan {
  private final String nodeName;
  private Map<String, Result> checked = Map.of();
  private Map<String, Result> running = Map.of();
  private Map<String, Run> runs = Map.of();
  private Map<String, Refused> refused = Map.of();

  public Plan(String nodeName) {
    this.nodeName = nodeName;
  }

  /** What is run by name: the objects in the versions that run. */
  public Map<String, VirtualIp> running() {
    var objects = new TreeMap<String, VirtualIp>();
    running.forEach((name, version) -> objects.put(name, version.vip()));
    return objects;
  }

  /** Names of what is not run in its newest version. */
  public Set<String> refused() {
    var names = new TreeSet<>(refused.keySet());
    runs.forEach(
        (name, run) -> {
          if (run.refused() != null) {
            names.add(name);
          }
        });
    return names;
  }

  /** Whether another NIC may make a difference: something is not run as it is wanted. */
  public boolean isAnyRefused() {
    return !refused().isEmpty();
  }

  /**
   * Decides anew.
   *
   * @param desired all objects there are
   * @param nics the node's NICs
   */
  public PlanChange change(Desired desired, Nics nics) {
    checked = check(desired.virtualIps());
    var acceptance = Acceptance.decide(desired, checked.values(), running, nics);
    var nextRuns = runs(desired, acceptance);
    var nextRefused = new TreeMap<String, Refused>();
    acceptance
        .refused()
        .forEach(
            (name, problems) -> {
              if (!nextRuns.containsKey(name)) {
                nextRefused.put(name, new Refused(generation(name), problems));
              }
            });
    var change = difference(nextRuns, nextRefused);
    running = acceptance.run();
    runs = nextRuns;
    refused = nextRefused;
    return change;
  }

  /** An edit of one object is no reason to check the specs of all others again. */
  private Map<String, Result> check(List<VirtualIp> virtualIps) {
    var next = new TreeMap<String, Result>();
    for (var vip : virtualIps) {
      var name = vip.getMetadata().getName();
      var before = checked.get(name);
      boolean same = before != null && Objects.equals(before.vip().getSpec(), vip.getSpec());
      next.put(name, same ? before.withVip(vip) : CheckedSpec.check(vip));
    }
    return next;
  }

  private Map<String, Run> runs(Desired desired, Acceptance acceptance) {
    var configs = new TreeMap<String, InstanceConfig>();
    acceptance
        .run()
        .forEach(
            (name, version) ->
                configs.put(
                    name,
                    InstanceConfig.from(version, nodeName, desired.secrets(), desired.nodes())));
    var next = new TreeMap<String, Run>();
    configs.forEach(
        (name, config) -> {
          // Failed checks are no fault only where all members of the sync group agree.
          boolean keepMaster =
              config.keepMaster()
                  && configs.values().stream()
                      .filter(config::isInGroupWith)
                      .allMatch(InstanceConfig::keepMaster);
          var problems = acceptance.refused().get(name);
          next.put(
              name,
              new Run(
                  config.keepingMaster(keepMaster),
                  problems == null ? null : new Refused(generation(name), problems),
                  request(name)));
        });
    return next;
  }

  private PlanChange difference(Map<String, Run> nextRuns, Map<String, Refused> nextRefused) {
    var changed = new TreeMap<>(nextRuns);
    changed.entrySet().removeIf(entry -> entry.getValue().equals(runs.get(entry.getKey())));
    var newlyRefused = new TreeMap<>(nextRefused);
    newlyRefused.entrySet().removeIf(entry -> entry.getValue().equals(refused.get(entry.getKey())));
    var ended = without(runs.keySet(), nextRuns.keySet());
    var stop = without(ended, checked.keySet());
    var known = new HashSet<>(runs.keySet());
    known.addAll(refused.keySet());
    var forget = without(without(known, nextRuns.keySet()), nextRefused.keySet());
    return new PlanChange(changed, stop, without(ended, stop), newlyRefused, forget);
  }

  private static Set<String> without(Set<String> names, Set<String> others) {
    var rest = new HashSet<>(names);
    rest.removeAll(others);
    return rest;
  }

  private Long generation(String name) {
    var newest = checked.get(name);
    return newest == null ? null : newest.vip().getMetadata().getGeneration();
  }

  private HandOver request(String name) {
    var status = checked.get(name).vip().getStatus();
    return status == null || status.handOvers() == null ? null : status.handOvers().get(nodeName);
  }
}
