package dev.virtualip.crds;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
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
 * the same from a file as from the API server.
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value = "!has(self.addresses) || self.addresses.exists(a, !has(a.advertised) || a.advertised)",
    message = "adverts need an address: leave advertised: false off one of spec.addresses")
@ValidationRule(
    value =
        "!has(self.addresses)"
            + " || self.addresses.filter(a, !has(a.advertised) || a.advertised).size() <= 255",
    message = "an advert lists at most 255 addresses: set advertised: false on the others")
@ValidationRule(
    value =
        "!has(self.addresses)"
            + " || self.addresses.all(a, (has(a.advertised) && !a.advertised)"
            + " || a.address.contains(':'))"
            + " || self.addresses.all(a, (has(a.advertised) && !a.advertised)"
            + " || !a.address.contains(':'))",
    message =
        "one advert lists IPv4 or IPv6 addresses, not both: set advertised: false on those of one"
            + " family")
@ValidationRule(
    value =
        "!has(self.vrrpVersion) || self.vrrpVersion != 2 || !has(self.addresses)"
            + " || self.addresses.all(a, (has(a.advertised) && !a.advertised)"
            + " || !a.address.contains(':'))",
    message = "VRRPv2 has no IPv6: set vrrpVersion to 3, or advertised: false on IPv6 addresses")
@ValidationRule(
    value =
        "!has(self.rfc9568Checksum) || !self.rfc9568Checksum || !has(self.vrrpVersion)"
            + " || self.vrrpVersion == 3",
    message = "rfc9568Checksum is about VRRPv3: set vrrpVersion to 3, or remove it")
@ValidationRule(
    value = "!has(self.authentication) || (has(self.vrrpVersion) && self.vrrpVersion == 2)",
    message = "authentication exists in VRRPv2 only: set vrrpVersion to 2, or remove it")
@ValidationRule(
    value =
        "!has(self.vrrpVersion) || self.vrrpVersion != 2 || !has(self.advertInterval)"
            + " || self.advertInterval.matches('^[0-9]+(s|m)$')",
    message = "VRRPv2 adverts have whole seconds: use 1s to 255s, or set vrrpVersion to 3")
@ValidationRule(
    value =
        "!has(self.whenAllFail) || self.whenAllFail != 'KeepMaster'"
            + " || ((!has(self.priority) || self.priority >= 2)"
            + " && (!has(self.nodes) || !has(self.nodes.overrides)"
            + " || self.nodes.overrides.all(o, !has(o.priority) || o.priority >= 2)))",
    message =
        "with whenAllFail KeepMaster priority 1 means failed checks: use priorities of 2 or more")
@ValidationRule(
    value =
        "!has(self.lease) || !has(self.lease.policy) || self.lease.policy != 'Exclusive'"
            + " || !has(self.advertInterval) || !self.advertInterval.endsWith('ms')"
            + " || self.advertInterval.matches('^[0-9]{4,}ms$')",
    message =
        "the kernel ends leases within a second, so an exclusive one needs an advertInterval of 1s or"
            + " more: use that, or set lease.policy to Overlap")
public record VirtualIpSpec(
    @Required
        @Min(VRID_MIN)
        @Max(VRID_MAX)
        @JsonPropertyDescription(
            "Virtual router ID (keepalived: virtual_router_id). The same on all nodes; no other"
                + " virtual router on the network segment may use it.")
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
        @Pattern(INTERFACE_PATTERN)
        @JsonPropertyDescription(
            "NIC that carries the adverts (keepalived: interface). It needs an address of its own,"
                + " the adverts' source: an IPv4 address, or for adverts over IPv6 its link-local"
                + " address. A name; or, where nodes call it differently, a glob such as enp*s0 or"
                + " the prefix that its address is in, such as 10.0.0.0/24; see also"
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
    @Default("Backup")
        @JsonPropertyDescription(
            "State to start in (keepalived: state). Master counts only together with priority 255 and"
                + " outside of sync groups; all other routers start as Backup, as in keepalived.")
        InitialState initialState,
    @JsonPropertyDescription(
            "Whether a higher priority takes over from a lower one that is master.")
        Preempt preempt,
    @JsonPropertyDescription("VRRPv2 simple text password (keepalived: auth_type PASS).")
        Authentication authentication,
    @Default("false")
        @JsonPropertyDescription(
            "Checksum of VRRPv3 adverts over IPv4. false: over message and pseudo-header, as keepalived"
                + " and FRR send it by default. true: over the message alone, as RFC 9568 says and"
                + " most routers expect (keepalived: v3_checksum_as_v2). Both are accepted always.")
        Boolean rfc9568Checksum,
    @JsonPropertyDescription("How adverts travel: to the VRRP group, or to each peer.")
        Transport transport,
    @Required
        @Size(min = 1, max = ADDRESSES_MAX)
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
    @Default("0s")
        @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "How long a NIC has to be down, or up again, before that counts (keepalived:"
                + " interface_up_down_delays). 0s, or less than two advert intervals.")
        String linkDebounce,
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
        WhenAllFail whenAllFail,
    @JsonPropertyDescription(
            "Names in the DNS for the addresses, published by ExternalDNS if its DNSEndpoint is"
                + " installed.")
        Dns dns) {

  /** Lowest VRID (RFC 9568 5.2.3). */
  public static final int VRID_MIN = 1;

  /** Highest VRID. */
  public static final int VRID_MAX = 255;

  /** Most adverts per interval. */
  public static final int ADVERT_REPEAT_MAX = 10;

  /** Most virtual addresses of one VirtualIP. */
  public static final int ADDRESSES_MAX = 1024;

  /** Most virtual addresses in one advert (RFC 9568 5.2.5). */
  public static final int ADVERTISED_MAX = 255;

  /** Most routes of one VirtualIP. */
  public static final int ROUTES_MAX = 255;

  /** Most nodes with values of their own. */
  public static final int OVERRIDES_MAX = 255;

  /** Most NICs tracked besides those in use. */
  public static final int TRACKED_MAX = 32;

  /** Most health checks of one VirtualIP. */
  public static final int CHECKS_MAX = 32;

  /** Most rules of one VirtualIP. */
  public static final int RULES_MAX = 64;

  /** Highest priority of a rule: before the main table's, which the kernel has at 32766. */
  public static final int RULE_PRIORITY_MAX = 32_765;

  /** The table of the node's own addresses; the kernel's rule for it comes first. */
  public static final long LOCAL_TABLE = 255;

  /** What may be an IP address. */
  static final String ADDRESS_PATTERN = "^[0-9A-Fa-f:.]+$";

  /** What may be an IP prefix. */
  static final String PREFIX_PATTERN = "^[0-9A-Fa-f:.]+/[0-9]{1,3}$";

  /** What may be an IP address or a prefix other than that of all addresses. */
  static final String MATCH_PATTERN = "^[0-9A-Fa-f:.]+(/[1-9][0-9]{0,2})?$";

  /** An {@link InterfaceSelector}: a Linux interface name or glob, or a prefix. */
  public static final String INTERFACE_PATTERN = "^([^/:\\s]{1,15}|[0-9a-fA-F.:]+/[0-9]{1,3})$";

  /** Fills in the schema's defaults. */
  public VirtualIpSpec {
    vrrpVersion = Objects.requireNonNullElse(vrrpVersion, 3);
    priority = Objects.requireNonNullElse(priority, 100);
    advertInterval = Objects.requireNonNullElse(advertInterval, "1s");
    advertRepeat = Objects.requireNonNullElse(advertRepeat, 1);
    initialState = Objects.requireNonNullElse(initialState, InitialState.Backup);
    preempt = Objects.requireNonNullElse(preempt, Preempt.DEFAULT);
    rfc9568Checksum = Objects.requireNonNullElse(rfc9568Checksum, false);
    transport = Objects.requireNonNullElse(transport, Transport.MULTICAST);
    addresses = copy(addresses);
    routes = copy(routes);
    rules = copy(rules);
    lease = Objects.requireNonNullElse(lease, Lease.OVERLAP);
    garp = Objects.requireNonNullElse(garp, Garp.DEFAULT);
    nodes = Objects.requireNonNullElse(nodes, Nodes.ALL);
    trackInterfaces = copy(trackInterfaces);
    linkDebounce = Objects.requireNonNullElse(linkDebounce, "0s");
    delayAfterBoot = Objects.requireNonNullElse(delayAfterBoot, "0s");
    notifications = Objects.requireNonNullElse(notifications, Notifications.NONE);
    healthChecks = copy(healthChecks);
    whenAllFail = Objects.requireNonNullElse(whenAllFail, WhenAllFail.Release);
  }

  /** Names in the DNS. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Dns(
      @Required
          @Size(min = 1, max = 32)
          @JsonPropertyDescription(
              "Names, as in www.example.com. Each gets the addresses of all VirtualIPs that list it, so"
                  + " that clients are spread over them.")
          List<@Pattern(Dns.HOSTNAME_PATTERN) String> hostnames,
      @Default("60")
          @Min(1)
          @Max(86400)
          @JsonPropertyDescription("How long resolvers may keep the records, in seconds.")
          Integer ttl) {
    /** What may be a name in the DNS. */
    static final String HOSTNAME_PATTERN =
        "^(\\*\\.)?([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?\\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

    /** Fills in the schema's defaults. */
    public Dns {
      hostnames = copy(hostnames);
      ttl = Objects.requireNonNullElse(ttl, 60);
    }
  }

  /** What becomes of a master whose check fails. */
  public enum WhenAllFail {
    /** It gives up the addresses at once. */
    Release,
    /** It goes on until a node with good checks takes over. */
    KeepMaster
  }

  /**
   * Whether adverts are IPv6 packets: the family of the advertised addresses, of which the
   * validator takes one only. Of any spec; what cannot be told counts as IPv4.
   */
  @JsonIgnore
  public boolean isIpv6() {
    return addresses.stream()
        .filter(a -> a != null && a.address() != null && a.advertised())
        .findFirst()
        .map(a -> a.address().contains(":"))
        .orElse(false);
  }

  /** Whether peers are the other nodes, so that their addresses have to be known. */
  @JsonIgnore
  public boolean nodesArePeers() {
    return transport.mode() == Mode.Unicast && transport.peers().isEmpty();
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
    return override != null && override.priority() != null ? override.priority() : priority;
  }

  /** A copy that may hold nulls (a manifest may have them; the validator names them). */
  static <T> List<T> copy(List<T> list) {
    return list == null ? List.of() : Collections.unmodifiableList(list);
  }

  /** The state a router starts in (keepalived: {@code state}). */
  public enum InitialState {
    /** Listen first. */
    Backup,
    /** Take over at once, if priority is 255. */
    Master
  }

  /** Preemption (RFC 9568 6.1 Preempt_Mode; keepalived: {@code nopreempt, preempt_delay}). */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Preempt(
      @Default("true")
          @JsonPropertyDescription(
              "Take over from a master of lower priority. false is keepalived's nopreempt.")
          Boolean enabled,
      @Default("0s")
          @Pattern(Durations.PATTERN)
          @JsonPropertyDescription(
              "How long to let a lower master be before taking over (keepalived: preempt_delay), 0s"
                  + " to 1000s. It never delays taking over from a master that fell silent.")
          String delay) {
    /** Preempt at once. */
    public static final Preempt DEFAULT = new Preempt(true, "0s");

    /** Fills in the schema's defaults. */
    public Preempt {
      enabled = Objects.requireNonNullElse(enabled, true);
      delay = Objects.requireNonNullElse(delay, "0s");
    }
  }

  /** VRRPv2 authentication type 1. */
  public record Authentication(
      @Required
          @JsonPropertyDescription(
              "Key of a Secret in virtualip's own namespace. The password has 1 to 8 bytes, goes over"
                  + " the wire in clear text, and is no protection against an attacker.")
          SecretKey passwordSecretRef) {

    /** A key of a Secret. */
    public record SecretKey(
        @Required
            @Size(min = 1)
            @JsonPropertyDescription(
                "Name of the Secret, in the namespace of operator and agents (virtualip-system).")
            String name,
        @Required @Size(min = 1) @JsonPropertyDescription("Key in the Secret's data.")
            String key) {}
  }

  /** How adverts travel. */
  public enum Mode {
    /** To 224.0.0.18 or ff02::12, on the NIC's own network. */
    Multicast,
    /** To each peer, for networks that do not carry multicast (keepalived: unicast_peer). */
    Unicast
  }

  /** Where adverts go to. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  @ValidationRule(
      value =
          "!has(self.peers) || size(self.peers) == 0 || (has(self.mode) && self.mode == 'Unicast')",
      message = "peers are for unicast: set mode to Unicast, or remove them")
  public record Transport(
      @Default("Multicast")
          @JsonPropertyDescription(
              "Multicast, or Unicast where the network does not carry multicast: one packet to each"
                  + " peer. Packets of the other mode are ignored.")
          Mode mode,
      @Size(max = 255)
          @JsonPropertyDescription(
              "Addresses of the routers, of the adverts' family (keepalived: unicast_peer). The same"
                  + " list serves all nodes: a node leaves out its own address and sends from it."
                  + " Adverts of anybody else are dropped. Default: the InternalIPs of the other"
                  + " selected nodes.")
          List<@Pattern(ADDRESS_PATTERN) String> peers) {
    /** To the group. */
    public static final Transport MULTICAST = new Transport(Mode.Multicast, null);

    /** Fills in the schema's defaults. */
    public Transport {
      mode = Objects.requireNonNullElse(mode, Mode.Multicast);
      peers = copy(peers);
    }
  }

  /** Announcements of addresses (keepalived: {@code garp_master_*}). */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Garp(
      @Default("5")
          @Min(1)
          @Max(100)
          @JsonPropertyDescription(
              "Announcements of each address in a burst (keepalived: garp_master_repeat).")
          Integer repeat,
      @Default("5s")
          @Pattern(Durations.PATTERN)
          @JsonPropertyDescription(
              "Time from the burst on becoming master to a second one (keepalived:"
                  + " garp_master_delay), up to 1h; 0s for no second one.")
          String delay,
      @Default("60s")
          @Pattern(Durations.PATTERN)
          @JsonPropertyDescription(
              "Time between single announcements while master, for switches that forget (keepalived:"
                  + " garp_master_refresh), 1s to 24h; 0s for none.")
          String refresh) {
    /** As keepalived, and once a minute. */
    public static final Garp DEFAULT = new Garp(null, null, null);

    /** Fills in the schema's defaults. */
    public Garp {
      repeat = Objects.requireNonNullElse(repeat, 5);
      delay = Objects.requireNonNullElse(delay, "5s");
      refresh = Objects.requireNonNullElse(refresh, "60s");
    }
  }

  /** What matters more when a master ends without a word. */
  public enum LeasePolicy {
    /** That clients see no gap. */
    Overlap,
    /** That no two nodes ever have the addresses. */
    Exclusive
  }

  /** Lifetime of addresses in the kernel; only a live master renews it. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Lease(
      @Default("Overlap")
          @JsonPropertyDescription(
              "Overlap: until the slowest backup has taken over, so that clients of a server that"
                  + " still answers see no gap; two nodes have the addresses for up to an advert"
                  + " interval and a second. Exclusive: until just before the fastest backup takes"
                  + " over, so that two nodes never have them, and nobody for up to two seconds and"
                  + " the skew; needs an advertInterval of 1s or more.")
          LeasePolicy policy) {
    /** Without a gap. */
    public static final Lease OVERLAP = new Lease(null);

    /** Fills in the schema's default. */
    public Lease {
      policy = Objects.requireNonNullElse(policy, LeasePolicy.Overlap);
    }
  }

  /** A virtual address. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Address(
      @Required
          @Pattern(PREFIX_PATTERN)
          @Size(max = IpPrefix.TEXT_MAX)
          @JsonPropertyDescription(
              "Address with prefix length, as in 203.0.113.10/24 or 2001:db8::10/64. An IPv6 address"
                  + " with /128 is never the source of the node's own connections.")
          String address,
      @JsonProperty("interface")
          @Pattern(INTERFACE_PATTERN)
          @JsonPropertyDescription(
              "NIC to bind it on; it needs no other address. Default: the NIC of the adverts.")
          String interfaceName,
      @Default("true")
          @JsonPropertyDescription(
              "Whether adverts list it. false: it is bound and announced all the same (keepalived:"
                  + " virtual_ipaddress_excluded). So one VirtualIP can have both families, or more"
                  + " addresses than an advert holds.")
          Boolean advertised) {
    /** Fills in the schema's defaults. */
    public Address {
      advertised = Objects.requireNonNullElse(advertised, true);
    }
  }

  /** A route that moves with the addresses. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Route(
      @Required
          @Pattern("^(default|[0-9A-Fa-f:.]+/[0-9]{1,3})$")
          @JsonPropertyDescription(
              "Destination: default, or a prefix such as 10.0.0.0/8 or 2001:db8::/32. default is of the"
                  + " gateway's family.")
          String to,
      @Pattern(ADDRESS_PATTERN)
          @JsonPropertyDescription("Gateway. Without one, the destination is on the link.")
          String via,
      @JsonProperty("interface")
          @Pattern(INTERFACE_PATTERN)
          @JsonPropertyDescription(
              "NIC that the packets leave by. Default: the NIC of the adverts.")
          String interfaceName,
      @Pattern(ADDRESS_PATTERN)
          @JsonPropertyDescription(
              "Preferred source address. Default for IPv4: the first virtual address on the same NIC, so"
                  + " that the kernel drops the route together with an expired address. IPv6 routes have"
                  + " a lease of their own and no default.")
          String source,
      @Min(1)
          @Max(4294967295d)
          @JsonPropertyDescription("Number of the routing table. Default: 254, main.")
          Long table,
      @Min(0)
          @Max(4294967295d)
          @JsonPropertyDescription(
              "Metric, the lowest wins. Default: 0; IPv6: 1024, as the kernel's.")
          Long metric,
      @JsonPropertyDescription("Take the gateway as reachable although no prefix covers it.")
          Boolean onLink) {}

  /** A policy routing rule that moves with the addresses; {@link PolicyRule} is its valid form. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.from) || has(self.to)",
      message = "a rule without from and to catches every packet: give at least one of them")
  @ValidationRule(
      value =
          "!has(self.from) || !has(self.to) || self.from.contains(':') == self.to.contains(':')",
      message = "from and to are of different families: use IPv4 or IPv6 for both")
  @ValidationRule(
      value = "self.table != 255",
      message = "every packet asks table 255 (local) first anyway: use another table")
  public record Rule(
      @Pattern(MATCH_PATTERN)
          @Size(max = IpPrefix.TEXT_MAX)
          @JsonPropertyDescription(
              "Source address or prefix of the packets, as in 203.0.113.10 or 2001:db8::/32. Default:"
                  + " any. A rule needs from or to.")
          String from,
      @Pattern(MATCH_PATTERN)
          @Size(max = IpPrefix.TEXT_MAX)
          @JsonPropertyDescription(
              "Destination address or prefix of the packets, of the same family. Default: any.")
          String to,
      @Required
          @Min(1)
          @Max(4294967295d)
          @JsonPropertyDescription(
              "Routing table that the packets ask, as in routes[].table; 254 is main. Where it has no"
                  + " route, the next rule counts. Not 255 (local).")
          Long table,
      @Required
          @Min(1)
          @Max(RULE_PRIORITY_MAX)
          @JsonPropertyDescription(
              "Rules are asked from the lowest number up; the main table comes at 32766. No default:"
                  + " what is right depends on the rules that the node has (see ip rule), a CNI's"
                  + " among them. Of one priority are only rules whose order does not matter.")
          Integer priority) {}

  /** Which nodes take part. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Nodes(
      @JsonPropertyDescription(
              "Nodes by label. Default: every node without a NoSchedule or NoExecute taint (those of"
                  + " Kubernetes itself, such as unschedulable, do not count).")
          LabelSelector selector,
      @Size(max = OVERRIDES_MAX)
          @JsonPropertyDescription("Values that differ on single nodes, at most one entry a node.")
          List<NodeOverride> overrides) {
    /** Every schedulable node, all alike. */
    public static final Nodes ALL = new Nodes(null, null);

    /** Fills in the schema's defaults. */
    public Nodes {
      overrides = copy(overrides);
    }

    /** The entry for a node, or null. */
    public NodeOverride overrideFor(String nodeName) {
      for (var override : overrides) {
        if (override != null && nodeName.equals(override.name())) {
          return override;
        }
      }
      return null;
    }
  }

  /** What is different on one node. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record NodeOverride(
      @Required @Size(min = 1) @JsonPropertyDescription("Name of the node.") String name,
      @Min(1) @Max(255) @JsonPropertyDescription("Priority on this node. Default: spec.priority.")
          Integer priority,
      @JsonProperty("interface")
          @Pattern(INTERFACE_PATTERN)
          @JsonPropertyDescription(
              "NIC that carries the adverts on this node. Default: spec.interface.")
          String interfaceName) {}

  /** A NIC that counts. */
  @ValidationRule(
      value = "!has(self.reverse) || !self.reverse || (has(self.weight) && self.weight != 0)",
      message = "reverse turns a weight round: set a weight, or remove it")
  public record TrackedInterface(
      @Required
          @Pattern(INTERFACE_PATTERN)
          @JsonPropertyDescription("NIC to track, by name, glob or prefix as in spec.interface.")
          String name,
      @Default("0")
          @Min(-253)
          @Max(253)
          @JsonPropertyDescription(
              "0: the NIC down is a fault. Positive: added to the priority while it is up."
                  + " Negative: added while it is down.")
          Integer weight,
      @Default("false")
          @JsonPropertyDescription(
              "Turns the weight round (keepalived: reverse): what would be added is taken off.")
          Boolean reverse) {

    /** Fills in the schema's defaults. */
    public TrackedInterface {
      weight = Objects.requireNonNullElse(weight, 0);
      reverse = Objects.requireNonNullElse(reverse, false);
    }
  }
}
