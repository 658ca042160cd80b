package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Failure;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.crds.PolicyRule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that one virtual router holds on the node. One thread; times are its nanoseconds.
 *
 * <p>A thing that a master has is one {@link Kind}; here is only the order in which they come and
 * go: what others need comes first and goes last.
 */
public final class Holdings {
  private static final Logger LOG = LoggerFactory.getLogger(Holdings.class);

  /** A rule has no lease: what the kernel may not have taken off is taken off again. */
  private static final long RELEASE_RETRY = 1_000_000_000L;

  private final NodeNetwork network;
  private final AddressPort port;
  private final Held<Addresses.Held> addresses = new Held<>(new Addresses());
  private final Held<InstalledRoute> routes = new Held<>(new Routes());
  private final Held<PolicyRule> rules = new Held<>(new Rules());
  private final List<Held<?>> all = List.of(addresses, routes, rules);
  private long renewedAt;
  private long releaseAgainAt = State.NEVER;

  /** Holds nothing. */
  public Holdings(NodeNetwork network, AddressPort port) {
    this.network = network;
    this.port = port;
  }

  static int linkIndex(String interfaceName, NodeNetwork network) throws Kind.MissingNic {
    var link = network.link(interfaceName);
    if (link == null) {
      throw new Kind.MissingNic(interfaceName);
    }
    return link.index();
  }

  /**
   * Puts all that has a lease or is not there, then takes off what is held but no longer
   * configured.
   *
   * @return null, or what the kernel refused
   */
  public String hold(InstanceConfig config, long now) {
    try {
      for (var held : all) {
        held.want(config, network);
      }
    } catch (Kind.MissingNic e) {
      return e.getMessage();
    }
    releaseAgainAt = State.NEVER;
    var changes = changes(Timers.leaseSeconds(config.router()));
    all.forEach(Held::asked);
    try {
      var failures = port.apply(changes);
      if (!failures.isEmpty()) {
        return describe(failures);
      }
    } catch (IOException e) {
      return e.getMessage();
    }
    all.forEach(Held::done);
    renewedAt = now;
    return null;
  }

  private List<Change> changes(long lease) {
    var changes = new ArrayList<Change>();
    all.forEach(held -> changes.addAll(held.puts(lease)));
    changes.addAll(rules.deletes());
    changes.addAll(routes.deletes());
    var gone = addresses.deletes();
    if (!gone.isEmpty()) {
      changes.addAll(gone);
      // With the first address of a subnet the kernel removes the others, and their routes.
      changes.addAll(addresses.putsAnew(lease));
      changes.addAll(routes.putsAnew(lease));
    }
    return changes;
  }

  private static String describe(List<Failure> failures) {
    return failures.stream()
        .map(failure -> failure.change().subject() + ": " + failure.error())
        .collect(Collectors.joining("; "));
  }

  /** Whether the leases have to be renewed at the advert that goes out now. */
  public boolean renewalDue(long now, InstanceConfig config) {
    return Timers.renewalDue(now - renewedAt, config.router().advertInterval());
  }

  /** Whether a report says that something held is gone: holding again puts it back. */
  public boolean loses(NetworkEvent event) {
    boolean loses = false;
    for (var held : all) {
      loses |= held.loses(event);
    }
    if (loses) {
      all.forEach(held -> held.mayLose(event));
    }
    return loses;
  }

  /** Reports were lost: what is put next is everything, whether it is there or not. */
  public void doubt() {
    all.forEach(Held::doubt);
  }

  /**
   * Takes everything off: what is held, and configured addresses that an earlier life or somebody
   * else has left on their NIC. What the kernel refuses is tried again at {@link #deadline}.
   */
  public void release(InstanceConfig config, long now) {
    var changes = new ArrayList<Change>();
    all.reversed().forEach(held -> changes.addAll(held.deletesOfAll(config, network)));
    all.forEach(Held::doubt);
    releaseAgainAt = State.NEVER;
    if (changes.isEmpty()) {
      return;
    }
    try {
      var failures = port.apply(changes);
      all.forEach(held -> held.released(failures.stream().map(Failure::change).toList()));
      if (!failures.isEmpty()) {
        notReleased(config, describe(failures), now);
      }
    } catch (IOException e) {
      notReleased(config, e.getMessage(), now);
    }
  }

  private void notReleased(InstanceConfig config, String error, long now) {
    releaseAgainAt = now + RELEASE_RETRY;
    LOG.error("release_failed vip={} error=\"{}\" retry_s=1", config.name(), error);
  }

  /** When a release that the kernel refused is due again, or {@link State#NEVER}. */
  public long deadline() {
    return releaseAgainAt;
  }

  /** Takes off what an earlier life of the agent has left on the node and nobody holds now. */
  public static void clearLeftOvers(AddressPort port, List<Holdings> holders) throws IOException {
    var changes = new ArrayList<Change>();
    changes.addAll(leftOvers(new Rules(), port, holders, holdings -> holdings.rules));
    changes.addAll(leftOvers(new Routes(), port, holders, holdings -> holdings.routes));
    changes.addAll(leftOvers(new Addresses(), port, holders, holdings -> holdings.addresses));
    if (!changes.isEmpty()) {
      var failures = port.apply(changes);
      LOG.warn("left_overs_removed changes={} failures={}", changes, failures);
    }
  }

  private static <T> List<Change> leftOvers(
      Kind<T> kind, AddressPort port, List<Holdings> holders, Function<Holdings, Held<T>> held)
      throws IOException {
    return kind.marked(port).stream()
        .filter(thing -> holders.stream().noneMatch(holder -> held.apply(holder).holds(thing)))
        .map(kind::delete)
        .toList();
  }

  /** What the node has of the configured addresses without having bound it: somebody else has. */
  public List<String> ofOthers(InstanceConfig config) {
    return config.addresses().stream()
        .filter(
            address -> {
              var link = network.link(address.interfaceName());
              var ip = address.prefix().address();
              return link != null && network.hasFromOthers(link.index(), ip);
            })
        .map(address -> address.prefix() + " dev " + address.interfaceName())
        .toList();
  }
}
