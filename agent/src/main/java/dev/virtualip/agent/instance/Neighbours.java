package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.NeighbourState;
import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.bfd.Timing;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig.TrackedRouter;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The neighbours that sessions of BFD are asked for, of all VirtualIPs together, and what was said
 * last about each. Used by the event loop's thread only.
 */
public final class Neighbours {
  private static final Comparator<Timing> MOST_DEMANDING =
      Comparator.comparingLong(Timing::detection).thenComparingLong(Timing::interval);

  private final NodeNetwork network;
  private final Node.Bfd bfd;
  private final Map<Neighbour, NeighbourState> said = new HashMap<>();
  private Map<Integer, Nic> watched = Map.of();
  private boolean stale;
  private boolean ended;

  Neighbours(NodeNetwork network, Node.Bfd bfd) {
    this.network = network;
    this.bfd = bfd;
  }

  /** What is asked for may have changed. */
  void doubt() {
    stale = true;
  }

  /** Asks anew, if something may have changed. */
  void settle(Collection<VrrpInstance> instances) {
    if (!stale || ended) {
      return;
    }
    stale = false;
    var nics = new HashMap<Integer, Nic>();
    for (var instance : instances) {
      if (instance.config().bfd() != null) {
        add(instance, nics);
      }
    }
    if (!nics.equals(watched)) {
      watched = Map.copyOf(nics);
      said.keySet().removeIf(neighbour -> !nics.containsKey(neighbour.linkIndex()));
      bfd.watch(watched);
    }
  }

  private void add(VrrpInstance instance, Map<Integer, Nic> nics) {
    var config = instance.config();
    var timing = config.bfd().timing();
    var link = network.link(config.interfaceName());
    if (link != null) {
      boolean counts = config.router().leasePolicy() != LeasePolicy.Exclusive;
      add(nics, link, timing, counts ? instance.neighbour() : null, instance.router().source());
    }
    for (var router : config.bfd().routers()) {
      var on = network.link(router.interfaceName());
      if (on != null) {
        add(nics, on, timing, router.address(), source(on, instance, router.address()));
      }
    }
  }

  /** Adds a NIC, and a neighbour that is asked for if there is an address to ask from. */
  private static void add(
      Map<Integer, Nic> nics, Link link, Timing timing, InetAddress asked, InetAddress source) {
    var before = nics.get(link.index());
    var all = new HashMap<InetAddress, InetAddress>(before == null ? Map.of() : before.asked());
    if (asked != null && source != null) {
      all.putIfAbsent(asked, source);
    }
    boolean slower = before != null && MOST_DEMANDING.compare(before.timing(), timing) <= 0;
    var fastest = slower ? before.timing() : timing;
    nics.put(link.index(), new Nic(link.index(), link.name(), fastest, all));
  }

  /** This node's own address on a link for a neighbour, best one of the same prefix; or null. */
  private InetAddress source(Link link, VrrpInstance instance, InetAddress neighbour) {
    return network
        .ownAddressesOn(link.index(), instance.config().virtual())
        .filter(own -> own.address().getClass() == neighbour.getClass())
        .filter(own -> own.address().isLinkLocalAddress() == neighbour.isLinkLocalAddress())
        .min(Comparator.comparing((IpPrefix own) -> !own.contains(neighbour)))
        .map(IpPrefix::address)
        .orElse(null);
  }

  /**
   * Takes news.
   *
   * @return whether they tell of a failure of the neighbour: nobody fails whose network this node
   *     has left
   */
  boolean take(Neighbour neighbour, NeighbourState state) {
    said.put(neighbour, state);
    return state == NeighbourState.Lost && network.isUp(neighbour.linkIndex());
  }

  /** What was said last about a tracked router; null if nothing was yet. */
  NeighbourState said(TrackedRouter router) {
    var link = network.link(router.interfaceName());
    return link == null
        ? NeighbourState.Down
        : said.get(new Neighbour(link.index(), router.address()));
  }

  /** Whether two states of a router ask for different neighbours. */
  static boolean differ(State before, State after) {
    return !Objects.equals(master(before), master(after));
  }

  private static InetAddress master(State state) {
    return state instanceof Backup backup ? backup.master() : null;
  }

  /** Asks for nothing any more: all sessions end, and say so. */
  void end() {
    ended = true;
    watched = Map.of();
    bfd.watch(watched);
  }
}
