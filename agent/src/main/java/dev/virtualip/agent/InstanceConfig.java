package dev.virtualip.agent;

import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.Durations;
import dev.virtualip.crds.HealthCheck;
import dev.virtualip.crds.IpPrefix;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpSpec;
import dev.virtualip.crds.VirtualIpSpec.Authentication.SecretKey;
import dev.virtualip.crds.VirtualIpSpec.InitialState;
import dev.virtualip.crds.VirtualIpSpec.TrackedInterface;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A valid VirtualIP as one node runs it (keepalived: {@code vrrp_instance}).
 *
 * @param name name of the VirtualIP
 * @param generation generation of its spec
 * @param interfaceName NIC that carries the adverts on this node
 * @param router what the state machine needs
 * @param priority base priority on this node, 1 to 255
 * @param password VRRPv2 password, or null if none is asked for or it is missing
 * @param missingSecret the key of a password that could not be read, or null
 * @param addresses what is bound while master, in the adverts' order
 * @param routes what is routed while master
 * @param healthChecks checks of this node
 * @param syncGroup name of the sync group, or null
 * @param trackInterfaces NICs that count beyond those in use
 * @param linkDebounce how long a NIC has to be down or up before it counts, nanoseconds
 * @param interfaces NICs that have to work, and the path of the field that names each first
 */
record InstanceConfig(
    String name,
    long generation,
    String interfaceName,
    VirtualRouterConfig router,
    int priority,
    Password password,
    SecretKey missingSecret,
    List<VirtualAddress> addresses,
    List<VirtualRoute> routes,
    List<HealthCheck> healthChecks,
    String syncGroup,
    List<TrackedInterface> trackInterfaces,
    long linkDebounce,
    Map<String, String> interfaces) {

  /** An address and the NIC it is bound on. */
  record VirtualAddress(String interfaceName, IpPrefix prefix) {}

  /** A route and its NIC; the link index is filled in when the route is installed. */
  record VirtualRoute(
      String interfaceName,
      IpPrefix to,
      InetAddress via,
      InetAddress source,
      long table,
      long metric,
      boolean onLink) {

    InstalledRoute on(int linkIndex) {
      return new InstalledRoute(linkIndex, to, via, source, table, metric, onLink);
    }
  }

  private static final int MAIN_TABLE = 254;
  private static final IpPrefix DEFAULT = IpPrefix.parse("0.0.0.0/0");

  /** What a node runs of a VirtualIP that the validator has found good. */
  static InstanceConfig from(VirtualIp vip, String nodeName, Map<SecretKey, byte[]> secrets) {
    var spec = vip.getSpec();
    var secretKey =
        spec.authentication() == null ? null : spec.authentication().passwordSecretRef();
    var secret = secretKey == null ? null : secrets.get(secretKey);
    var generation = vip.getMetadata().getGeneration();
    var addresses =
        spec.addresses().stream()
            .map(
                address ->
                    new VirtualAddress(
                        spec.interfaceOf(address, nodeName), IpPrefix.parse(address.address())))
            .toList();
    return new InstanceConfig(
        vip.getMetadata().getName(),
        generation == null ? 1 : generation,
        spec.interfaceOn(nodeName),
        routerConfig(spec),
        spec.priorityOn(nodeName),
        secret == null ? null : new Password(secret),
        secret == null ? secretKey : null,
        addresses,
        spec.routes().stream().map(route -> route(spec, route, nodeName, addresses)).toList(),
        spec.healthChecks(),
        spec.syncGroup(),
        spec.trackInterfaces(),
        Durations.parse(spec.linkDebounce()).toNanos(),
        interfaces(spec, nodeName));
  }

  private static VirtualRouterConfig routerConfig(VirtualIpSpec spec) {
    return new VirtualRouterConfig(
        Version.of(spec.vrrpVersion()),
        spec.vrid(),
        Durations.parse(spec.advertInterval()).toNanos(),
        spec.preempt().enabled(),
        Durations.parse(spec.preempt().delay()).toNanos(),
        spec.initialState() == InitialState.Master);
  }

  /**
   * Without a source of its own a route prefers the first virtual address on its NIC: the kernel
   * drops a route with its preferred source, so an expired lease takes the route along.
   */
  private static VirtualRoute route(
      VirtualIpSpec spec,
      VirtualIpSpec.Route route,
      String nodeName,
      List<VirtualAddress> addresses) {
    var nic = spec.interfaceOf(route, nodeName);
    var source =
        route.source() != null
            ? IpPrefix.parseAddress(route.source())
            : addresses.stream()
                .filter(address -> address.interfaceName().equals(nic))
                .map(address -> address.prefix().address())
                .findFirst()
                .orElse(null);
    return new VirtualRoute(
        nic,
        route.to().equals("default") ? DEFAULT : IpPrefix.parse(route.to()),
        route.via() == null ? null : IpPrefix.parseAddress(route.via()),
        source,
        route.table() == null ? MAIN_TABLE : route.table(),
        route.metric() == null ? 0 : route.metric(),
        Boolean.TRUE.equals(route.onLink()));
  }

  /**
   * All NICs that have to work for this node to be master, that of the adverts first, and the path
   * of the field that says so.
   */
  static Map<String, String> interfaces(VirtualIpSpec spec, String nodeName) {
    var paths = new LinkedHashMap<String, String>();
    var override = spec.nodes().overrideFor(nodeName);
    boolean overridden = override != null && override.interfaceName() != null;
    paths.put(
        spec.interfaceOn(nodeName),
        overridden ? "spec.nodes.overrides[name=" + nodeName + "].interface" : "spec.interface");
    for (int i = 0; i < spec.addresses().size(); i++) {
      var address = spec.addresses().get(i);
      paths.putIfAbsent(spec.interfaceOf(address, nodeName), "spec.addresses[" + i + "].interface");
    }
    for (int i = 0; i < spec.routes().size(); i++) {
      var route = spec.routes().get(i);
      paths.putIfAbsent(spec.interfaceOf(route, nodeName), "spec.routes[" + i + "].interface");
    }
    for (int i = 0; i < spec.trackInterfaces().size(); i++) {
      var tracked = spec.trackInterfaces().get(i);
      if (tracked.weight() == 0) {
        paths.putIfAbsent(tracked.name(), "spec.trackInterfaces[" + i + "].name");
      }
    }
    return paths;
  }

  /** The addresses alone, as adverts list them. */
  List<InetAddress> advertised() {
    return addresses.stream().map(address -> address.prefix().address()).toList();
  }

  /** Whether a running router can take over this configuration, or has to begin anew. */
  boolean continues(InstanceConfig before) {
    return interfaceName.equals(before.interfaceName)
        && router.vrid() == before.router.vrid()
        && router.version() == before.router.version();
  }
}
