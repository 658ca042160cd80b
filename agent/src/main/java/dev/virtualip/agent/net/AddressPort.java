package dev.virtualip.agent.net;

import dev.virtualip.crds.IpPrefix;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;

/**
 * The node's links, addresses and routes. Everything put here carries the mark of virtualip ({@link
 * #PROTOCOL}), so that what an earlier life left behind can be told from what others own.
 */
public interface AddressPort {
  /**
   * Route protocol (rtm_protocol) and address protocol (IFA_PROTO) of all that virtualip installs:
   * VRRP's IP protocol number.
   */
  int PROTOCOL = 112;

  /** All links. */
  List<Link> links() throws IOException;

  /** All IPv4 addresses of all links. */
  List<BoundAddress> addresses() throws IOException;

  /** All IPv4 routes of all tables that carry virtualip's mark. */
  List<InstalledRoute> routes() throws IOException;

  /**
   * Makes changes in the given order, in one write to the kernel. A failed one does not stop the
   * others. Putting what is there already replaces it (and so renews a lease); deleting what is not
   * there is a success.
   *
   * @return the changes that failed, empty if all is well
   */
  List<Failure> apply(List<Change> changes) throws IOException;

  /**
   * An address on a link.
   *
   * @param linkIndex index of the link
   * @param prefix address and prefix length
   * @param leaseSeconds seconds until the kernel removes it; 0 = for ever
   * @param protocol IFA_PROTO, 0 if unset
   */
  record BoundAddress(int linkIndex, IpPrefix prefix, long leaseSeconds, int protocol) {}

  /**
   * A route.
   *
   * @param linkIndex index of the link
   * @param to destination; 0.0.0.0/0 is the default route
   * @param via gateway, or null
   * @param source preferred source address, or null
   * @param table routing table, 254 = main
   * @param metric metric, the lowest wins
   * @param onLink take the gateway as reachable on the link although no prefix covers it
   */
  record InstalledRoute(
      int linkIndex,
      IpPrefix to,
      InetAddress via,
      InetAddress source,
      long table,
      long metric,
      boolean onLink) {}

  /** One change. */
  sealed interface Change {
    /**
     * Binds an address, or renews its lease.
     *
     * @param linkIndex index of the link
     * @param prefix address and prefix length
     * @param leaseSeconds seconds until the kernel removes it, at least 1; 0 = for ever
     */
    record PutAddress(int linkIndex, IpPrefix prefix, long leaseSeconds) implements Change {}

    /** Removes an address from a link, whoever put it there. */
    record DeleteAddress(int linkIndex, IpPrefix prefix) implements Change {}

    /** Installs a route, or replaces the one with the same destination, table and metric. */
    record PutRoute(InstalledRoute route) implements Change {}

    /** Removes a route that carries virtualip's mark. */
    record DeleteRoute(InstalledRoute route) implements Change {}
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

    /** A route with virtualip's mark is gone. */
    record RouteRemoved(InstalledRoute route) implements NetworkEvent {}

    /** Reports were lost (receive buffer overrun): read everything anew. */
    record Overrun() implements NetworkEvent {}
  }
}
