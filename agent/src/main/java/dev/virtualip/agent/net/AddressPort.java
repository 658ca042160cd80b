package dev.virtualip.agent.net;

import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The node's links, addresses, routes and policy routing rules. Everything put through this port
 * carries virtualip's mark ({@link #PROTOCOL}), which tells left-overs of an earlier life from the
 * property of other programs.
 */
public interface AddressPort {
  /** The marks of an agent and of a second one on its node: VRRP's IP protocol, and the next. */
  List<Integer> PROTOCOLS = List.of(112, 113);

  /**
   * Route protocol (rtm_protocol), rule protocol (FRA_PROTOCOL) and address protocol (IFA_PROTO) of
   * all that virtualip installs. Addresses keep it on Linux 5.18 and newer only, rules on 4.17 and
   * newer; routes always do. A second agent on the node has its own, as each takes off what has its
   * mark and is not its own.
   */
  int PROTOCOL = PROTOCOLS.get(Boolean.getBoolean(AddressPort.SECOND) ? 1 : 0);

  /** System property: this agent is the second one on its node. Set it before anything else. */
  String SECOND = "virtualip.second";

  /** Whether an address is a virtual one, of this agent or of another one on the node. */
  static boolean isVirtual(int protocol) {
    return PROTOCOLS.contains(protocol);
  }

  /** All links. */
  List<Link> links() throws IOException;

  /** All IPv4 and IPv6 addresses of all links. */
  List<BoundAddress> addresses() throws IOException;

  /** All IPv4 and IPv6 routes of all tables that carry virtualip's mark. */
  List<InstalledRoute> routes() throws IOException;

  /**
   * Gateways of the routes in the main table that are the node's: put by hand, by its network
   * configuration or by a DHCP client. Those of routing daemons and router advertisements change by
   * themselves, and are not among them.
   */
  Set<InetAddress> gateways() throws IOException;

  /**
   * All IPv4 and IPv6 rules that carry virtualip's mark, in the order in which the kernel evaluates
   * them.
   */
  List<PolicyRule> rules() throws IOException;

  /**
   * Asks which of these routes could not be put, because somebody else's has the destination, table
   * and metric. Nothing is changed. Of IPv6 the kernel cannot be asked.
   *
   * @return those, in the order given
   */
  List<InstalledRoute> taken(List<InstalledRoute> routes) throws IOException;

  /** Whether the kernel keeps {@link #PROTOCOL} with addresses: Linux 5.18 and newer. */
  default boolean keepsAddressMarks() {
    return true;
  }

  /**
   * What keeps this kernel from having a virtual MAC, and what to do about it. Nothing is changed.
   *
   * @param ipv4 whether it is to have IPv4 addresses
   * @return null if nothing keeps it from that
   */
  String virtualLinkObstacle(boolean ipv4);

  /** Whether a link may have IPv6 addresses (net.ipv6.conf.X.disable_ipv6 is not 1). */
  boolean takesIpv6(Link link);

  /** Whether the node forwards IPv6 packets that come in on a link (net.ipv6.conf.X.forwarding). */
  boolean forwardsIpv6(Link link);

  /**
   * Lets a link answer ARP for its own addresses only, and ask with these only (arp_ignore 1,
   * arp_announce 2), unless it does so already. It stays so until somebody sets it otherwise.
   *
   * @throws IOException if the kernel refuses
   */
  void restrictArp(Link link) throws IOException;

  /**
   * Lets a tunnel device take packets in: up, and without reverse path filter of its own. It stays
   * so until somebody sets it otherwise.
   *
   * @throws IOException if the kernel refuses, or net.ipv4.conf.all.rp_filter is 1
   */
  void openTunnel(Link link) throws IOException;

  /**
   * Makes changes in the given order, in one write to the kernel. A failed change does not stop the
   * others. Putting something that exists replaces it, and so renews its lease. Deleting something
   * that does not exist is a success.
   *
   * <p>When an IPv4 address is deleted or its lease ends, the kernel removes more by itself. With
   * the link's last IPv4 address it removes all IPv4 routes of the link. Otherwise it removes the
   * routes in the main table that have the address as source. Routes without source and those in
   * other tables stay, so delete them. With the first address of a subnet it removes the others of
   * that subnet, unless the link's sysctl promote_secondaries is 1. So this sets it to 1, and
   * leaves it so, before it puts the first IPv4 address on a link or deletes it; a kernel that
   * refuses that is no failure. A link that is set down keeps its addresses and loses its routes; a
   * link that loses its carrier keeps both.
   *
   * <p>With an IPv6 address the kernel removes no routes. The route to the address's own prefix
   * ends when the address's lease would have ended, unless other addresses need it. Routes that
   * have the address as source only lose that source. Hence the lease of {@link Change.PutRoute}. A
   * link that is set down loses its IPv6 addresses and routes.
   *
   * @return the changes that failed; empty if all succeeded
   * @throws IOException if it is unknown which changes were made
   */
  List<Failure> apply(List<Change> changes) throws IOException;

  /**
   * An address on a link.
   *
   * @param linkIndex index of the link
   * @param prefix address and prefix length
   * @param leaseSeconds seconds until the kernel removes it, rounded up; 0 = for ever
   * @param protocol IFA_PROTO, 0 if unset
   * @param tentative IPv6: whether duplicate address detection is running or has failed, so that
   *     the address cannot be used
   */
  record BoundAddress(
      int linkIndex, IpPrefix prefix, long leaseSeconds, int protocol, boolean tentative) {
    /** An address that is not tentative. */
    public BoundAddress(int linkIndex, IpPrefix prefix, long leaseSeconds, int protocol) {
      this(linkIndex, prefix, leaseSeconds, protocol, false);
    }
  }

  /**
   * A route.
   *
   * @param linkIndex index of the link
   * @param to destination; 0.0.0.0/0 and ::/0 are the default routes
   * @param via gateway, or null
   * @param source preferred source address, or null
   * @param table routing table, 254 = main
   * @param metric metric, the lowest wins; IPv6 has no 0, see {@link #IPV6_METRIC}
   * @param onLink whether the gateway counts as reachable on the link although no prefix covers it
   */
  record InstalledRoute(
      int linkIndex,
      IpPrefix to,
      InetAddress via,
      InetAddress source,
      long table,
      long metric,
      boolean onLink) {
    /** The metric that the kernel gives to an IPv6 route with metric 0. */
    public static final long IPV6_METRIC = 1024;

    /** Whether both have one place, which is one program's: same destination, table and metric. */
    public boolean hasPlaceOf(InstalledRoute other) {
      return to.equals(other.to) && table == other.table && metric == other.metric;
    }

    /**
     * Whether this takes the other one's place when it is put, both being virtualip's. There is one
     * IPv6 route at a place. There is one IPv4 route for each source, as each ends with its
     * address: VirtualIPs with one default route must not lose it with the first of their leases.
     */
    public boolean replaces(InstalledRoute other) {
      return hasPlaceOf(other) && (to.isIpv6() || Objects.equals(source, other.source));
    }
  }

  /** One change. */
  sealed interface Change {
    /** The thing to be changed, as in {@code address 203.0.113.10/24}. */
    String subject();

    /**
     * Binds an address, or renews its lease, without a gap. An IPv6 address is usable at once,
     * without duplicate address detection. It is deprecated, so that the node prefers any other
     * source for its own connections (keepalived: with /128). The lease counts from now, whether
     * that shortens or extends it. The same address and prefix length put on the link by another
     * program is taken over: it gets our lease and mark.
     *
     * @param linkIndex index of the link
     * @param prefix address and prefix length
     * @param leaseSeconds seconds until the kernel removes it, 1 to {@link #LEASE_SECONDS_MAX}; 0 =
     *     for ever. The lease lasts up to 0.02 s less and up to 0.4 s more (measured with HZ=250, 1
     *     to 10 s). It lasts up to 1.1 s more if any other leased address is put in its last
     *     second, since the kernel looks for ended leases at most once a second. So renew all
     *     leases at the same time.
     */
    record PutAddress(int linkIndex, IpPrefix prefix, long leaseSeconds) implements Change {
      @Override
      public String subject() {
        return "address " + prefix;
      }

      /** A day. A longer lifetime would not serve as a lease. */
      public static final long LEASE_SECONDS_MAX = 86_400;

      public PutAddress {
        if (leaseSeconds < 0 || leaseSeconds > LEASE_SECONDS_MAX) {
          throw new IllegalArgumentException(
              "a lease of " + leaseSeconds + " s: use 1 to " + LEASE_SECONDS_MAX + ", or 0");
        }
      }
    }

    /** Removes an address from a link, whichever program has put it there. */
    record DeleteAddress(int linkIndex, IpPrefix prefix) implements Change {
      @Override
      public String subject() {
        return "removal of address " + prefix;
      }
    }

    /**
     * Installs a route, or replaces virtualip's own that it {@linkplain InstalledRoute#replaces
     * replaces}. It goes behind virtualip's others with its place. If another program's route has
     * that place the change fails: the node may need that route, and nothing would restore it.
     *
     * @param leaseSeconds IPv6: seconds until the kernel no longer uses the route (it may list it
     *     for 30 s more), 0 = for ever; putting the route again renews the lease. IPv4 routes have
     *     no lease.
     */
    record PutRoute(InstalledRoute route, long leaseSeconds) implements Change {
      @Override
      public String subject() {
        return "route to " + route.to();
      }

      /** A route without a lease. */
      public PutRoute(InstalledRoute route) {
        this(route, 0);
      }
    }

    /**
     * Removes exactly this route, if it carries virtualip's mark. The source of an IPv6 route is
     * not compared, as the route may have lost it.
     */
    record DeleteRoute(InstalledRoute route) implements Change {
      @Override
      public String subject() {
        return "removal of route to " + route.to();
      }
    }

    /**
     * Adds a rule behind those with the same priority; an existing rule stays in its place. If
     * another program has added the same rule the change fails: the kernel would accept both, and a
     * deletion by hand might hit either. A rule has no lease: it stays until it is deleted.
     */
    record PutRule(PolicyRule rule) implements Change {
      @Override
      public String subject() {
        return "rule " + rule;
      }
    }

    /**
     * Makes a macvlan for a virtual MAC, of the kind {@link Link.Virtual}, and sets it up; one of
     * ours with this name is set up only. It answers ARP for its own addresses alone, and so does
     * its NIC, which asks with its own only. It makes itself no address. The routes to the prefixes
     * of its addresses come after all others to the same prefix (Linux 4.18 and newer): what the
     * node sends goes by its NIC where that has an address of the prefix.
     *
     * @param parent index of the NIC whose frames it shares
     * @param name its name
     * @param mac its hardware address
     */
    record PutVirtualLink(int parent, String name, Link.HardwareAddress mac) implements Change {
      @Override
      public String subject() {
        return "virtual MAC " + mac;
      }
    }

    /** Removes the macvlan of this name, if {@link PutVirtualLink} has made it. */
    record DeleteVirtualLink(String name) implements Change {
      @Override
      public String subject() {
        return "removal of the interface " + name;
      }
    }

    /** Removes exactly this rule, if it carries virtualip's mark. */
    record DeleteRule(PolicyRule rule) implements Change {
      @Override
      public String subject() {
        return "removal of rule " + rule;
      }
    }
  }

  /**
   * A change that the kernel refused.
   *
   * @param change the change
   * @param error name of the errno and its meaning here, as in {@code ENODEV: no such interface}
   */
  record Failure(Change change, String error) {}

  /** A report of the kernel about a change, whichever program has made it. */
  sealed interface NetworkEvent {
    /** A link appeared or changed. */
    record LinkChanged(Link link) implements NetworkEvent {}

    /** A link has been removed. */
    record LinkRemoved(int linkIndex, String name) implements NetworkEvent {}

    /** An address appeared or changed. */
    record AddressPut(BoundAddress address) implements NetworkEvent {}

    /** An address has been removed: deleted, or its lease has ended. */
    record AddressRemoved(BoundAddress address) implements NetworkEvent {}

    /**
     * A route with virtualip's mark has been removed. Or a route of another program has replaced
     * one with the same destination, table and metric, which may have been ours. The kernel does
     * not report routes that it removes because their link is set down or loses its last address.
     *
     * @param route the route that was removed, or the one that has replaced it
     */
    record RouteRemoved(InstalledRoute route) implements NetworkEvent {}

    /** A rule with virtualip's mark has been removed. */
    record RuleRemoved(PolicyRule rule) implements NetworkEvent {}

    /** Reports were lost because the receive buffer was full: read everything again. */
    record Overrun() implements NetworkEvent {}
  }
}
