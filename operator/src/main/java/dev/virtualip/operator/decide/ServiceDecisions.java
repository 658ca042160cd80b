package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.check.OwnedAddresses;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.operator.decide.ServiceAllocation.Reserved;
import dev.virtualip.operator.watch.ClusterView;
import io.fabric8.kubernetes.api.model.Service;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What becomes of the Services of type LoadBalancer.
 *
 * @param writes addresses to write into the status of Services that show others
 * @param failures what each Service lacks, and what to do
 * @param assigned how many Services have addresses, by pool
 * @param lanes the VirtualIPs that have the addresses
 */
public record ServiceDecisions(
    Map<Service, List<String>> writes,
    Map<Service, String> failures,
    Map<String, Integer> assigned,
    Lanes lanes) {

  /**
   * Decides about all Services.
   *
   * @param pools the pools, checked
   * @param owned addresses that the cluster has for its own
   * @param problems what keeps VirtualIPs from being accepted, by name
   * @param withoutClass whether those without a class are served
   */
  static ServiceDecisions of(
      ClusterView view,
      List<CheckedPool> pools,
      OwnedAddresses owned,
      Map<String, List<Problem>> problems,
      boolean withoutClass) {
    var ours =
        view.services().stream().filter(s -> ServiceRequest.isOurs(s, withoutClass)).toList();
    var outcomes =
        ServiceAllocation.of(
            ours.stream()
                .map(s -> ServiceRequest.of(s, view.labels(s.getMetadata().getNamespace())))
                .toList(),
            pools,
            reserved(view, owned, pools, withoutClass));
    var writes = new LinkedHashMap<Service, List<String>>();
    var failures = new LinkedHashMap<Service, String>();
    var assigned = new TreeMap<String, Integer>();
    pools.stream().filter(p -> p.services() != null).forEach(p -> assigned.put(p.name(), 0));
    var refused = refused(view, problems);
    for (var outcome : outcomes.values()) {
      var service = outcome.request().service();
      var texts = outcome.addresses().keySet().stream().map(IpPrefix::text).toList();
      if (!texts.equals(ServiceRequest.texts(service).toList())) {
        writes.put(service, texts);
      }
      if (outcome.failure() != null) {
        failures.put(service, outcome.failure());
      } else {
        outcome.addresses().keySet().stream()
            .filter(refused::containsKey)
            .findFirst()
            .ifPresent(address -> failures.put(service, refused.get(address)));
      }
      outcome.addresses().values().stream()
          .findFirst()
          .ifPresent(pool -> assigned.merge(pool, 1, Integer::sum));
    }
    leftovers(view, pools).forEach(service -> writes.put(service, List.of()));
    var lanes = Lanes.of(outcomes.values(), pools, view.vips());
    return new ServiceDecisions(writes, failures, assigned, lanes);
  }

  /** Why nobody has the addresses of lanes that are not accepted, as where no VRID is free. */
  private static Map<InetAddress, String> refused(
      ClusterView view, Map<String, List<Problem>> problems) {
    var refused = new HashMap<InetAddress, String>();
    for (var vip : view.vips()) {
      var name = vip.getMetadata().getName();
      var own = problems.getOrDefault(name, List.of());
      if (Lanes.poolOf(vip) != null && !own.isEmpty()) {
        var why = "its VirtualIP %s is not accepted: %s".formatted(name, own.getFirst());
        Lanes.addresses(vip).forEach(address -> refused.put(address, why));
      }
    }
    return refused;
  }

  /** Services that are of another type now, and show an address of a pool still. */
  private static List<Service> leftovers(ClusterView view, Collection<CheckedPool> pools) {
    Predicate<InetAddress> ofPool =
        address -> pools.stream().anyMatch(pool -> pool.services() != null && pool.has(address));
    return view.services().stream()
        .filter(service -> !ServiceRequest.isLoadBalancer(service))
        .filter(service -> !ServiceRequest.ingress(service).isEmpty())
        .filter(service -> ServiceRequest.ingress(service).stream().allMatch(ofPool))
        .toList();
  }

  private static Reserved reserved(
      ClusterView view, OwnedAddresses owned, Collection<CheckedPool> pools, boolean withoutClass) {
    var owners = new HashMap<>(owned.owners());
    var lost = new HashSet<InetAddress>();
    var frozen = new HashSet<InetAddress>();
    var unreadable =
        pools.stream().filter(p -> !p.isGood()).map(CheckedPool::name).collect(Collectors.toSet());
    for (var vip : view.vips()) {
      var pool = Lanes.poolOf(vip);
      if (pool == null) {
        var owner = "an address of VirtualIP " + vip.getMetadata().getName();
        Lanes.addresses(vip).forEach(address -> owners.put(address, owner));
        if (VirtualIpConditions.isAccepted(vip, view.conditions(vip))) {
          lost.addAll(Lanes.addresses(vip));
        }
      } else if (unreadable.contains(pool)) {
        frozen.addAll(Lanes.addresses(vip));
      }
    }
    for (var service : view.services()) {
      if (!ServiceRequest.isOurs(service, withoutClass)) {
        var owner = "an address of Service " + ServiceRequest.key(service);
        ServiceRequest.ingress(service).forEach(address -> owners.put(address, owner));
      }
      externalIps(service).forEach(a -> owners.put(a, "an externalIP of a Service"));
    }
    return new Reserved(owners, lost, frozen);
  }

  private static Set<InetAddress> externalIps(Service service) {
    var texts = service.getSpec() == null ? null : service.getSpec().getExternalIPs();
    return Objects.requireNonNullElse(texts, List.<String>of()).stream()
        .map(ServiceRequest::parsed)
        .flatMap(List::stream)
        .collect(Collectors.toSet());
  }
}
