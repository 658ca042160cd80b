package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedSpec.Result;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.operator.watch.ClusterView;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The DNS records that {@code spec.dns} of all VirtualIPs asks for.
 *
 * @param endpoints by name and type
 * @param untouched names whose records stay as they are, because a VirtualIP that lists them is not
 *     accepted: the operator does not know which addresses its last good version has
 */
public record DnsDecision(List<Endpoint> endpoints, Set<String> untouched) {

  /**
   * One name and type of record, in the form of DNSEndpoint's {@code spec.endpoints}.
   *
   * @param recordType A or AAAA
   */
  public record Endpoint(String dnsName, String recordType, int recordTTL, List<String> targets) {
    /** The endpoint as an object of the API. */
    public Map<String, Object> fields() {
      return Map.of(
          "dnsName", dnsName,
          "recordType", recordType,
          "recordTTL", recordTTL,
          "targets", targets);
    }
  }

  private record Key(String name, String type) {
    static final Comparator<Key> ORDER = Comparator.comparing(Key::name).thenComparing(Key::type);
  }

  static DnsDecision of(Collection<Result> vips, Map<String, List<Problem>> problems) {
    var untouched = new HashSet<String>();
    var targets = new TreeMap<Key, TreeSet<String>>(Key.ORDER);
    var ttls = new TreeMap<String, Integer>();
    for (var vip : vips) {
      var spec = vip.vip().getSpec();
      if (spec == null || spec.dns() == null) {
        continue;
      }
      if (!problems.get(vip.name()).isEmpty()) {
        // One that has never run must not take others' names out of the DNS.
        if (runs(vip.vip())) {
          untouched.addAll(spec.dns().hostnames());
        }
        continue;
      }
      for (var name : spec.dns().hostnames()) {
        ttls.merge(name, spec.dns().ttl(), Math::min);
        for (var address : vip.spec().addresses()) {
          var target = address.prefix().address();
          if (!target.isLinkLocalAddress()) {
            var type = target.getAddress().length == 4 ? "A" : "AAAA";
            targets
                .computeIfAbsent(new Key(name, type), _ -> new TreeSet<>())
                .add(IpPrefix.text(target));
          }
        }
      }
    }
    var endpoints = new ArrayList<Endpoint>();
    targets.forEach(
        (key, addresses) -> {
          if (!untouched.contains(key.name())) {
            endpoints.add(
                new Endpoint(key.name(), key.type(), ttls.get(key.name()), List.copyOf(addresses)));
          }
        });
    return new DnsDecision(endpoints, untouched);
  }

  private static boolean runs(VirtualIp vip) {
    return ClusterView.reports(vip).values().stream()
        .anyMatch(report -> report.acceptedGeneration() != null);
  }
}
