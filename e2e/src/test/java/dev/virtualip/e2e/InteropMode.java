package dev.virtualip.e2e;

import java.util.List;
import java.util.stream.Stream;

/**
 * A VirtualIP of ours, and keepalived's instance for it: one of the protocol's versions, families
 * and ways of travelling.
 *
 * @param excluded addresses that adverts do not list
 */
record InteropMode(
    String name,
    int vrid,
    int version,
    boolean ipv6,
    boolean unicast,
    boolean password,
    List<String> addresses,
    List<String> excluded) {

  /** Secret of the modes that have one. */
  static final String PASSWORD = "s3cret";

  /** keepalived leaves unicast IPv6 to the kernel's default. */
  private static final int KERNEL_HOPS = 64;

  /** Own addresses of the two hosts by role; the second one's are the greater. */
  private static final List<String> IPV4 = List.of("10.9.0.1", "10.9.0.2");

  private static final List<String> IPV6 = List.of("2001:db8:9::a", "2001:db8:9::b");

  /** All of them; a VRID may be used once in each family. */
  static final List<InteropMode> ALL =
      List.of(
          new InteropMode("v2", 51, 2, false, false, false, List.of("10.9.1.51/32"), List.of()),
          new InteropMode("v2 PASS", 52, 2, false, false, true, List.of("10.9.1.52/24"), List.of()),
          new InteropMode(
              "v3 IPv4", 53, 3, false, false, false, List.of("10.9.1.53/24"), List.of()),
          new InteropMode(
              "v3 IPv6",
              53,
              3,
              true,
              false,
              false,
              List.of("fe80::53/64", "2001:db8:9::53/128"),
              List.of()),
          new InteropMode(
              "v2 unicast", 55, 2, false, true, true, List.of("10.9.1.55/32"), List.of()),
          new InteropMode(
              "v3 unicast", 56, 3, false, true, false, List.of("10.9.1.56/32"), List.of()),
          new InteropMode(
              "v3 IPv6 unicast",
              57,
              3,
              true,
              true,
              false,
              List.of("fe80::57/64", "2001:db8:9::57/128"),
              List.of()),
          new InteropMode(
              "dual stack",
              58,
              3,
              false,
              false,
              false,
              List.of("10.9.1.58/32"),
              List.of("2001:db8:9::58/128", "10.9.2.58/32")));

  /** Own address of a host, 0 for the first and 1 for the second; not its link-local one. */
  String own(int host) {
    return (ipv6 ? IPV6 : IPV4).get(host);
  }

  long intervalMillis() {
    return version == 2 ? 1000 : 200;
  }

  /** Takeover time of a backup after a resignation. */
  long skewMillis(int priority) {
    return intervalMillis() * (256 - priority) / 256;
  }

  Stream<String> all() {
    return Stream.concat(addresses.stream(), excluded.stream());
  }

  /** Name of the VirtualIP, and of the instance. */
  String object() {
    return "m" + vrid + (ipv6 ? "-ipv6" : "");
  }

  String manifest(int priority) {
    return """
    ---
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: %s}
    spec:
      vrid: %d
      vrrpVersion: %d
      interface: eth0
      priority: %d
      advertInterval: %dms
      transport: %s
      addresses:
    """
            .formatted(object(), vrid, version, priority, intervalMillis(), transport())
        + String.join("", addresses.stream().map("    - {address: '%s'}\n"::formatted).toList())
        + String.join(
            "",
            excluded.stream().map("    - {address: '%s', advertised: false}\n"::formatted).toList())
        + (password ? "  authentication: {passwordSecretRef: {name: vip-auth, key: web}}\n" : "");
  }

  private String transport() {
    return unicast
        ? "{mode: Unicast, minTtl: %d, peers: ['%s', '%s']}"
            .formatted(ipv6 ? KERNEL_HOPS : 255, own(0), own(1))
        : "{mode: Multicast}";
  }

  /** keepalived's instance on a host. */
  String instance(int priority, int host) {
    var text =
        new StringBuilder(
            """
            vrrp_instance %s {
              state BACKUP
              interface eth0
              version %d
              virtual_router_id %d
              priority %d
              advert_int %s
            """
                .formatted(object(), version, vrid, priority, version == 2 ? "1" : "0.2"));
    if (password) {
      text.append("  authentication {\n auth_type PASS\n auth_pass %s\n }\n".formatted(PASSWORD));
    }
    if (unicast) {
      text.append("  unicast_src_ip %s\n".formatted(own(host)));
      text.append("  unicast_peer {\n %s\n }\n".formatted(own(1 - host)));
    }
    if (unicast && version == 3 && !ipv6) {
      text.append("  old_unicast_checksum never\n");
    }
    text.append("  virtual_ipaddress {\n %s\n }\n".formatted(String.join("\n", addresses)));
    if (!excluded.isEmpty()) {
      text.append(
          "  virtual_ipaddress_excluded {\n %s\n }\n".formatted(String.join("\n", excluded)));
    }
    return text.append("}\n").toString();
  }
}
