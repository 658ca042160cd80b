package dev.virtualip.agent.plan;

import dev.virtualip.agent.bfd.Timing;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.agent.vrrp.AdvertisementCodec.ChecksumForm;
import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.CheckedSpec.ConnectionSync;
import dev.virtualip.crds.check.CheckedSpec.ConnectionTimeouts;
import dev.virtualip.crds.check.NicField;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.HealthCheck.WhenAllFail;
import dev.virtualip.crds.schema.InitialState;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.TrackedInterface;
import dev.virtualip.crds.schema.Transport.Mode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A valid VirtualIP as one node runs it (keepalived: {@code vrrp_instance}).
 *
 * @param name name of the VirtualIP
 * @param generation generation of its spec
 * @param interfaceName NIC that carries the adverts on this node
 * @param router configuration of the state machine
 * @param priority base priority on this node, 1 to 255
 * @param authentication the password, and the keys of signed adverts
 * @param unicast whether adverts go to each peer instead of to the group
 * @param members unicast: addresses of the routers, possibly with this node's own
 * @param hasOutsiders unicast: whether a selected node has no address, and so stands aside
 * @param minTtl lowest TTL or hop limit of others' adverts, 1 to 255; with multicast 255
 * @param heartbeats further NICs that carry the adverts; empty if there is one path only
 * @param checksum what the checksum of VRRPv3 adverts over IPv4 covers
 * @param virtualMac the MAC that announces the addresses, or null for the NIC's own
 * @param xmitBase whether adverts have the NIC's own MAC nevertheless
 * @param garp how addresses are announced
 * @param probe whether it asks for them before it takes over from nobody; the owner never does
 * @param addresses addresses bound while master, in the order of the adverts
 * @param routes routes installed while master
 * @param rules policy routing rules added while master
 * @param virtualServers virtual servers in IPVS while master
 * @param connectionSync copies of their connections between the nodes, or null
 * @param connectionTimeouts timeouts of connections in IPVS, or null
 * @param egress whose packets leave with a virtual address while master; the NIC is what the spec
 *     names it by
 * @param healthChecks checks of this node
 * @param keepMaster whether failed checks are no fault but make the node the last resort
 * @param syncGroup name of the sync group, or null
 * @param trackInterfaces NICs that count for the priority beyond those in use
 * @param linkUpDelay how long a NIC has to be up before it counts, nanoseconds
 * @param linkDownDelay how long a NIC has to be down before it counts, nanoseconds
 * @param delayAfterBoot how long after the node's boot it starts to take part, nanoseconds
 * @param interfaces NICs that have to work, each with the path of the first field that names it
 * @param bfd sessions of BFD, or null
 */
public record InstanceConfig(
    String name,
    long generation,
    String interfaceName,
    VirtualRouterConfig router,
    int priority,
    AuthenticationConfig authentication,
    boolean unicast,
    Set<InetAddress> members,
    boolean hasOutsiders,
    int minTtl,
    List<Heartbeat> heartbeats,
    ChecksumForm checksum,
    HardwareAddress virtualMac,
    boolean xmitBase,
    Garp garp,
    boolean probe,
    List<VirtualAddress> addresses,
    List<VirtualRoute> routes,
    List<PolicyRule> rules,
    List<VirtualServer> virtualServers,
    ConnectionSync connectionSync,
    ConnectionTimeouts connectionTimeouts,
    List<SourceNat> egress,
    List<HealthCheck> healthChecks,
    boolean keepMaster,
    String syncGroup,
    List<TrackedInterface> trackInterfaces,
    long linkUpDelay,
    long linkDownDelay,
    long delayAfterBoot,
    Map<String, String> interfaces,
    Bfd bfd) {

  /**
   * A further path of the adverts.
   *
   * @param peers addresses of the routers on its network, possibly with this node's own; empty if
   *     adverts go to the group
   */
  public record Heartbeat(String interfaceName, Set<InetAddress> peers) {}

  /** An address, the NIC it is bound on, and whether adverts list it. */
  public record VirtualAddress(String interfaceName, IpPrefix prefix, boolean advertised) {}

  /**
   * Announcements.
   *
   * @param repeat announcements in a burst, 1 or more; when there is a burst is the router's
   * @param interval nanoseconds between the announcements of two addresses, 0 or more
   */
  public record Garp(int repeat, long interval) {}

  /** Sessions of BFD, and routers beside the nodes whose sessions count. */
  public record Bfd(Timing timing, List<TrackedRouter> routers) {}

  /** A router whose session counts for the priority, and the NIC whose network it is on. */
  public record TrackedRouter(
      InetAddress address, String interfaceName, int weight, boolean reverse) {}

  /** A route and its NIC; the link index is filled in when the route is installed. */
  public record VirtualRoute(
      String interfaceName,
      IpPrefix to,
      InetAddress via,
      InetAddress source,
      long table,
      long metric,
      boolean onLink) {

    /** The route on the link with this index. */
    public InstalledRoute on(int linkIndex) {
      return new InstalledRoute(linkIndex, to, via, source, table, metric, onLink);
    }
  }

  /**
   * The configuration of a VirtualIP on a node.
   *
   * @param secrets values of the Secret keys that exist
   * @param nodes all nodes, if the VirtualIP takes its peers from them
   * @throws IllegalArgumentException with all problems, if the spec is not valid
   */
  public static InstanceConfig from(
      VirtualIp vip, String nodeName, Map<SecretKey, byte[]> secrets, List<NodeFacts> nodes) {
    return from(CheckedSpec.check(vip), nodeName, secrets, nodes, Map.of(), KeyRings.untold());
  }

  /**
   * The configuration of a VirtualIP that has been checked already.
   *
   * @param pods the pods that are real servers
   * @param keys the keys of signed adverts as they were, which are brought up to date
   * @throws IllegalArgumentException with all problems, if the spec is not valid
   */
  public static InstanceConfig from(
      CheckedSpec.Result vip,
      String nodeName,
      Map<SecretKey, byte[]> secrets,
      List<NodeFacts> nodes,
      Map<PodSelector, List<PodFacts>> pods,
      KeyRings keys) {
    if (!vip.isGood()) {
      throw new IllegalArgumentException(vip.name() + " may not run: " + vip.problems());
    }
    var checked = vip.spec();
    var spec = checked.spec();
    var generation = vip.vip().getMetadata().getGeneration();
    var addresses =
        checked.addresses().stream()
            .map(
                address ->
                    new VirtualAddress(
                        checked.interfaceOn(nodeName, address.interfaceName()),
                        address.prefix(),
                        address.advertised()))
            .toList();
    return new InstanceConfig(
        vip.name(),
        generation == null ? 1 : generation,
        spec.interfaceOn(nodeName),
        routerConfig(checked),
        spec.priorityOn(nodeName),
        AuthenticationConfig.of(vip.vip(), secrets, keys),
        spec.transport().mode() == Mode.Unicast,
        members(vip, nodes),
        hasOutsiders(vip, nodes),
        spec.transport().minTtl(),
        heartbeats(checked, nodeName),
        spec.rfc9568Checksum() ? ChecksumForm.MessageOnly : ChecksumForm.PseudoHeader,
        spec.virtualMac() ? HardwareAddress.ofVirtualRouter(spec.vrid(), checked.isIpv6()) : null,
        spec.vmacXmitBase(),
        new Garp(spec.garp().repeat(), checked.garpInterval().toNanos()),
        spec.probe() && spec.priorityOn(nodeName) != VirtualRouterConfig.OWNER,
        addresses,
        checked.routes().stream().map(route -> route(checked, route, nodeName, addresses)).toList(),
        checked.rules(),
        virtualServers(checked, nodes, pods),
        checked.connectionSync(),
        checked.connectionTimeouts(),
        egress(vip.name(), checked, nodeName, pods),
        spec.healthChecks(),
        spec.whenAllFail() == WhenAllFail.KeepMaster,
        spec.syncGroup(),
        spec.trackInterfaces(),
        checked.linkUpDelay().toNanos(),
        checked.linkDownDelay().toNanos(),
        checked.delayAfterBoot().toNanos(),
        interfaces(spec, nodeName),
        bfd(checked, nodeName));
  }

  /** The NIC of the adverts is the first path, whether or not it stands in the list. */
  private static List<Heartbeat> heartbeats(CheckedSpec checked, String nodeName) {
    var first = checked.spec().interfaceOn(nodeName);
    return checked.heartbeats().stream()
        .filter(heartbeat -> !heartbeat.interfaceName().equals(first))
        .map(
            heartbeat ->
                new Heartbeat(heartbeat.interfaceName(), new LinkedHashSet<>(heartbeat.peers())))
        .toList();
  }

  private static Bfd bfd(CheckedSpec checked, String nodeName) {
    var bfd = checked.bfd();
    return bfd == null
        ? null
        : new Bfd(
            new Timing(bfd.interval().toNanos(), bfd.multiplier()),
            bfd.peers().stream()
                .map(
                    peer ->
                        new TrackedRouter(
                            peer.address(),
                            checked.interfaceOn(nodeName, peer.interfaceName()),
                            peer.weight(),
                            peer.reverse()))
                .toList());
  }

  /** The virtual servers of a VirtualIP with the real servers that they have now. */
  static List<VirtualServer> virtualServers(
      CheckedSpec checked, List<NodeFacts> nodes, Map<PodSelector, List<PodFacts>> pods) {
    return checked.virtualServers().stream()
        .map(server -> VirtualServer.of(server, nodes, pods))
        .toList();
  }

  /** The source NAT of each address that sources leave with, for the pods that there are now. */
  static List<SourceNat> egress(
      String name, CheckedSpec checked, String nodeName, Map<PodSelector, List<PodFacts>> pods) {
    var egress = checked.egress();
    if (egress == null) {
      return List.of();
    }
    var chosen =
        egress.pods().stream()
            .flatMap(one -> pods.getOrDefault(PodSelector.of(one), List.of()).stream())
            .flatMap(pod -> pod.addresses().stream())
            .map(IpPrefix::parseAddress)
            .collect(Collectors.toSet());
    return egress.addresses().stream()
        .map(
            address ->
                new SourceNat(
                    name,
                    checked.interfaceOn(nodeName, address.interfaceName()),
                    address.address(),
                    ofFamily(egress.except(), address.isIpv6()),
                    ofFamily(egress.sources(), address.isIpv6()),
                    chosen.stream()
                        .filter(pod -> pod instanceof Inet6Address == address.isIpv6())
                        .collect(Collectors.toSet())))
        .toList();
  }

  private static List<IpPrefix> ofFamily(List<IpPrefix> prefixes, boolean ipv6) {
    return prefixes.stream().filter(prefix -> prefix.isIpv6() == ipv6).toList();
  }

  private static VirtualRouterConfig routerConfig(CheckedSpec checked) {
    var spec = checked.spec();
    return new VirtualRouterConfig(
        Version.of(spec.vrrpVersion()),
        spec.vrid(),
        checked.advertInterval().toNanos(),
        spec.preempt().enabled(),
        checked.preemptDelay().toNanos(),
        // A member of a sync group cannot start as master before the other members are ready.
        spec.initialState() == InitialState.Master && spec.syncGroup() == null,
        LeasePolicy.valueOf(spec.lease().policy().name()),
        spec.advertRepeat(),
        spec.whenAllFail() == WhenAllFail.KeepMaster,
        checked.garpDelay().toNanos(),
        checked.garpRefresh().toNanos(),
        checked.maxLearnedInterval().toNanos());
  }

  /** The configured peers, else one InternalIP of each selected node. */
  private static Set<InetAddress> members(CheckedSpec.Result vip, List<NodeFacts> nodes) {
    var checked = vip.spec();
    if (!checked.spec().nodesArePeers()) {
      return new LinkedHashSet<>(checked.peers());
    }
    var members = new LinkedHashSet<InetAddress>();
    nodes.stream()
        .filter(node -> node.selectedBy(vip.vip()))
        .flatMap(node -> addresses(node, checked).limit(1))
        .forEach(address -> members.add(IpPrefix.parseAddress(address)));
    return members;
  }

  /** Such a node is at fault itself: {@code NotListed}. */
  private static boolean hasOutsiders(CheckedSpec.Result vip, List<NodeFacts> nodes) {
    var checked = vip.spec();
    return checked.spec().nodesArePeers()
        && nodes.stream()
            .filter(node -> node.selectedBy(vip.vip()))
            .anyMatch(node -> addresses(node, checked).findAny().isEmpty());
  }

  private static Stream<String> addresses(NodeFacts node, CheckedSpec checked) {
    return node.addresses().stream().filter(address -> address.contains(":") == checked.isIpv6());
  }

  /**
   * An IPv4 route without a configured source gets the first virtual address on its NIC. The kernel
   * drops a route together with its preferred source, so the route ends with the lease.
   */
  private static VirtualRoute route(
      CheckedSpec checked,
      CheckedSpec.VirtualRoute route,
      String nodeName,
      List<VirtualAddress> addresses) {
    var nic = checked.interfaceOn(nodeName, route.interfaceName());
    boolean ipv6 = route.to().isIpv6();
    boolean preferred = route.source() == null && !ipv6;
    return new VirtualRoute(
        nic,
        route.to(),
        route.via(),
        preferred ? firstIpv4On(nic, addresses) : route.source(),
        route.table(),
        ipv6 && route.metric() == 0 ? InstalledRoute.IPV6_METRIC : route.metric(),
        route.onLink());
  }

  private static InetAddress firstIpv4On(String nic, List<VirtualAddress> addresses) {
    return addresses.stream()
        .filter(address -> address.interfaceName().equals(nic) && !address.prefix().isIpv6())
        .map(address -> address.prefix().address())
        .findFirst()
        .orElse(null);
  }

  /**
   * The NICs that have to work for this node to be master, that of the adverts first, each with the
   * path of the first field that names it.
   */
  static Map<String, String> interfaces(VirtualIpSpec spec, String nodeName) {
    var paths = new LinkedHashMap<String, String>();
    NicField.of(spec, nodeName).forEach(field -> paths.putIfAbsent(field.selector(), field.path()));
    return paths;
  }

  /** The addresses that adverts list, link-local ones first (RFC 9568 5.2.9). */
  public List<InetAddress> advertised() {
    boolean ipv6 = ipv6();
    return addresses.stream()
        .filter(VirtualAddress::advertised)
        .map(address -> address.prefix().address())
        .sorted(Comparator.comparing(address -> ipv6 && !address.isLinkLocalAddress()))
        .toList();
  }

  /** The VRRPv2 password, or null. */
  public Password password() {
    return authentication.password();
  }

  /** The keys of signed adverts, or null. */
  public Hmac hmac() {
    return authentication.hmac();
  }

  /** Whether adverts are signed. */
  public boolean signs() {
    return hmac() != null && hmac().signs();
  }

  /** Keys of all virtual servers. */
  public Set<ServiceKey> serviceKeys() {
    return virtualServers.stream()
        .flatMap(server -> server.keys().stream())
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** All virtual addresses. */
  public Set<InetAddress> virtual() {
    return addresses.stream()
        .map(address -> address.prefix().address())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Whether adverts are IPv6 packets: their family is that of the addresses they list. */
  public boolean ipv6() {
    return addresses.stream()
        .anyMatch(address -> address.advertised() && address.prefix().isIpv6());
  }

  /** The NICs that any field names, in use or tracked. */
  public Set<String> nics() {
    var nics = new HashSet<>(interfaces.keySet());
    trackInterfaces.forEach(tracked -> nics.add(tracked.name()));
    return nics;
  }

  /** The same configuration with another {@code keepMaster}, as the whole sync group has it. */
  InstanceConfig keepingMaster(boolean keeps) {
    return keeps == keepMaster
        ? this
        : with(generation, router.keepingMaster(keeps), virtualServers, egress, keeps);
  }

  /** The same configuration with other virtual servers and egress, of another generation. */
  public InstanceConfig with(
      long newGeneration, List<VirtualServer> servers, List<SourceNat> nats) {
    return with(newGeneration, router, servers, nats, keepMaster);
  }

  private InstanceConfig with(
      long newGeneration,
      VirtualRouterConfig newRouter,
      List<VirtualServer> servers,
      List<SourceNat> nats,
      boolean keeps) {
    return new InstanceConfig(
        name,
        newGeneration,
        interfaceName,
        newRouter,
        priority,
        authentication,
        unicast,
        members,
        hasOutsiders,
        minTtl,
        heartbeats,
        checksum,
        virtualMac,
        xmitBase,
        garp,
        probe,
        addresses,
        routes,
        rules,
        servers,
        connectionSync,
        connectionTimeouts,
        nats,
        healthChecks,
        keeps,
        syncGroup,
        trackInterfaces,
        linkUpDelay,
        linkDownDelay,
        delayAfterBoot,
        interfaces,
        bfd);
  }

  /** Source of frames with adverts on a NIC. */
  public HardwareAddress advertMac(Link nic) {
    return xmitBase ? nic.mac() : announcedMac(nic);
  }

  /** The MAC that neighbours on a NIC are told. */
  public HardwareAddress announcedMac(Link nic) {
    return virtualMac == null ? nic.mac() : virtualMac;
  }

  /** Whether both belong to the same sync group. */
  public boolean isInGroupWith(InstanceConfig other) {
    return syncGroup != null && syncGroup.equals(other.syncGroup);
  }

  /**
   * Whether a router that runs {@code before} can switch to this configuration. Otherwise it has to
   * be replaced by a new one.
   */
  public boolean continues(InstanceConfig before) {
    return interfaceName.equals(before.interfaceName)
        && ipv6() == before.ipv6()
        && Objects.equals(virtualMac, before.virtualMac)
        && router.vrid() == before.router.vrid()
        && router.version() == before.router.version();
  }
}
