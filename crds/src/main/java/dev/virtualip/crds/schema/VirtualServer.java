package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Objects;

/**
 * What the master's kernel spreads over real servers (IPVS; keepalived: {@code virtual_server}):
 * ports of virtual addresses, or the packets with a firewall mark.
 *
 * @param protocol null counts as TCP, unless there is a firewall mark
 * @param port null only with a firewall mark
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value = "has(self.port) || has(self.fwmark)",
    message = "a virtual server needs a port, or a fwmark: give one of them",
    fieldPath = ".port")
@ValidationRule(
    value =
        "!has(self.fwmark) || (!has(self.protocol) && !has(self.port) && !has(self.endPort)"
            + " && !has(self.addresses))",
    message =
        "fwmark stands in place of protocol, port, endPort and addresses: remove those, or fwmark",
    fieldPath = ".fwmark")
@ValidationRule(
    value =
        "!has(self.endPort) || !has(self.port)"
            + " || (self.endPort > self.port && self.endPort < self.port + 64)",
    message = "a range of ports goes up and has at most 64: use port + 1 to port + 63",
    fieldPath = ".endPort")
@ValidationRule(
    value = "!has(self.port) || self.port != 0 || (has(self.persistence) && !has(self.endPort))",
    message =
        "port 0 is every port, for which IPVS needs persistence, and no endPort: change that,"
            + " or give a port",
    fieldPath = ".port")
@ValidationRule(
    value =
        "!has(self.schedulerFlags) || size(self.schedulerFlags) == 0"
            + " || (has(self.scheduler) && self.scheduler in ['sh', 'mh'])",
    message = "schedulerFlags are for sh and mh: set scheduler to one of these, or remove them",
    fieldPath = ".schedulerFlags")
@ValidationRule(
    value = "!has(self.tunnel) || self.forwarding == 'Tunnel'",
    message = "tunnel is for forwarding Tunnel: set that, or remove tunnel",
    fieldPath = ".tunnel")
@ValidationRule(
    value =
        "!has(self.onePacket) || !self.onePacket || has(self.fwmark)"
            + " || (has(self.protocol) && self.protocol == 'UDP')",
    message = "onePacket is for UDP: set protocol to UDP, or remove it",
    fieldPath = ".onePacket")
@ValidationRule(
    value = "!has(self.onePacket) || !self.onePacket || !has(self.persistence)",
    message = "onePacket forgets the client at once, persistence remembers it: remove one of them",
    fieldPath = ".onePacket")
@ValidationRule(
    value = "!has(self.hysteresis) || self.hysteresis < (has(self.quorum) ? self.quorum : 1)",
    message = "hysteresis has to be less than quorum: lower it, or raise quorum",
    fieldPath = ".hysteresis")
@ValidationRule(
    value =
        "("
            + VirtualServer.CHANGES_PORTS
            + ") || ("
            + "(!has(self.realServers.addresses)"
            + " || self.realServers.addresses.all(s, !has(s.port) || (has(self.port)"
            + " && s.port == self.port && !has(self.endPort))))"
            + " && (!has(self.realServers.nodes) || !has(self.realServers.nodes.port)"
            + " || (has(self.port) && self.realServers.nodes.port == self.port"
            + " && !has(self.endPort)))"
            + " && (!has(self.realServers.pods) || !has(self.realServers.pods.port)"
            + " || (has(self.port) && self.realServers.pods.port == self.port"
            + " && !has(self.endPort))))",
    message = VirtualServer.SAME_PORT,
    fieldPath = ".realServers")
@ValidationRule(
    value =
        "("
            + VirtualServer.CHANGES_PORTS
            + ") || !has(self.sorryServer)"
            + " || !has(self.sorryServer.port) || (has(self.port)"
            + " && self.sorryServer.port == self.port && !has(self.endPort))",
    message = VirtualServer.SAME_PORT,
    fieldPath = ".sorryServer.port")
@ValidationRule(
    value = "self.forwarding != 'DirectRoute' || !has(self.realServers.pods)",
    message =
        "DirectRoute needs servers that have the virtual address, and pods have another: use"
            + " Masquerade or Tunnel",
    fieldPath = ".realServers.pods")
@ValidationRule(
    value =
        "(has(self.port) && self.port != 0) || !has(self.checks)"
            + " || self.checks.all(c, (!has(c.http) || has(c.http.port))"
            + " && (!has(c.tcp) || has(c.tcp.port)) && (!has(c.udp) || has(c.udp.port)))",
    message = "with port 0 or a fwmark servers have no port to ask at: give the check one",
    fieldPath = ".checks")
public record VirtualServer(
    @Required
        @Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
        @JsonPropertyDescription("Name, unique among the virtual servers of the VirtualIP.")
        String name,
    @JsonPropertyDescription("Protocol (keepalived: protocol). Default: TCP.") Protocol protocol,
    @Min(0)
        @Max(65535)
        @JsonPropertyDescription(
            "Port on the virtual addresses; 0 for every port, which needs persistence. Required, but"
                + " with fwmark.")
        Integer port,
    @Min(1)
        @Max(65535)
        @JsonPropertyDescription(
            "Last port of a range that begins with port, of at most 64: each is a virtual service of"
                + " its own. Default: port alone.")
        Integer endPort,
    @Min(1)
        @Max(FWMARK_MAX)
        @JsonPropertyDescription(
            "Mark that the node's own firewall rules put on packets, in place of protocol, port,"
                + " endPort and addresses (keepalived: virtual_server fwmark). It is for the"
                + " families of the virtual addresses of which realServers has addresses.")
        Long fwmark,
    @Size(max = VirtualIpSpec.ADDRESSES_MAX)
        @JsonPropertyDescription(
            "Virtual addresses, without prefix; each is one of spec.addresses. Default: all of them"
                + " but link-local ones, as IPVS does not look at the NIC.")
        List<@Pattern(IpPrefix.ADDRESS_PATTERN) String> addresses,
    @JsonPropertyDescription(
            "How a server is chosen for a connection, by the kernel's names (keepalived: lvs_sched,"
                + " lb_algo). The kernel needs the module ip_vs_NAME. Default: wlc, the fewest"
                + " connections by weight.")
        Scheduler scheduler,
    @Size(max = 2)
        @JsonPropertyDescription(
            "Flags of the schedulers sh and mh. Fallback: another server in place of one of weight 0"
                + " (keepalived: sh-fallback, mh-fallback). Port: the client's port counts too"
                + " (keepalived: sh-port, mh-port).")
        List<SchedulerFlag> schedulerFlags,
    @Required
        @JsonPropertyDescription(
            "How packets reach a server (keepalived: lvs_method, lb_kind). Masquerade: by DNAT; its"
                + " answers have to come back through this node (NAT). DirectRoute: by its MAC, so it"
                + " is on the same network, has the virtual address too, and answers by itself (DR)."
                + " Tunnel: the same in IP packets, to any network (TUN).")
        Forwarding forwarding,
    @JsonPropertyDescription(
            "The packets that Tunnel wraps them in (keepalived: lvs_method TUN type).")
        Tunnel tunnel,
    @JsonPropertyDescription(
            "Keeps a client at its server (keepalived: persistence_timeout, persistence_granularity)."
                + " Default: each connection is scheduled anew.")
        Persistence persistence,
    @JsonPropertyDescription(
            "Schedules each UDP packet on its own, as for DNS (keepalived: ops). Default: false.")
        Boolean onePacket,
    @Min(1)
        @Max(QUORUM_MAX)
        @JsonPropertyDescription(
            "Least sum of the weights of servers that are up (keepalived: quorum). Below it"
                + " sorryServer serves, and without one those that are up. Default: 1.")
        Integer quorum,
    @Min(0)
        @Max(QUORUM_MAX)
        @JsonPropertyDescription(
            "The quorum is lost below quorum less this, and back at quorum plus this (keepalived:"
                + " hysteresis). Less than quorum. Default: 0.")
        Integer hysteresis,
    @JsonPropertyDescription(
            "The server in place of all others while the quorum is lost (keepalived: sorry_server).")
        SorryServer sorryServer,
    @JsonPropertyDescription(
            "What becomes of a server whose check fails. Remove: it is taken out, and its connections"
                + " break. Quiesce: it gets weight 0, so that connections go on and no new ones come"
                + " (keepalived: inhibit_on_failure). Default: Remove.")
        OnFailure onFailure,
    @Size(max = VirtualServer.CHECKS_MAX)
        @ValidationRule(
            value = "self.all(c, !has(c.pod) && !has(c.process))",
            message = "pod and process look at this node, not at a server: use another kind")
        @ValidationRule(
            value =
                "self.all(c, (!has(c.weight) || c.weight == 0) && (!has(c.reverse) || !c.reverse))",
            message =
                "weight and reverse are about the election, and servers are none of it: remove them")
        @JsonPropertyDescription(
            "Checks of each real server, of any kind but pod and process, without weight; all have to"
                + " be good (keepalived: HTTP_GET, SSL_GET, TCP_CHECK and the like). They ask at its"
                + " address and port, or at the first port of a range. Default: none, it counts as"
                + " up.")
        List<HealthCheck> checks,
    @Required @JsonPropertyDescription("The servers (keepalived: real_server); at least one kind.")
        RealServers realServers) {

  /** CEL that is true where packets may get another port than the one they came with. */
  static final String CHANGES_PORTS =
      "self.forwarding == 'Masquerade' && (has(self.port) ? self.port != 0 : !has(self.persistence))";

  /** What CEL says where they may not. */
  static final String SAME_PORT =
      "only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the"
          + " virtual port, or none";

  /** Most virtual servers of one VirtualIP. */
  public static final int VIRTUAL_SERVERS_MAX = 64;

  /** Most ports of a range. */
  public static final int PORTS_MAX = 64;

  /** Highest firewall mark. */
  public static final long FWMARK_MAX = 4_294_967_295L;

  /** Highest quorum: what 256 servers of the highest weight have. */
  public static final int QUORUM_MAX = 16_776_960;

  /** Most checks of each real server. */
  public static final int CHECKS_MAX = 8;

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public VirtualServer {
    addresses = VirtualIpSpec.copy(addresses);
    scheduler = Objects.requireNonNullElse(scheduler, Scheduler.wlc);
    schedulerFlags = VirtualIpSpec.copy(schedulerFlags);
    onePacket = Objects.requireNonNullElse(onePacket, false);
    quorum = Objects.requireNonNullElse(quorum, 1);
    hysteresis = Objects.requireNonNullElse(hysteresis, 0);
    onFailure = Objects.requireNonNullElse(onFailure, OnFailure.Remove);
    checks = VirtualIpSpec.copy(checks);
  }

  /** Protocols that IPVS spreads. */
  public enum Protocol {
    /** Transmission Control Protocol. */
    TCP,
    /** User Datagram Protocol. */
    UDP,
    /** Stream Control Transmission Protocol. */
    SCTP
  }

  /** The kernel's schedulers, by its names. */
  public enum Scheduler {
    /** Round robin. */
    rr,
    /** Weighted round robin. */
    wrr,
    /** Least connections. */
    lc,
    /** Weighted least connections. */
    wlc,
    /** Locality-based least connections, by destination address. */
    lblc,
    /** The same with replication. */
    lblcr,
    /** Destination hashing. */
    dh,
    /** Source hashing. */
    sh,
    /** Shortest expected delay. */
    sed,
    /** Never queue. */
    nq,
    /** Weighted failover: the highest weight alone. */
    fo,
    /** Weighted overflow: the highest weight until it has as many connections. */
    ovf,
    /** Maglev hashing. */
    mh
  }

  /** Flags of the hashing schedulers. */
  public enum SchedulerFlag {
    /** Another server takes the place of one of weight 0. */
    Fallback,
    /** The source port is hashed, too. */
    Port
  }

  /** How packets reach a server. */
  public enum Forwarding {
    /** By network address translation. */
    Masquerade,
    /** By the MAC of the server. */
    DirectRoute,
    /** In packets of a tunnel. */
    Tunnel
  }

  /** What becomes of a server whose check fails. */
  public enum OnFailure {
    /** It is taken out. */
    Remove,
    /** It gets weight 0. */
    Quiesce
  }
}
