package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.plan.PlanChange.Refused;
import dev.virtualip.agent.plan.PlanChange.Run;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.agent.vrrp.KeyRing;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Pools;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place that decides which VirtualIPs this node runs, and in which version. It returns the
 * difference from its last decision. Used by one thread, which must not be that of VRRP: it checks
 * each new or changed spec of the whole cluster.
 */
public final class Plan {
  private static final Logger LOG = LoggerFactory.getLogger(Plan.class);

  private final String nodeName;
  private final KeyRings keys;
  private Pools allowed = Pools.NONE;

  /** The outcome for each object on its own, by name. */
  private Map<String, Result> own = Map.of();

  /** The same with what the pools have against it. */
  private Map<String, Result> checked = Map.of();

  private AcceptedVersions versions;

  /** By name, the version of each object that was accepted last, on this node or elsewhere. */
  private Map<String, Result> accepted = Map.of();

  private Map<String, Result> running = Map.of();
  private Map<String, Run> runs = Map.of();
  private Map<String, Refused> refused = Map.of();
  private Map<String, InstanceConfig> configs = Map.of();
  private List<RealServerSide> realServerSides = List.of();
  private Desired before;
  private Nics nicsBefore;
  private List<NodeFacts> peers = List.of();
  private Map<PodSelector, List<PodFacts>> pods = Map.of();

  /** By node, its InternalIPs that are no virtual addresses, as last seen. */
  private Map<String, List<String>> ownAddresses = Map.of();

  /** Nodes whose Node object has a virtual address as its InternalIP. */
  private Set<String> reportVirtual = Set.of();

  /** The plan of a node that begins anew. */
  public Plan(String nodeName) {
    this(nodeName, KeyRings.of(nodeName, Map.of()));
  }

  /**
   * The plan of a node.
   *
   * @param keys the keys of signed adverts that it had
   */
  public Plan(String nodeName, KeyRings keys) {
    this.nodeName = nodeName;
    this.keys = keys;
  }

  /** The keys of signed adverts, by name of the VirtualIP. */
  public Map<String, KeyRing> keys() {
    return keys.all();
  }

  /** The objects that run, in the versions that run, by name. */
  public Map<String, VirtualIp> running() {
    var objects = new TreeMap<String, VirtualIp>();
    running.forEach((name, version) -> objects.put(name, version.vip()));
    return objects;
  }

  /** Names of the objects whose newest version is not run. */
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

  /**
   * Whether any object does not run in its newest version, so that a change of NICs may help it.
   */
  public boolean isAnyRefused() {
    return !refused().isEmpty();
  }

  /**
   * Decides again.
   *
   * @param desired all objects of the cluster
   * @param nics the node's NICs
   * @return what differs from the last decision
   */
  public PlanChange change(Desired desired, Nics nics) {
    // Pods may change many times a second, and decide nothing about versions.
    if (before == null || !nics.equals(nicsBefore) || !desired.isButForPods(before)) {
      if (before == null || !before.pools().equals(desired.pools())) {
        allowed = Pools.of(desired.pools());
      }
      own = check(desired.virtualIps());
      checked = new TreeMap<>(own);
      checked.replaceAll((_, result) -> allowed.judge(result));
      versions = AcceptedVersions.decide(desired, checked.values(), running, nics);
      accepted = accepted();
    }
    var nextRuns = runs(desired);
    var nextRefused = new TreeMap<String, Refused>();
    versions
        .refused()
        .forEach(
            (name, problems) -> {
              if (!nextRuns.containsKey(name)) {
                nextRefused.put(name, new Refused(generation(name), problems));
              }
            });
    var change = difference(desired, nextRuns, nextRefused);
    running = versions.run();
    before = desired;
    nicsBefore = nics;
    runs = nextRuns;
    refused = nextRefused;
    return change;
  }

  /**
   * Checks only specs that are new or changed: an edit of one object must not cost a check of all.
   */
  private Map<String, Result> check(List<VirtualIp> virtualIps) {
    var next = new TreeMap<String, Result>();
    for (var vip : virtualIps) {
      var name = vip.getMetadata().getName();
      var before = own.get(name);
      boolean same = before != null && Objects.equals(before.vip().getSpec(), vip.getSpec());
      next.put(name, same ? before.withVip(vip) : CheckedSpec.check(vip));
    }
    return next;
  }

  /**
   * What runs here, and of the other objects the newest version that was good, as the nodes that
   * run them go on with it.
   */
  private Map<String, Result> accepted() {
    var next = new TreeMap<>(versions.run());
    checked.forEach(
        (name, newest) -> {
          var before = accepted.get(name);
          if (versions.good().contains(name)) {
            next.putIfAbsent(name, newest);
          } else if (before != null && newest.vip().isVersionOf(before.vip())) {
            next.putIfAbsent(name, before);
          }
        });
    return next;
  }

  private Map<String, Run> runs(Desired desired) {
    var nodes = ownAddresses(desired.nodes());
    configs = configs(desired, nodes);
    var next = new TreeMap<String, Run>();
    configs.forEach(
        (name, config) -> {
          // Failed checks are no fault only where all members of the sync group agree.
          boolean keepMaster =
              config.keepMaster()
                  && configs.values().stream()
                      .filter(config::isInGroupWith)
                      .allMatch(InstanceConfig::keepMaster);
          var problems = versions.refused().get(name);
          next.put(
              name,
              new Run(
                  config.keepingMaster(keepMaster),
                  problems == null ? null : new Refused(generation(name), problems),
                  request(name)));
        });
    return next;
  }

  /**
   * What is made of a version stays the same while nodes and Secrets do; where only pods change,
   * all but its servers and its egress.
   */
  private Map<String, InstanceConfig> configs(Desired desired, List<NodeFacts> nodes) {
    boolean same = before != null && nodes.equals(peers) && before.hasSecretsOf(desired);
    peers = nodes;
    var podsBefore = pods;
    pods = known(desired.pods(), versions.run().values());
    keys.retain(versions.run().keySet());
    var next = new TreeMap<String, InstanceConfig>();
    versions
        .run()
        .forEach(
            (name, version) -> {
              var config =
                  same && version == running.get(name)
                      ? configs.get(name)
                      : InstanceConfig.from(
                          version, nodeName, desired.secrets(), nodes, pods, keys);
              boolean podsStay =
                  Desired.podSelectors(version.vip().getSpec()).stream()
                      .allMatch(one -> Objects.equals(pods.get(one), podsBefore.get(one)));
              next.put(
                  name,
                  podsStay
                      ? config
                      : config.with(
                          config.generation(),
                          InstanceConfig.virtualServers(version.spec(), nodes, pods),
                          InstanceConfig.egress(name, version.spec(), nodeName, pods)));
            });
    return next;
  }

  /** The pods of what runs; where there is no answer now, those of the last one. */
  private Map<PodSelector, List<PodFacts>> known(
      Map<PodSelector, List<PodFacts>> newest, Collection<Result> wanted) {
    var known = new HashMap<>(newest);
    wanted.stream()
        .flatMap(version -> Desired.podSelectors(version.vip().getSpec()).stream())
        .filter(pods::containsKey)
        .forEach(selector -> known.putIfAbsent(selector, pods.get(selector)));
    return known;
  }

  /**
   * The nodes with their own addresses alone. The kubelet of a master may report a virtual one, and
   * a router that took it for a peer's would be deaf to that node.
   */
  private List<NodeFacts> ownAddresses(List<NodeFacts> nodes) {
    var virtual =
        Stream.concat(accepted.values().stream(), checked.values().stream())
            .filter(Result::isGood)
            .flatMap(vip -> vip.spec().addresses().stream())
            .map(address -> address.prefix().address())
            .collect(Collectors.toSet());
    var own = new ArrayList<NodeFacts>();
    var mistaken = new TreeSet<String>();
    var addresses = new HashMap<String, List<String>>();
    for (var node : nodes) {
      var facts = node.without(virtual);
      if (facts != node) {
        mistaken.add(node.name());
        // Its kubelet names another address as long as it is master: its own is what it was.
        boolean none = facts.addresses().isEmpty();
        facts = none ? facts.with(ownAddresses.getOrDefault(node.name(), List.of())) : facts;
      }
      own.add(facts);
      addresses.put(node.name(), facts.addresses());
    }
    ownAddresses = addresses;
    if (!mistaken.isEmpty() && !mistaken.equals(reportVirtual)) {
      LOG.warn("virtual_internal_ip nodes={}: a virtual address is no peer's", mistaken);
    }
    reportVirtual = mistaken;
    return own;
  }

  private PlanChange difference(
      Desired desired, Map<String, Run> nextRuns, Map<String, Refused> nextRefused) {
    var changed = new TreeMap<>(nextRuns);
    changed.entrySet().removeIf(entry -> entry.getValue().equals(runs.get(entry.getKey())));
    var newlyRefused = new TreeMap<>(nextRefused);
    newlyRefused.entrySet().removeIf(entry -> entry.getValue().equals(refused.get(entry.getKey())));
    var ended = without(runs.keySet(), nextRuns.keySet());
    var stop = without(ended, checked.keySet());
    var known = new HashSet<>(runs.keySet());
    known.addAll(refused.keySet());
    var forget = without(without(known, nextRuns.keySet()), nextRefused.keySet());
    return new PlanChange(
        changed, stop, without(ended, stop), newlyRefused, forget, realServerSides(desired));
  }

  /** Whether this node runs a VirtualIP or not, it may be a real server of it. */
  private List<RealServerSide> realServerSides(Desired desired) {
    var next = new ArrayList<RealServerSide>();
    checked.forEach(
        (name, newest) -> {
          // After a start nothing is known of one in conflict: others may run what is alike.
          var version = accepted.getOrDefault(name, newest);
          if (version.isGood()) {
            next.addAll(RealServerSide.of(name, version.spec(), desired.self(), nodeName));
          }
        });
    boolean same = next.equals(realServerSides);
    realServerSides = next;
    return same ? null : next;
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
