package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.crds.values.InterfaceSelector;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * What the user wants. Absent fields take the schema's defaults here too, so that a manifest means
 * the same from a file as from the API server. Fields of list items have their defaults here alone:
 * an API server would write them into the list, and who applies the manifest again would find a
 * list that is not his.
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "!has(self.vrrpVersion) || self.vrrpVersion != 2 || !has(self.addresses)"
            + " || self.addresses.all(a, (has(a.advertised) && !a.advertised)"
            + " || !a.address.contains(':'))",
    message = "VRRPv2 has no IPv6: set vrrpVersion to 3, or advertised: false on IPv6 addresses",
    fieldPath = ".vrrpVersion")
@ValidationRule(
    value =
        "!has(self.rfc9568Checksum) || !self.rfc9568Checksum || !has(self.vrrpVersion)"
            + " || self.vrrpVersion == 3",
    message = "rfc9568Checksum is about VRRPv3: set vrrpVersion to 3, or remove it",
    fieldPath = ".rfc9568Checksum")
@ValidationRule(
    value =
        "!has(self.vmacXmitBase) || !self.vmacXmitBase || (has(self.virtualMac) && self.virtualMac)",
    message = "vmacXmitBase is about virtualMac: set virtualMac to true, or remove it",
    fieldPath = ".vmacXmitBase")
@ValidationRule(
    value =
        "!has(self.virtualMac) || !self.virtualMac || !has(self.addresses)"
            + " || self.addresses.all(a, !has(a.interface))",
    message =
        "a virtual MAC is on one NIC, that of the adverts: remove interface from the addresses",
    fieldPath = ".virtualMac")
@ValidationRule(
    value =
        "!has(self.virtualMac) || !self.virtualMac || !has(self.priority) || self.priority < 255",
    message = "the owner of an address (priority 255) has its NIC's MAC: use 254, or no virtualMac",
    fieldPath = ".virtualMac")
@ValidationRule(
    value = "!has(self.maxLearnedInterval) || !has(self.vrrpVersion) || self.vrrpVersion == 3",
    message = "VRRPv2 learns no interval: set vrrpVersion to 3, or remove it",
    fieldPath = ".maxLearnedInterval")
@ValidationRule(
    value =
        "!has(self.authentication) || !has(self.authentication.passwordSecretRef)"
            + " || (has(self.vrrpVersion) && self.vrrpVersion == 2)",
    message = "passwords exist in VRRPv2 only: set vrrpVersion to 2, or use hmac",
    fieldPath = ".authentication")
@ValidationRule(
    value =
        "!has(self.vrrpVersion) || self.vrrpVersion != 2 || !has(self.advertInterval)"
            + " || self.advertInterval.matches('^[0-9]+(s|m)$')",
    message = "VRRPv2 adverts have whole seconds: use 1s to 255s, or set vrrpVersion to 3",
    fieldPath = ".advertInterval")
@ValidationRule(
    value =
        "!has(self.whenAllFail) || self.whenAllFail != 'KeepMaster' || !has(self.priority)"
            + " || self.priority >= 2",
    message = VirtualIpSpec.LAST_RESORT,
    fieldPath = ".priority")
@ValidationRule(
    value =
        "!has(self.whenAllFail) || self.whenAllFail != 'KeepMaster' || !has(self.nodes)"
            + " || !has(self.nodes.overrides)"
            + " || self.nodes.overrides.all(o, !has(o.priority) || o.priority >= 2)",
    message = VirtualIpSpec.LAST_RESORT,
    fieldPath = ".nodes.overrides")
@ValidationRule(
    value =
        "!has(self.lease) || !has(self.lease.policy) || self.lease.policy != 'Exclusive'"
            + " || !has(self.advertInterval) || !self.advertInterval.endsWith('ms')"
            + " || self.advertInterval.matches('^[0-9]{4,}ms$')",
    message =
        "the kernel ends leases within a second, so an exclusive one needs an advertInterval of 1s or"
            + " more: use that, or set lease.policy to Overlap",
    fieldPath = ".lease.policy")
@ValidationRule(
    value =
        "!has(self.heartbeats) || self.heartbeats.all(h, !has(h.peers) || size(h.peers) == 0"
            + " || h.interface != self.interface)",
    message = "spec.transport says how adverts go on spec.interface: remove the peers of that NIC",
    fieldPath = ".heartbeats")
@ValidationRule(
    value =
        "!has(self.connectionSync) || (has(self.virtualServers) && size(self.virtualServers) > 0)",
    message = "it is about virtualServers: give one, or remove it",
    fieldPath = ".connectionSync")
@ValidationRule(
    value =
        "!has(self.connectionTimeouts)"
            + " || (has(self.virtualServers) && size(self.virtualServers) > 0)",
    message = "it is about virtualServers: give one, or remove it",
    fieldPath = ".connectionTimeouts")
@ValidationRule(
    value =
        "!has(self.virtualServers) || self.virtualServers.all(s, !has(s.realServers.addresses)"
            + " || (s.forwarding == 'Tunnel' && !has(self.connectionSync))"
            + " || ((self.addresses.exists(a, a.address.contains(':'))"
            + " || s.realServers.addresses.all(r, !r.address.contains(':')))"
            + " && (self.addresses.exists(a, !a.address.contains(':'))"
            + " || s.realServers.addresses.all(r, r.address.contains(':')))))",
    message =
        "no virtual address is of this server's family, and only Tunnel without connectionSync"
            + " reaches it: use servers of the other",
    fieldPath = ".virtualServers")
public record VirtualIpSpec(
    @Min(VRID_MIN)
        @Max(VRID_MAX)
        @JsonPropertyDescription(
            "Virtual router ID (keepalived: virtual_router_id). The same on all nodes; no other"
                + " virtual router on the network segment may use it. Default in a cluster: the operator"
                + " writes one here that no VirtualIP has and the pool allows; from a folder it is"
                + " required.")
        Integer vrid,
    @Default("3")
        @Min(2)
        @Max(3)
        @JsonPropertyDescription(
            "VRRP version on the wire, 2 (RFC 3768) or 3 (RFC 9568). All routers of a VRID speak the"
                + " same version. Authentication needs 2.")
        Integer vrrpVersion,
    @JsonProperty("interface")
        @Required
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC that carries the adverts (keepalived: interface). It needs an address of its own,"
                + " the adverts' source: an IPv4 address, or for adverts over IPv6 its link-local"
                + " address. A name or altname; or, where nodes call it differently, a glob such as"
                + " enp*s0 or the prefix that its address is in, such as 10.0.0.0/24; see also"
                + " nodes.overrides.")
        String interfaceName,
    @Default("100")
        @Min(1)
        @Max(255)
        @JsonPropertyDescription(
            "Priority in the election, the highest wins (keepalived: priority). 1 to 254; 255 only"
                + " for the router that owns the addresses.")
        Integer priority,
    @Default("1s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time between adverts (keepalived: advert_int). VRRPv2: whole seconds, 1s to 255s; VRRPv3:"
                + " 10ms to 40950ms in steps of 10ms. A backup takes over after 3 intervals and a"
                + " skew of at most one more.")
        String advertInterval,
    @Default("1")
        @Min(1)
        @Max(ADVERT_REPEAT_MAX)
        @JsonPropertyDescription(
            "Adverts that a master sends per advertInterval, 1 to 10, for networks that lose packets: a"
                + " backup takes over when all of three intervals and its skew are lost, and counts"
                + " by the interval whatever the number. keepalived sends one.")
        Integer advertRepeat,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "VRRPv3: longest interval to learn from a master's adverts, advertInterval to 40950ms; a"
                + " longer one counts as this. So forged adverts cannot make a backup wait for"
                + " minutes. Default: ten times advertInterval.")
        String maxLearnedInterval,
    @Default("Backup")
        @JsonPropertyDescription(
            "State to start in (keepalived: state). Master counts only together with priority 255 and"
                + " outside of sync groups; all other routers start as Backup, as in keepalived.")
        InitialState initialState,
    @JsonPropertyDescription(
            "Whether a higher priority takes over from a lower one that is master.")
        Preempt preempt,
    @Default("false")
        @JsonPropertyDescription(
            "Whether a router outside of the cluster, such as a keepalived, may be master: then the"
                + " VirtualIP is Ready as long as a node hears it. For a migration, or for nodes that"
                + " are the spare of other routers.")
        Boolean allowOutside,
    @JsonPropertyDescription(
            "A VRRPv2 password (keepalived: auth_type PASS), or signed adverts (auth_hmac).")
        Authentication authentication,
    @Default("false")
        @JsonPropertyDescription(
            "Checksum of VRRPv3 adverts over IPv4. false: over message and pseudo-header, as keepalived"
                + " and FRR send it by default. true: over the message alone, as RFC 9568 says and"
                + " most routers expect (keepalived: v3_checksum_as_v2). Both are accepted always.")
        Boolean rfc9568Checksum,
    @Default("false")
        @JsonPropertyDescription(
            "Whether the addresses have the virtual router's own MAC, 00:00:5e:00:01:VRID (IPv6:"
                + " 00:00:5e:00:02:VRID), on every node that is master (keepalived: use_vmac). The"
                + " agent makes a macvlan for it on the master, which needs that module of the kernel."
                + " Neighbours then keep what they know at a failover. The networks have to allow a MAC"
                + " that moves: many clouds and hypervisors do not.")
        Boolean virtualMac,
    @Default("false")
        @JsonPropertyDescription(
            "With virtualMac: whether adverts have the NIC's own MAC as their source nevertheless"
                + " (keepalived: vmac_xmit_base). Then switches learn the virtual MAC's place by the"
                + " announcements alone: see garp. Unicast adverts always have the NIC's.")
        Boolean vmacXmitBase,
    @JsonPropertyDescription("How adverts travel: to the VRRP group, or to each peer.")
        Transport transport,
    @Size(max = HEARTBEATS_MAX)
        @ValidationRule(
            value = "self.all(a, self.exists_one(b, b.interface == a.interface))",
            message = "a NIC stands in the list twice: remove one")
        @JsonPropertyDescription(
            "NICs that carry the adverts. That of spec.interface always does, listed or not; adverts"
                + " are sent and heard on all of them, and a backup takes over when all are silent. So"
                + " the cut of one network is a condition, and not a failover. Default:"
                + " spec.interface alone.")
        List<Heartbeat> heartbeats,
    @Required
        @Size(min = 1, max = ADDRESSES_MAX)
        @ValidationRule(
            value = "self.exists(a, !has(a.advertised) || a.advertised)",
            message = "adverts need an address: leave advertised: false off one of them")
        @ValidationRule(
            value = "self.filter(a, !has(a.advertised) || a.advertised).size() <= 255",
            message = "an advert lists at most 255 addresses: set advertised: false on the others")
        @ValidationRule(
            value =
                "self.all(a, (has(a.advertised) && !a.advertised) || a.address.contains(':'))"
                    + " || self.all(a, (has(a.advertised) && !a.advertised)"
                    + " || !a.address.contains(':'))",
            message =
                "one advert lists IPv4 or IPv6 addresses, not both: set advertised: false on those of"
                    + " one family")
        @JsonPropertyDescription(
            "Virtual addresses, bound on the master only (keepalived: virtual_ipaddress). Adverts list"
                + " them in this order, link-local ones first, and are themselves of the listed"
                + " addresses' family: IPv6 needs VRRPv3. At most 255 can be listed, or what fits the"
                + " MTU: see advertised.")
        List<Address> addresses,
    @Size(max = ROUTES_MAX)
        @JsonPropertyDescription(
            "Routes that exist on the master only (keepalived: virtual_routes).")
        List<Route> routes,
    @Size(max = RULES_MAX)
        @JsonPropertyDescription(
            "Policy routing rules that exist on the master only (keepalived: virtual_rules). They come"
                + " after addresses and routes, and go before them. The kernel knows no lease for"
                + " rules: when the agent is killed they stay until an agent starts on that node"
                + " again.")
        List<Rule> rules,
    @JsonPropertyDescription(
            "How the networks are told who has the addresses: gratuitous ARP, and for IPv6"
                + " unsolicited neighbour advertisements.")
        Garp garp,
    @Default("true")
        @JsonPropertyDescription(
            "Whether a node that has heard no master yet asks if somebody else has an address, by ARP"
                + " probes and by IPv6's duplicate address detection: then it does not take over"
                + " (AddressInUse), and asks on. It asks in the time that it waits anyway. The operator"
                + " switches it off for VirtualIPs of Services.")
        Boolean probe,
    @JsonPropertyDescription(
            "How long the addresses of a master stay on its node when its agent is killed or hangs.")
        Lease lease,
    @JsonPropertyDescription("Nodes that take part, and what is different on some of them.")
        Nodes nodes,
    @Size(max = TRACKED_MAX)
        @JsonPropertyDescription(
            "NICs that count although nothing is bound on them (keepalived: track_interface). Those"
                + " in use are tracked anyway.")
        List<TrackedInterface> trackInterfaces,
    @JsonPropertyDescription(
            "What finds the failure of another node, or of a router, faster than the adverts do.")
        Detection detection,
    @Default("0s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long a NIC has to be down, or up again, before that counts (keepalived:"
                + " interface_up_down_delays). 0s, or less than two advert intervals.")
        String linkDebounce,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long a NIC has to be up before that counts, for a switch port that carries nothing at"
                + " first, as with spanning tree: 0s to 1h. A NIC that is up when the agent starts has"
                + " been so since the node's boot. Default: linkDebounce.")
        String linkUpDelay,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long a NIC has to be down before that counts: 0s, or less than two advert intervals."
                + " Default: linkDebounce.")
        String linkDownDelay,
    @Default("0s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long after the node's boot not to take part yet, for NICs and switch ports that lose"
                + " packets at first (keepalived: vrrp_delay_after_boot), 0s to 1h. A restart of the"
                + " agent is no boot.")
        String delayAfterBoot,
    @Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
        @JsonPropertyDescription(
            "VirtualIPs with the same sync group are master on a node together or not at all"
                + " (keepalived: vrrp_sync_group). Weights do not count for members.")
        String syncGroup,
    @JsonPropertyDescription(
            "Who is told when a node enters another state: by a command, a mail, a POST. The node itself"
                + " tells, also while the API server is away. Members of a sync group tell of the group"
                + " too, once where their settings are the same.")
        Notifications notifications,
    @Size(max = CHECKS_MAX)
        @ValidationRule(
            value =
                "self.all(c, (!has(c.tcp) || has(c.tcp.port)) && (!has(c.udp) || has(c.udp.port)))",
            message = "a tcp or udp check of the node needs a port: give the one to ask at")
        @ValidationRule(
            value = "self.all(c, !has(c.ping) || has(c.ping.host))",
            message = "the node answers itself always: give ping a host, as a router's address")
        @ValidationRule(
            value =
                "self.all(c, !has(c.exec) || !has(c.exec.weightByExitCode)"
                    + " || !c.exec.weightByExitCode)",
            message = "weightByExitCode is for checks of real servers: remove it, or see weight")
        @JsonPropertyDescription(
            "Checks of what the addresses are for, run on every selected node (keepalived:"
                + " track_script).")
        List<HealthCheck> healthChecks,
    @Default("Release")
        @JsonPropertyDescription(
            "What becomes of a master whose check of weight 0 fails. Release: it gives up the addresses"
                + " at once, also if the checks of all nodes fail (as keepalived does). KeepMaster: its"
                + " priority drops to 1, so that any node with good checks takes over, and without one"
                + " it goes on. Priorities have to be 2 or more then.")
        HealthCheck.WhenAllFail whenAllFail,
    @Size(max = VirtualServer.VIRTUAL_SERVERS_MAX)
        @ValidationRule(
            value =
                "self.all(a, !has(a.port) || has(a.addresses) || self.exists_one(b, has(b.port)"
                    + " && !has(b.addresses) && (has(a.protocol) ? a.protocol : 'TCP')"
                    + " == (has(b.protocol) ? b.protocol : 'TCP')"
                    + " && b.port <= (has(a.endPort) ? a.endPort : a.port)"
                    + " && a.port <= (has(b.endPort) ? b.endPort : b.port)))",
            message = "two virtual servers have the same protocol and port: give one another")
        @JsonPropertyDescription(
            "What the master spreads over real servers: LVS, by the kernel's IPVS, which needs the"
                + " module ip_vs on each selected node (keepalived: virtual_server).")
        List<VirtualServer> virtualServers,
    @JsonPropertyDescription(
            "Copies the master's connections to the other nodes, so that they outlive a failover"
                + " (keepalived: lvs_sync_daemon with the VRRP instance). Default: none.")
        ConnectionSync connectionSync,
    @JsonPropertyDescription(
            "How long the kernel remembers connections without packets (keepalived: lvs_timeouts). A"
                + " node's kernel has one set, for VirtualIPs and anybody else.")
        ConnectionTimeouts connectionTimeouts,
    @JsonPropertyDescription(
            "Pods and other sources whose packets leave the master with a virtual address as their"
                + " source. Default: none.")
        Egress egress,
    @JsonPropertyDescription(
            "Names in the DNS for the addresses, published by ExternalDNS if its DNSEndpoint is"
                + " installed.")
        Dns dns,
    @Pattern(POOL_PATTERN)
        @Size(max = POOL_TEXT_MAX)
        @JsonPropertyDescription(
            "Name of the VirtualIPPool that it is in. Default: any pool that allows it; with the"
                + " policy virtualip-pools all pools have to. Where there is none at all, none is"
                + " needed.")
        String pool) {

  /** What CEL says where failed checks could not be told from a priority that was given. */
  static final String LAST_RESORT =
      "with whenAllFail KeepMaster priority 1 means failed checks: use priorities of 2 or more";

  /** Lowest VRID (RFC 9568 5.2.3). */
  public static final int VRID_MIN = 1;

  /** Highest VRID. */
  public static final int VRID_MAX = 255;

  /** Lowest priority of a node by {@code spec.nodes.spread}, above those of requests to nodes. */
  public static final int SPREAD_MIN = 11;

  /** Highest priority of a node by {@code spec.nodes.spread}. */
  public static final int SPREAD_MAX = 250;

  /** Most adverts per interval. */
  public static final int ADVERT_REPEAT_MAX = 10;

  /** Most NICs that carry adverts. */
  public static final int HEARTBEATS_MAX = 4;

  /** Most virtual addresses of one VirtualIP. */
  public static final int ADDRESSES_MAX = 1024;

  /** Most routes of one VirtualIP. */
  public static final int ROUTES_MAX = 255;

  /** Most NICs tracked besides those in use. */
  public static final int TRACKED_MAX = 32;

  /** Most health checks of one VirtualIP. */
  public static final int CHECKS_MAX = 32;

  /** Most rules of one VirtualIP. */
  public static final int RULES_MAX = 64;

  /** Pattern of the name of a pool. */
  static final String POOL_PATTERN = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";

  /** Longest name of a pool. */
  static final int POOL_TEXT_MAX = 253;

  /** Fills in the schema's defaults. */
  public VirtualIpSpec {
    vrrpVersion = Objects.requireNonNullElse(vrrpVersion, 3);
    priority = Objects.requireNonNullElse(priority, 100);
    advertInterval = Objects.requireNonNullElse(advertInterval, "1s");
    advertRepeat = Objects.requireNonNullElse(advertRepeat, 1);
    initialState = Objects.requireNonNullElse(initialState, InitialState.Backup);
    preempt = Objects.requireNonNullElse(preempt, Preempt.DEFAULT);
    allowOutside = Objects.requireNonNullElse(allowOutside, false);
    rfc9568Checksum = Objects.requireNonNullElse(rfc9568Checksum, false);
    virtualMac = Objects.requireNonNullElse(virtualMac, false);
    vmacXmitBase = Objects.requireNonNullElse(vmacXmitBase, false);
    transport = Objects.requireNonNullElse(transport, Transport.MULTICAST);
    heartbeats = copy(heartbeats);
    addresses = copy(addresses);
    routes = copy(routes);
    rules = copy(rules);
    lease = Objects.requireNonNullElse(lease, Lease.OVERLAP);
    garp = Objects.requireNonNullElse(garp, Garp.DEFAULT);
    probe = Objects.requireNonNullElse(probe, true);
    nodes = Objects.requireNonNullElse(nodes, Nodes.ALL);
    trackInterfaces = copy(trackInterfaces);
    linkDebounce = Objects.requireNonNullElse(linkDebounce, "0s");
    delayAfterBoot = Objects.requireNonNullElse(delayAfterBoot, "0s");
    notifications = Objects.requireNonNullElse(notifications, Notifications.NONE);
    healthChecks =
        copy(healthChecks).stream().map(check -> check == null ? null : check.ofNode()).toList();
    whenAllFail = Objects.requireNonNullElse(whenAllFail, HealthCheck.WhenAllFail.Release);
    virtualServers = copy(virtualServers);
  }

  /** Whether the peers are the other selected nodes, so that their addresses have to be known. */
  @JsonIgnore
  public boolean nodesArePeers() {
    return transport.mode() == Transport.Mode.Unicast && transport.peers().isEmpty();
  }

  /** Whether other nodes have to be known: as peers, or as real servers. */
  @JsonIgnore
  public boolean usesNodes() {
    return nodesArePeers()
        || virtualServers.stream()
            .anyMatch(
                server ->
                    server != null
                        && server.realServers() != null
                        && server.realServers().nodes() != null);
  }

  /** Routers whose sessions of BFD count for the election. */
  @JsonIgnore
  public List<BfdPeer> trackedRouters() {
    return detection == null || detection.bfd() == null ? List.of() : detection.bfd().peers();
  }

  /** The NIC that carries the adverts on a node. */
  public String interfaceOn(String nodeName) {
    var override = nodes.overrideFor(nodeName);
    return override != null && override.interfaceName() != null
        ? override.interfaceName()
        : interfaceName;
  }

  /** The base priority on a node, before health checks. */
  public int priorityOn(String nodeName) {
    var override = nodes.overrideFor(nodeName);
    if (override != null && override.priority() != null) {
      return override.priority();
    }
    return nodes.spreads() ? spreadPriority(nodeName) : priority;
  }

  /**
   * By rendezvous hashing: the node with the highest number wins, and one more or less changes
   * nothing between the others. Members of a sync group have the same numbers, as they move
   * together. Equal numbers are possible, and no worse than equal priorities.
   */
  private int spreadPriority(String nodeName) {
    var seed = syncGroup != null ? syncGroup : interfaceName + "/" + vrid;
    // The finalizer of SplitMix64: hash codes of names that differ in one letter are neighbours.
    long mixed = seed.hashCode() * 0x9E3779B97F4A7C15L + nodeName.hashCode();
    mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
    mixed ^= mixed >>> 31;
    return SPREAD_MIN + (int) Long.remainderUnsigned(mixed, SPREAD_MAX - SPREAD_MIN + 1);
  }

  /** A copy that may contain nulls: a manifest may have them, and the validator reports them. */
  static <T> List<T> copy(List<T> list) {
    return list == null ? List.of() : Collections.unmodifiableList(list);
  }
}
