package dev.virtualip.agent.net;

import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;

/**
 * The node's links, addresses, routes and policy routing rules. Everything put here carries the
 * mark of virtualip ({@link #PROTOCOL}), so that what an earlier life left behind can be told from
 * what others own.
 */
public interface AddressPort {
  /**
   * Route protocol (rtm_protocol), rule protocol (FRA_PROTOCOL) and address protocol (IFA_PROTO) of
   * all that virtualip installs: VRRP's IP protocol number. Addresses keep it on Linux 5.18 and
   * newer only, rules on 4.17 and newer; routes always do.
   */
  int PROTOCOL = 112;

  /** All links. */
  List<Link> links() throws IOException;

  /** All IPv4 and IPv6 addresses of all links. */
  List<BoundAddress> addresses() throws IOException;

  /** All IPv4 and IPv6 routes of all tables that carry virtualip's mark. */
  List<InstalledRoute> routes() throws IOException;

  /** All IPv4 and IPv6 rules that carry virtualip's mark, in the order in which they are asked. */
  List<PolicyRule> rules() throws IOException;

  /** Whether the node forwards IPv6 packets that come in on a link (net.ipv6.conf.X.forwarding). */
  boolean forwardsIpv6(Link link);

  /**
   * Makes changes in the given order, in one write to the kernel. A failed one does not stop the
   * others. Putting what is there already replaces it (and so renews a lease); deleting what is not
   * there is a success.
   *
   * <p>What goes of its own accord with an IPv4 address that is deleted or whose lease ends: with
   * the link's last IPv4 address, all its IPv4 routes; otherwise the main table's routes that have
   * the address as source, and no others (neither those without source nor those of other tables,
   * so delete these). With the first address of a subnet go the others of that subnet, unless the
   * link's sysctl promote_secondaries is 1. So it is set to 1, and left so, before the first IPv4
   * address is put on a link or deleted from it; a kernel that refuses that is no failure. A link
   * that is set down keeps its addresses and loses its routes; one that loses its carrier keeps
   * both.
   *
   * <p>With an IPv6 address go no routes: that to its own prefix, which the kernel makes, ends when
   * the address's lease would have ended (others that need it keep it); those that have it as
   * source merely lose that source. Hence the lease of {@link Change.PutRoute}. A link that is set
   * down loses its IPv6 addresses and routes.
   *
   * @return the changes that failed, empty if all is well
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
   * @param tentative IPv6: whether another host may have it too, so that it cannot be used (yet)
   */
  record BoundAddress(
      int linkIndex, IpPrefix prefix, long leaseSeconds, int protocol, boolean tentative) {
    /** An address that can be used. */
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
   * @param onLink take the gateway as reachable on the link although no prefix covers it
   */
  record InstalledRoute(
      int linkIndex,
      IpPrefix to,
      InetAddress via,
      InetAddress source,
      long table,
      long metric,
      boolean onLink) {
    /** What the kernel makes of an IPv6 route's metric 0. */
    public static final long IPV6_METRIC = 1024;

    /** Whether the kernel has room for only one of the two. */
    public boolean replaces(InstalledRoute other) {
      return to.equals(other.to) && table == other.table && metric == other.metric;
    }
  }

  /** One change. */
  sealed interface Change {
    /** What it is about, as in {@code address 203.0.113.10/24}. */
    String subject();

    /**
     * Binds an address, or renews its lease, without a gap. An IPv6 address is used at once,
     * without duplicate address detection; with /128 it is deprecated, so that the node prefers any
     * other as source of its own connections (as keepalived does). The lease counts from now, be it
     * longer or shorter than what was left. The same address and prefix length on the link, put
     * there by somebody else, is taken over: it gets our lease and mark.
     *
     * @param linkIndex index of the link
     * @param prefix address and prefix length
     * @param leaseSeconds seconds until the kernel removes it, 1 to {@link #LEASE_SECONDS_MAX}; 0 =
     *     for ever. It lasts up to 0.02 s less and up to 0.4 s more (measured with HZ=250, 1 to 10
     *     s); up to 1.1 s more where any other address with a lease is put in its last second,
     *     since the kernel looks for ended leases at most once a second. So renew all at once.
     */
    record PutAddress(int linkIndex, IpPrefix prefix, long leaseSeconds) implements Change {
      @Override
      public String subject() {
        return "address " + prefix;
      }

      /** A day: what outlives its owner longer is no lease. */
      public static final long LEASE_SECONDS_MAX = 86_400;

      public PutAddress {
        if (leaseSeconds < 0 || leaseSeconds > LEASE_SECONDS_MAX) {
          throw new IllegalArgumentException(
              "a lease of " + leaseSeconds + " s: use 1 to " + LEASE_SECONDS_MAX + ", or 0");
        }
      }
    }

    /** Removes an address from a link, whoever put it there. */
    record DeleteAddress(int linkIndex, IpPrefix prefix) implements Change {
      @Override
      public String subject() {
        return "removal of address " + prefix;
      }
    }

    /**
     * Installs a route, or replaces virtualip's own with the same destination, table and metric.
     * Somebody else's is a failure: the node may need it, and nobody would bring it back.
     *
     * @param leaseSeconds IPv6: seconds until the kernel no longer uses it (it may list it for 30 s
     *     more), 0 = for ever; putting it again renews that. IPv4 knows no such thing.
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
     * Removes this very route, if it carries virtualip's mark: all parts alike, but for the source
     * of an IPv6 route, which it may have lost.
     */
    record DeleteRoute(InstalledRoute route) implements Change {
      @Override
      public String subject() {
        return "removal of route to " + route.to();
      }
    }

    /**
     * Adds a rule, behind those that have its priority already; one that is there stays where it
     * is. The very same rule of somebody else is a failure: the kernel would take both, and whoever
     * deletes one by hand may hit either. A rule has no lease, it stays until it is deleted.
     */
    record PutRule(PolicyRule rule) implements Change {
      @Override
      public String subject() {
        return "rule " + rule;
      }
    }

    /** Removes this very rule, if it carries virtualip's mark. */
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
   * @param error errno name and what it means here, as in {@code ENODEV: no such interface}
   */
  record Failure(Change change, String error) {}

  /** What the kernel reports of its own accord. */
  sealed interface NetworkEvent {
    /** A link appeared or changed. */
    record LinkChanged(Link link) implements NetworkEvent {}

    /** A link is gone. */
    record LinkRemoved(int linkIndex, String name) implements NetworkEvent {}

    /** An address appeared or changed. */
    record AddressPut(BoundAddress address) implements NetworkEvent {}

    /** An address is gone: deleted, or its lease ended. */
    record AddressRemoved(BoundAddress address) implements NetworkEvent {}

    /**
     * A route with virtualip's mark is gone, or somebody else's route took the place of another
     * with the same destination, table and metric, which may have been ours. The kernel does not
     * report the routes that go because their link is set down or loses its last address.
     *
     * @param route the route that is gone, or the one that took its place
     */
    record RouteRemoved(InstalledRoute route) implements NetworkEvent {}

    /** A rule with virtualip's mark is gone. */
    record RuleRemoved(PolicyRule rule) implements NetworkEvent {}

    /** Reports were lost (receive buffer overrun): read everything anew. */
    record Overrun() implements NetworkEvent {}
  }
}
