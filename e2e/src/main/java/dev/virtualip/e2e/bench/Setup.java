package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Keepalived;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A configuration for both programs, as {@code VirtualIP} objects and as a {@code keepalived.conf}
 * with the same meaning. node-a has priority 100, node-b 80.
 *
 * @param name for tables and files
 * @param version VRRP version, 2 or 3; 2 with a password
 * @param advertMillis interval of adverts
 * @param routers number of virtual routers, 1 to 250
 * @param addressesEach number of addresses of each virtual router; at most 250 in all, or 1,000 if
 *     they are excluded
 * @param excluded whether adverts list the first address only (keepalived:
 *     virtual_ipaddress_excluded)
 * @param checked whether the local nginx is checked every second, and its failure is a fault
 * @param exclusive whether our leases are Exclusive; keepalived has none
 * @param bfd whether both programs have BFD sessions between the nodes, 50 ms times 3. With
 *     keepalived's a lost neighbour changes the priority, which is all that it can do
 */
record Setup(
    String name,
    int version,
    int advertMillis,
    int routers,
    int addressesEach,
    boolean excluded,
    boolean checked,
    boolean exclusive,
    boolean bfd) {
  static final String PASSWORD = "s3cret";
  static final int ADDRESSES_MAX = 250;
  static final int EXCLUDED_MAX = 1_000;

  /** The network of the addresses that adverts do not list. */
  static final String EXCLUDED_NETWORK = "198.18.0.0/16";

  private static final int FIRST_HOST = 10;

  Setup {
    int most = excluded ? EXCLUDED_MAX : ADDRESSES_MAX;
    if (routers * addressesEach > most) {
      throw new IllegalArgumentException("at most " + most + " addresses: " + name);
    }
  }

  /** The classic pair with one address. */
  static Setup classic(int version, int advertMillis) {
    return new Setup(
        "v" + version + ", " + text(advertMillis),
        version,
        advertMillis,
        1,
        1,
        false,
        true,
        false,
        false);
  }

  /** The same with exclusive leases, for adverts of 1 s or more. */
  Setup withExclusiveLeases() {
    return new Setup(
        name + ", exclusive",
        version,
        advertMillis,
        routers,
        addressesEach,
        excluded,
        checked,
        true,
        bfd);
  }

  /** The same with BFD. */
  Setup withBfd() {
    return new Setup(
        name + ", BFD",
        version,
        advertMillis,
        routers,
        addressesEach,
        excluded,
        checked,
        exclusive,
        true);
  }

  /** All addresses in one virtual router, without a check. */
  static Setup addresses(int count) {
    var name = count == 1 ? "1 address" : count + " addresses of 1 VirtualIP";
    return new Setup(name, 2, 1_000, 1, count, false, false, false, false);
  }

  /** All addresses in one virtual router, whose adverts list the first one only; no check. */
  static Setup excluded(int count, int advertMillis) {
    var name = count + " addresses, " + text(advertMillis);
    return new Setup(name, 3, advertMillis, 1, count, true, false, false, false);
  }

  /** A virtual router for each address, without a check. */
  static Setup routers(int count) {
    return new Setup(count + " VirtualIPs", 2, 1_000, count, 1, false, false, false, false);
  }

  /** The same with adverts of version 3 every 100 ms. */
  static Setup fastRouters(int count) {
    return new Setup(count + " VirtualIPs, 100 ms", 3, 100, count, 1, false, false, false, false);
  }

  private static String text(int millis) {
    return millis % 1_000 == 0 ? millis / 1_000 + " s" : millis + " ms";
  }

  /** All virtual addresses; the client asks for the last one. */
  List<String> addresses() {
    return IntStream.range(0, routers * addressesEach).mapToObj(this::address).toList();
  }

  /** 203.0.113.10, then the others from .2 on: .1 is the upstream router. */
  private String address(int index) {
    if (excluded && index > 0) {
      return "198.18.%d.%d".formatted(index / 250, index % 250 + 1);
    }
    int host = index == 0 ? FIRST_HOST : index < FIRST_HOST - 1 ? index + 1 : index + 2;
    return ClassicPair.VIP.substring(0, ClassicPair.VIP.lastIndexOf('.') + 1) + host;
  }

  /** The first address brings the subnet and is the source of the route, the others are /32. */
  private List<String> prefixes(int router) {
    return IntStream.range(router * addressesEach, (router + 1) * addressesEach)
        .mapToObj(index -> address(index) + (index == 0 ? "/24" : "/32"))
        .toList();
  }

  private List<String> listed(int router) {
    return excluded ? prefixes(router).subList(0, 1) : prefixes(router);
  }

  private List<String> unlisted(int router) {
    var all = prefixes(router);
    return all.subList(listed(router).size(), all.size());
  }

  private static String routerName(int router) {
    return router == 0 ? "web" : "web-" + router;
  }

  private int vrid(int router) {
    return routers == 1 ? 77 : router + 1;
  }

  /** The VirtualIP objects. */
  String manifest() {
    return IntStream.range(0, routers)
        .mapToObj(this::manifest)
        .collect(Collectors.joining("---\n"));
  }

  private String manifest(int router) {
    var yaml = new StringBuilder();
    yaml.append("apiVersion: virtualip.dev/v1alpha1\nkind: VirtualIP\n");
    yaml.append("metadata: {name: %s}\nspec:\n".formatted(routerName(router)));
    yaml.append("  vrid: %d\n  vrrpVersion: %d\n".formatted(vrid(router), version));
    yaml.append("  interface: eth0\n  advertInterval: %dms\n".formatted(advertMillis));
    if (version == 2) {
      yaml.append("  authentication: {passwordSecretRef: {name: vip-auth, key: web}}\n");
    }
    if (exclusive) {
      yaml.append("  lease: {policy: Exclusive}\n");
    }
    if (bfd) {
      yaml.append("  detection: {bfd: {interval: 50ms, multiplier: 3}}\n");
    }
    yaml.append("  addresses:\n");
    listed(router).forEach(p -> yaml.append("    - {address: %s, interface: eth1}\n".formatted(p)));
    unlisted(router)
        .forEach(
            p ->
                yaml.append(
                    "    - {address: %s, interface: eth1, advertised: false}\n".formatted(p)));
    if (router == 0) {
      yaml.append("  routes: [{to: default, via: 203.0.113.1, interface: eth1}]\n");
    }
    yaml.append("  nodes: {overrides: [{name: node-a, priority: 100}");
    yaml.append(", {name: node-b, priority: 80}]}\n");
    if (checked) {
      yaml.append("  healthChecks:\n    - {name: nginx, http: {port: 80, path: /healthz}");
      yaml.append(", interval: 1s, timeout: 1s}\n");
    }
    return yaml.toString().replace("advertInterval: 1000ms", "advertInterval: 1s");
  }

  /** The same for keepalived on a node. */
  String keepalivedConfig(String node) {
    int priority = node.equals("node-a") ? 100 : 80;
    var instances =
        IntStream.range(0, routers).mapToObj(router -> instance(router, priority)).toList();
    var rest = instances.stream().skip(1).map(Keepalived.Instance::block);
    return Stream.concat(Stream.of(bfdInstance(node), instances.getFirst().config()), rest)
        .collect(Collectors.joining());
  }

  private String bfdInstance(String node) {
    int own = node.equals("node-a") ? 11 : 12;
    return bfd
        ? """
          bfd_instance other {
            neighbor_ip 10.0.0.%d
            source_ip 10.0.0.%d
            min_rx 50
            min_tx 50
            multiplier 3
          }
          """
            .formatted(23 - own, own)
        : "";
  }

  private Keepalived.Instance instance(int router, int priority) {
    var lines = new ArrayList<String>();
    listed(router).forEach(prefix -> lines.add(prefix + " dev eth1"));
    var options = new ArrayList<String>();
    if (excluded) {
      options.add("virtual_ipaddress_excluded {");
      unlisted(router).forEach(prefix -> options.add("  " + prefix + " dev eth1"));
      options.add("}");
    }
    if (bfd) {
      options.addAll(List.of("track_bfd {", "  other weight -1", "}"));
    }
    return new Keepalived.Instance(
        routerName(router),
        "eth0",
        vrid(router),
        priority,
        version,
        Double.toString(advertMillis / 1_000.0).replaceFirst("\\.0$", ""),
        version == 2 ? PASSWORD : null,
        lines,
        router == 0 ? List.of("default via 203.0.113.1 dev eth1") : List.of(),
        checked ? "/usr/bin/curl -sf -m 1 http://127.0.0.1/healthz" : null,
        options);
  }
}
