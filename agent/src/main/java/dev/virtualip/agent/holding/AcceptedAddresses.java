package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.IpvsPort.TunnelType;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.RealServerSide;
import dev.virtualip.agent.vrrp.Timers;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The virtual addresses that this node accepts as a real server of DirectRoute or Tunnel, whoever
 * is master. They are on {@code lo} with a lease, and no neighbour hears of them: ARP is restricted
 * on the NICs in question, and IPv6 answers for the addresses of the NIC that is asked alone. Used
 * by one thread; times are its nanoseconds.
 */
public final class AcceptedAddresses {
  private static final Logger LOG = LoggerFactory.getLogger(AcceptedAddresses.class);

  /**
   * Nobody is harmed by them while no agent runs, and the node's share of connections needs them.
   */
  private static final long LEASE_SECONDS = 3600;

  private static final long RENEW_NANOS = 20_000_000_000L;

  private final NodeNetwork network;
  private final AddressPort port;
  private List<RealServerSide> sides = List.of();

  /** What is on lo, or may be. */
  private final Set<Addresses.Held> ours = new LinkedHashSet<>();

  private long renewedAt;

  /** By VirtualIP, what is missing for it to work. */
  private Map<String, String> problems = Map.of();

  /** Nothing is accepted yet. */
  public AcceptedAddresses(NodeNetwork network, AddressPort port) {
    this.network = network;
    this.port = port;
  }

  /** Takes over what an earlier life of the agent has left, until it is known what is wanted. */
  public void adopt() {
    var lo = network.link("lo");
    if (lo != null) {
      new Addresses()
          .marked(network).stream()
              .filter(address -> address.linkIndex() == lo.index())
              .forEach(ours::add);
    }
  }

  /** Replaces what is wanted; {@link #keep} carries it out. */
  public void want(List<RealServerSide> newest) {
    sides = newest;
    renewedAt = Long.MIN_VALUE / 2;
  }

  /**
   * Puts what is missing, renews the leases in time, and removes what is not wanted any more.
   *
   * @return whether {@link #problem} has another answer for any VirtualIP
   */
  public boolean keep(long now) {
    var wanted = sides.stream().filter(this::isChosen).toList();
    if (wanted.isEmpty() && ours.isEmpty()) {
      return false;
    }
    var found = new LinkedHashMap<String, String>();
    wanted.forEach(side -> prepare(side, found));
    putAddresses(wanted, found, now);
    boolean changed = !found.equals(problems);
    if (changed && !found.isEmpty()) {
      LOG.warn("real_server_side problems=\"{}\" retry_s=5", found);
    }
    problems = found;
    return changed;
  }

  /** What is missing for this node to serve as a real server of a VirtualIP, or null. */
  public String problem(String virtualIp) {
    return problems.get(virtualIp);
  }

  private boolean isChosen(RealServerSide side) {
    return side.isNamed() || side.listed().stream().anyMatch(this::isOwn);
  }

  private boolean isOwn(InetAddress address) {
    return network.boundAs(address).anyMatch(network::isOfOthers);
  }

  /** Neighbours must not hear of the address before it is there. */
  private void prepare(RealServerSide side, Map<String, String> found) {
    try {
      for (var link : links(side)) {
        port.restrictArp(link);
      }
      for (var tunnel : side.tunnels()) {
        open(tunnel);
      }
    } catch (IOException e) {
      found.put(side.virtualIp(), e.getMessage());
    }
  }

  private Set<Link> links(RealServerSide side) {
    var names =
        side.listed().stream()
            .flatMap(network::boundAs)
            .map(BoundAddress::linkIndex)
            .map(network::linkName);
    var links = new LinkedHashSet<Link>();
    Stream.concat(side.interfaces().stream(), names)
        .map(network::link)
        .filter(link -> link != null && link.hasNeighbours())
        .forEach(links::add);
    return links;
  }

  /** The module's own device takes packets in from anybody. */
  private void open(TunnelType type) throws IOException {
    var name =
        switch (type) {
          case IPIP, GUE -> "tunl0";
          case GRE -> "gre0";
        };
    var link = network.link(name);
    if (link == null) {
      throw new IOException(
          "this node takes in no %s: load its module (modprobe %s)"
              .formatted(type, type == TunnelType.GRE ? "ip_gre" : "ipip"));
    }
    port.openTunnel(link);
  }

  private void putAddresses(List<RealServerSide> wanted, Map<String, String> found, long now) {
    var lo = network.link("lo");
    if (lo == null) {
      return;
    }
    var held = new LinkedHashMap<Addresses.Held, String>();
    for (var side : wanted) {
      side.addresses().stream()
          .filter(address -> !network.hasFromOthers(lo.index(), address.address()))
          .forEach(address -> held.put(new Addresses.Held(lo.index(), address), side.virtualIp()));
    }
    // Where the kernel keeps no mark, a longer lease would count as somebody else's.
    long lease = port.keepsAddressMarks() ? LEASE_SECONDS : Timers.LEASE_SECONDS_MAX;
    boolean due = now - renewedAt >= RENEW_NANOS;
    var changes = new ArrayList<Change>();
    held.keySet().stream()
        .filter(one -> due || !network.has(one.linkIndex(), one.prefix()))
        .forEach(one -> changes.add(new PutAddress(one.linkIndex(), one.prefix(), lease)));
    ours.stream()
        .filter(one -> !held.containsKey(one))
        .forEach(one -> changes.add(new DeleteAddress(one.linkIndex(), one.prefix())));
    ours.addAll(held.keySet());
    renewedAt = due ? now : renewedAt;
    apply(changes, held, found);
  }

  private void apply(
      List<Change> changes, Map<Addresses.Held, String> held, Map<String, String> found) {
    if (changes.isEmpty()) {
      return;
    }
    try {
      for (var failure : port.apply(changes)) {
        if (failure.change() instanceof PutAddress(int link, var prefix, _)) {
          found.put(held.get(new Addresses.Held(link, prefix)), failure.error());
        }
      }
      ours.retainAll(held.keySet());
    } catch (IOException e) {
      held.values().forEach(virtualIp -> found.put(virtualIp, e.getMessage()));
    }
  }

  /** Whether there is nothing to be kept. */
  public boolean isEmpty() {
    return sides.isEmpty() && ours.isEmpty();
  }

  Set<Addresses.Held> ours() {
    return ours;
  }
}
