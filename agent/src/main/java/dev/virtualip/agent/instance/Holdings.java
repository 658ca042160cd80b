package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRule;
import dev.virtualip.agent.net.AddressPort.Failure;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.crds.IpPrefix;
import dev.virtualip.crds.PolicyRule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Addresses, routes and rules that one virtual router holds on the node. */
final class Holdings {
  private static final Logger LOG = LoggerFactory.getLogger(Holdings.class);

  private final Node node;
  private final Set<HeldAddress> addresses = new LinkedHashSet<>();
  private final Set<InstalledRoute> routes = new LinkedHashSet<>();
  private final Set<PolicyRule> rules = new LinkedHashSet<>();
  private long renewedAt;

  private record HeldAddress(int linkIndex, IpPrefix prefix) {}

  /** What a configuration wants to be on the node. */
  private record Wanted(
      Set<HeldAddress> addresses, Set<InstalledRoute> routes, List<PolicyRule> rules) {}

  Holdings(Node node) {
    this.node = node;
  }

  /**
   * Puts all addresses, with a fresh lease, and all routes and rules that are not there, then takes
   * off what is held but no longer configured.
   *
   * @return null, or what the kernel refused
   */
  String hold(InstanceConfig config, long now) {
    var wanted = new Wanted(new LinkedHashSet<>(), new LinkedHashSet<>(), config.rules());
    for (var address : config.addresses()) {
      var link = node.network().link(address.interfaceName());
      if (link == null) {
        return "there is no NIC " + address.interfaceName();
      }
      wanted.addresses().add(new HeldAddress(link.index(), address.prefix()));
    }
    for (var route : config.routes()) {
      var link = node.network().link(route.interfaceName());
      if (link == null) {
        return "there is no NIC " + route.interfaceName();
      }
      wanted.routes().add(route.on(link.index()));
    }
    return apply(changes(config, wanted), wanted, now);
  }

  private List<Change> changes(InstanceConfig config, Wanted wanted) {
    long lease =
        Timers.leaseSeconds(
            config.router().version(),
            config.router().advertInterval(),
            config.router().leasePolicy());
    var changes = new ArrayList<Change>();
    wanted.addresses().forEach(a -> changes.add(new PutAddress(a.linkIndex(), a.prefix(), lease)));
    // An IPv4 route lives as long as its source; an IPv6 route has a lease to be renewed.
    wanted.routes().stream()
        .filter(route -> route.to().isIpv6() || !routes.contains(route))
        .forEach(route -> changes.add(new PutRoute(route, lease)));
    wanted.rules().stream()
        .filter(rule -> !rules.contains(rule))
        .forEach(rule -> changes.add(new PutRule(rule)));
    rules.stream()
        .filter(rule -> !wanted.rules().contains(rule))
        .forEach(rule -> changes.add(new DeleteRule(rule)));
    routes.stream()
        .filter(route -> wanted.routes().stream().noneMatch(other -> other.replaces(route)))
        .map(DeleteRoute::new)
        .forEach(changes::add);
    var gone = addresses.stream().filter(address -> !wanted.addresses().contains(address)).toList();
    if (!gone.isEmpty()) {
      gone.forEach(a -> changes.add(new DeleteAddress(a.linkIndex(), a.prefix())));
      // With the first address of a subnet the kernel removes the others, and their routes.
      wanted
          .addresses()
          .forEach(a -> changes.add(new PutAddress(a.linkIndex(), a.prefix(), lease)));
      wanted.routes().forEach(route -> changes.add(new PutRoute(route, lease)));
    }
    return changes;
  }

  private String apply(List<Change> changes, Wanted wanted, long now) {
    // Before the kernel answers: what may be there now has to be taken off later in any case.
    addresses.addAll(wanted.addresses());
    routes.addAll(wanted.routes());
    rules.addAll(wanted.rules());
    var error = apply(changes);
    if (error == null) {
      addresses.retainAll(wanted.addresses());
      routes.retainAll(wanted.routes());
      rules.retainAll(wanted.rules());
      renewedAt = now;
    }
    return error;
  }

  private String apply(List<Change> changes) {
    try {
      var failures = node.addresses().apply(changes);
      return failures.isEmpty()
          ? null
          : failures.stream().map(Holdings::describe).collect(Collectors.joining("; "));
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  private static String describe(Failure failure) {
    var what =
        switch (failure.change()) {
          case PutAddress put -> "address " + put.prefix();
          case DeleteAddress delete -> "removal of address " + delete.prefix();
          case PutRoute put -> "route to " + put.route().to();
          case DeleteRoute delete -> "removal of route to " + delete.route().to();
          case PutRule put -> "rule " + put.rule();
          case DeleteRule delete -> "removal of rule " + delete.rule();
        };
    return what + ": " + failure.error();
  }

  /** Whether this is held, and so no left-over of an earlier life. */
  boolean holds(BoundAddress address) {
    return addresses.contains(new HeldAddress(address.linkIndex(), address.prefix()));
  }

  /** Whether this is held, and so no left-over of an earlier life. */
  boolean holds(InstalledRoute installed) {
    return routes.stream()
        .anyMatch(route -> route.linkIndex() == installed.linkIndex() && route.replaces(installed));
  }

  /** Whether this is held, and so no left-over of an earlier life. */
  boolean holds(PolicyRule rule) {
    return rules.contains(rule);
  }

  /** Whether the leases have to be renewed at the advert that goes out now. */
  boolean renewalDue(long now, InstanceConfig config) {
    return Timers.renewalDue(now - renewedAt, config.router().advertInterval());
  }

  /** Whether a report says that something held is gone; it is then no longer held. */
  boolean lost(NetworkEvent event) {
    return switch (event) {
      case AddressRemoved removed -> {
        int link = removed.address().linkIndex();
        boolean held = addresses.contains(new HeldAddress(link, removed.address().prefix()));
        if (held) {
          // Routes that went along with a link's last address are not reported.
          routes.removeIf(route -> route.linkIndex() == link);
        }
        yield held;
      }
      case RouteRemoved removed ->
          routes.removeIf(
              route ->
                  route.replaces(removed.route())
                      && route.linkIndex() == removed.route().linkIndex());
      case RuleRemoved removed -> rules.remove(removed.rule());
      default -> false;
    };
  }

  /** Reports were lost: what is put next is everything, whether it is there or not. */
  void doubt() {
    routes.clear();
    rules.clear();
  }

  /**
   * Takes everything off, rules first and addresses last: what is held, and configured addresses
   * that an earlier life or somebody else has left on their NIC.
   */
  void release(InstanceConfig config) {
    var changes = new ArrayList<Change>();
    rules.forEach(rule -> changes.add(new DeleteRule(rule)));
    routes.forEach(route -> changes.add(new DeleteRoute(route)));
    var gone = new LinkedHashSet<>(addresses);
    config.addresses().forEach(address -> leftOvers(address.interfaceName(), config, gone));
    gone.forEach(address -> changes.add(new DeleteAddress(address.linkIndex(), address.prefix())));
    addresses.clear();
    routes.clear();
    rules.clear();
    if (!changes.isEmpty()) {
      var error = apply(changes);
      if (error != null) {
        LOG.error(
            "release_failed vip={} error=\"{}\" leases=will_end rules=stay", config.name(), error);
      }
    }
  }

  private void leftOvers(String interfaceName, InstanceConfig config, Set<HeldAddress> gone) {
    var link = node.network().link(interfaceName);
    if (link == null) {
      return;
    }
    var virtual = config.virtual();
    node.network()
        .addressesOn(link.index())
        .map(BoundAddress::prefix)
        .filter(prefix -> virtual.contains(prefix.address()))
        .forEach(prefix -> gone.add(new HeldAddress(link.index(), prefix)));
  }

  /** What the node has of the configured addresses without having bound it: somebody else has. */
  List<String> ofOthers(InstanceConfig config) {
    return config.addresses().stream()
        .filter(
            address -> {
              var link = node.network().link(address.interfaceName());
              var ip = address.prefix().address();
              return link != null && node.network().hasFromOthers(link.index(), ip);
            })
        .map(address -> address.prefix() + " dev " + address.interfaceName())
        .toList();
  }
}
