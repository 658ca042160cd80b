package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.plan.PlanChange.Refused;
import dev.virtualip.agent.plan.PlanChange.Run;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus.HandOver;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The one place that decides which VirtualIPs this node runs, and in which version. It hands out
 * what is different from what it decided before. One thread, which is not the one of VRRP: all
 * VirtualIPs of the cluster are validated here.
 */
public final class Plan {
  private final String nodeName;
  private Map<String, VirtualIp> running = Map.of();
  private Map<String, Run> runs = Map.of();
  private Map<String, Refused> refused = Map.of();

  public Plan(String nodeName) {
    this.nodeName = nodeName;
  }

  /** What is run by name: the objects in the versions that run. */
  public Map<String, VirtualIp> running() {
    return running;
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
    var acceptance = Acceptance.decide(desired, running, nics);
    var objects = new TreeMap<String, VirtualIp>();
    desired.virtualIps().forEach(vip -> objects.put(vip.getMetadata().getName(), vip));
    var nextRuns = runs(desired, acceptance, objects);
    var nextRefused = new TreeMap<String, Refused>();
    acceptance
        .refused()
        .forEach(
            (name, problems) -> {
              if (!nextRuns.containsKey(name)) {
                nextRefused.put(name, new Refused(generation(objects.get(name)), problems));
              }
            });
    var change = difference(nextRuns, nextRefused);
    running = Collections.unmodifiableMap(new TreeMap<>(acceptance.run()));
    runs = nextRuns;
    refused = nextRefused;
    return change;
  }

  private Map<String, Run> runs(
      Desired desired, Acceptance acceptance, Map<String, VirtualIp> objects) {
    var configs = new TreeMap<String, InstanceConfig>();
    acceptance
        .run()
        .forEach(
            (name, vip) ->
                configs.put(
                    name, InstanceConfig.from(vip, nodeName, desired.secrets(), desired.nodes())));
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
                  problems == null ? null : new Refused(generation(objects.get(name)), problems),
                  request(objects.get(name))));
        });
    return next;
  }

  private PlanChange difference(Map<String, Run> nextRuns, Map<String, Refused> nextRefused) {
    var changed = new TreeMap<>(nextRuns);
    changed.entrySet().removeIf(entry -> entry.getValue().equals(runs.get(entry.getKey())));
    var newlyRefused = new TreeMap<>(nextRefused);
    newlyRefused.entrySet().removeIf(entry -> entry.getValue().equals(refused.get(entry.getKey())));
    var stop = without(runs.keySet(), nextRuns.keySet());
    var known = new HashSet<>(runs.keySet());
    known.addAll(refused.keySet());
    var forget = without(without(known, nextRuns.keySet()), nextRefused.keySet());
    return new PlanChange(changed, stop, newlyRefused, forget);
  }

  private static Set<String> without(Set<String> names, Set<String> others) {
    var rest = new HashSet<>(names);
    rest.removeAll(others);
    return rest;
  }

  private static Long generation(VirtualIp vip) {
    return vip == null ? null : vip.getMetadata().getGeneration();
  }

  private HandOver request(VirtualIp vip) {
    return vip == null || vip.getStatus() == null || vip.getStatus().handOvers() == null
        ? null
        : vip.getStatus().handOvers().get(nodeName);
  }
}
