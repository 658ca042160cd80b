package dev.virtualip.operator.decide;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.schema.Address;
import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.IpRange;
import dev.virtualip.operator.decide.ServiceAllocation.Outcome;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The VirtualIPs that have the addresses of Services: lanes {@code POOL-0}, {@code POOL-1} and so
 * on, which many share, and one for each Service with externalTrafficPolicy Local. An address stays
 * in its lane; a new one comes to the emptiest.
 *
 * @param create those to make
 * @param edit those whose fields have to change
 * @param delete those that have no more addresses
 * @param taken what to say of each name that is taken by a VirtualIP without the label
 */
public record Lanes(
    List<Lane> create, Map<VirtualIp, Lane> edit, List<VirtualIp> delete, List<String> taken) {
  /** Nothing is to be done. */
  public static final Lanes NONE = new Lanes(List.of(), Map.of(), List.of(), List.of());

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * A VirtualIP of the operator's.
   *
   * @param name its name
   * @param pool name of its pool
   * @param spec the fields of its spec that the operator keeps up, as JSON has them
   */
  public record Lane(String name, String pool, Map<String, Object> spec) {}

  /** The lanes for what Services get. */
  static Lanes of(
      Collection<Outcome> outcomes, Collection<CheckedPool> pools, Collection<VirtualIp> vips) {
    return new Plan(pools, vips).of(outcomes);
  }

  /** The name of the pool that a VirtualIP was made for, or null. */
  static String poolOf(VirtualIp vip) {
    var labels = vip.getMetadata().getLabels();
    return labels == null ? null : labels.get(PoolServices.LABEL);
  }

  /** The addresses of a VirtualIP that can be read. */
  static List<InetAddress> addresses(VirtualIp vip) {
    var addresses = new ArrayList<InetAddress>();
    for (var address : vip.getSpec() == null ? List.<Address>of() : vip.getSpec().addresses()) {
      try {
        if (address != null && address.address() != null) {
          addresses.add(IpPrefix.parse(address.address()).address());
        }
      } catch (IllegalArgumentException _) {
        // It is not accepted, so nobody has this address.
      }
    }
    return addresses;
  }

  private static final class Plan {
    private final Map<String, CheckedPool> pools = new TreeMap<>();
    private final Set<String> unreadable = new HashSet<>();
    private final Map<String, VirtualIp> own = new TreeMap<>();
    private final Set<String> others = new HashSet<>();
    private final Map<String, Lane> wanted = new TreeMap<>();
    private final Set<String> taken = new LinkedHashSet<>();

    Plan(Collection<CheckedPool> pools, Collection<VirtualIp> vips) {
      for (var pool : pools) {
        if (!pool.isGood()) {
          unreadable.add(pool.name());
        } else if (pool.services() != null) {
          this.pools.put(pool.name(), pool);
        }
      }
      for (var vip : vips) {
        if (poolOf(vip) == null) {
          others.add(vip.getMetadata().getName());
        } else {
          own.put(vip.getMetadata().getName(), vip);
        }
      }
    }

    Lanes of(Collection<Outcome> outcomes) {
      var shared = new TreeMap<String, Set<InetAddress>>();
      for (var outcome : outcomes) {
        var single = new TreeMap<String, Set<InetAddress>>();
        outcome
            .addresses()
            .forEach(
                (address, pool) ->
                    (outcome.request().local() ? single : shared)
                        .computeIfAbsent(pool, _ -> new LinkedHashSet<>())
                        .add(address));
        // Of two pools at once only while a request waits; the first one's name has to do then.
        single.forEach((pool, addresses) -> local(outcome.request(), pool, addresses));
      }
      shared.forEach(this::share);
      return difference();
    }

    private void local(ServiceRequest request, String pool, Set<InetAddress> addresses) {
      var name = request.ownVirtualIp();
      if (pools.containsKey(pool) && !wanted.containsKey(name) && isFree(name)) {
        wanted.put(name, lane(name, pools.get(pool), addresses, request.healthPort()));
      }
    }

    private boolean isFree(String name) {
      if (others.contains(name)) {
        taken.add(
            "VirtualIP %s lacks the label %s, so Services do not get its name: rename it"
                .formatted(name, PoolServices.LABEL));
      }
      return !others.contains(name);
    }

    private void share(String pool, Set<InetAddress> addresses) {
      var checked = pools.get(pool);
      if (checked == null) {
        return;
      }
      var lanes = new LinkedHashMap<String, Set<InetAddress>>();
      IntStream.range(0, checked.services().lanes())
          .mapToObj(i -> pool + "-" + i)
          .filter(this::isFree)
          .forEach(name -> lanes.put(name, new LinkedHashSet<>()));
      var fresh = new LinkedHashSet<>(addresses);
      lanes.forEach(
          (name, has) -> {
            if (own.containsKey(name)) {
              addresses(own.get(name)).stream().filter(fresh::remove).forEach(has::add);
            }
          });
      fresh.stream()
          .sorted(Comparator.comparing(IpRange::number))
          .forEach(
              address ->
                  lanes.values().stream()
                      .min(Comparator.comparingInt(Set::size))
                      .filter(lane -> lane.size() < VirtualIpSpec.ADDRESSES_MAX)
                      .ifPresent(lane -> lane.add(address)));
      lanes.forEach(
          (name, has) -> {
            if (!has.isEmpty()) {
              wanted.put(name, lane(name, checked, has, 0));
            }
          });
    }

    private Lane lane(String name, CheckedPool pool, Set<InetAddress> addresses, int healthPort) {
      var nodes = new LinkedHashMap<String, Object>();
      nodes.put("spread", true);
      if (pool.nodeSelector() != null) {
        nodes.put("selector", JSON.convertValue(pool.nodeSelector(), Map.class));
      }
      var advertised = advertised(own.get(name), addresses);
      var spec = new LinkedHashMap<String, Object>();
      spec.put("interface", pool.services().interfaceName());
      spec.put("addresses", addresses.stream().map(a -> address(a, a.equals(advertised))).toList());
      spec.put("nodes", nodes);
      spec.put("preempt", Map.of("enabled", false));
      // What a pool has is nobody else's.
      spec.put("probe", false);
      spec.put("pool", pool.name());
      spec.put("healthChecks", healthPort == 0 ? List.of() : List.of(endpoints(healthPort)));
      return new Lane(name, pool.name(), spec);
    }

    /**
     * The address that adverts list. It stays the same as long as it can, for its family is that of
     * the adverts, and to change that is to elect anew.
     */
    private static InetAddress advertised(VirtualIp present, Set<InetAddress> addresses) {
      Boolean ipv6 = null;
      if (present != null && present.getSpec() != null) {
        for (var address : present.getSpec().addresses()) {
          if (address.advertised()) {
            ipv6 = address.address().contains(":");
            var same = addresses.stream().filter(a -> isOf(a, address)).findFirst();
            if (same.isPresent()) {
              return same.get();
            }
          }
        }
      }
      boolean first = Boolean.TRUE.equals(ipv6);
      return addresses.stream()
          .min(Comparator.comparing((InetAddress a) -> a.getAddress().length > 4 != first))
          .orElseThrow();
    }

    private static boolean isOf(InetAddress address, Address listed) {
      return listed.address().startsWith(IpPrefix.text(address) + "/");
    }

    private static Map<String, Object> address(InetAddress address, boolean advertised) {
      var text = IpPrefix.text(address) + "/" + 8 * address.getAddress().length;
      return advertised
          ? Map.of("address", text)
          : new TreeMap<>(Map.of("address", text, "advertised", false));
    }

    private static Map<String, Object> endpoints(int port) {
      return Map.of(
          "name",
          "endpoints",
          "http",
          Map.of("host", "127.0.0.1", "port", port, "path", "/healthz", "statuses", "200"));
    }

    private Lanes difference() {
      var create = new ArrayList<Lane>();
      var edit = new LinkedHashMap<VirtualIp, Lane>();
      // What loses addresses comes first, so that none is in two at once longer than need be.
      var growing = new HashMap<VirtualIp, Lane>();
      for (var lane : wanted.values()) {
        var present = own.get(lane.name());
        if (present == null) {
          create.add(lane);
        } else if (!isSame(present, lane)) {
          boolean shrinks = count(lane) < addresses(present).size();
          (shrinks ? edit : growing).put(present, lane);
        }
      }
      edit.putAll(growing);
      var delete =
          own.values().stream()
              .filter(vip -> !wanted.containsKey(vip.getMetadata().getName()))
              .filter(vip -> !unreadable.contains(poolOf(vip)))
              .toList();
      return new Lanes(create, edit, delete, List.copyOf(taken));
    }

    private static int count(Lane lane) {
      return ((Collection<?>) lane.spec().get("addresses")).size();
    }

    private static boolean isSame(VirtualIp present, Lane lane) {
      var is = present.getSpec();
      var wanted = JSON.convertValue(lane.spec(), VirtualIpSpec.class);
      return is != null
          && lane.pool().equals(poolOf(present))
          && Objects.equals(is.interfaceName(), wanted.interfaceName())
          && is.addresses().equals(wanted.addresses())
          && is.nodes().equals(wanted.nodes())
          && is.preempt().equals(wanted.preempt())
          && is.probe().equals(wanted.probe())
          && Objects.equals(is.pool(), wanted.pool())
          && is.healthChecks().equals(wanted.healthChecks());
    }
  }
}
