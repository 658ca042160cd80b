package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The faults that keep one virtual router on this node from taking part: finds them, and remembers
 * those found last. Used by the event loop's thread only; times are its nanoseconds.
 */
final class Faults {
  private static final long SECOND = 1_000_000_000L;
  private static final long BIND_RETRY_MIN = 5 * SECOND;
  private static final long BIND_RETRY_MAX = 64 * BIND_RETRY_MIN;

  private final Node node;
  private final AdvertTransport transport;
  private final Effects effects;
  private final LinkStates links;
  private final Map<Reason, String> known = new LinkedHashMap<>();
  private List<String> obstacles = List.of();

  /** What keeps this node from having the virtual MAC, or null. */
  private String noVirtualMac;

  private boolean looked;
  private String bindFault;
  private long bindFaultUntil = State.NEVER;
  private long bindRetry = BIND_RETRY_MIN;
  private long bootDelayUntil = State.NEVER;

  Faults(Node node, AdvertTransport transport, Effects effects, LinkStates links) {
    this.node = node;
    this.transport = transport;
    this.effects = effects;
    this.links = links;
  }

  /**
   * Looks at the node, and opens the NICs and sockets that the router needs. Faults of health
   * checks and of other members of the sync group are not found here.
   *
   * @param link NIC that carries the adverts, or null if there is none
   * @param source source address of adverts, or null if there is none
   * @return reasons and their details, in the order of discovery
   */
  Map<Reason, String> find(
      InstanceConfig config, Link link, InetAddress source, State state, long now) {
    var faults = new LinkedHashMap<Reason, String>();
    long ready = node.bootedAt() + config.delayAfterBoot();
    boolean early = state instanceof State.Initialize && now < ready;
    bootDelayUntil = early ? ready : State.NEVER;
    if (early) {
      faults.put(
          Reason.of(Kind.DelayAfterBoot),
          "it takes part " + config.delayAfterBoot() / SECOND + " s after the boot");
    }
    linkFaults(config, faults, now);
    announcementFaults(config, faults);
    if (link != null) {
      transportFaults(config, link, source, faults);
    }
    secretFaults(config, state, faults);
    if (bindFault != null) {
      faults.put(Reason.of(Kind.BindFailed), bindFault);
    }
    if (!(state instanceof State.Active) && noVirtualMac != null) {
      faults.put(
          new Reason(
              Kind.VirtualMacNotAvailable, node.network().nics().name(config.interfaceName())),
          noVirtualMac);
    }
    if (!(state instanceof State.Active) && !obstacles.isEmpty()) {
      faults.put(Reason.of(Kind.BindFailed), String.join("; ", obstacles));
    }
    if (config.priority() != VirtualRouterConfig.OWNER) {
      for (var prefix : effects.holdings().addressesOfOthers(config)) {
        var address = IpPrefix.text(prefix.address());
        faults.put(new Reason(Kind.AddressInUse, address), inUse(config, prefix));
      }
      gatewayFaults(config, faults);
    }
    serviceFaults(config, faults);
    return faults;
  }

  private static void secretFaults(InstanceConfig config, State state, Map<Reason, String> faults) {
    var authentication = config.authentication();
    if (authentication.missing() != null) {
      var secret = authentication.missing();
      faults.put(
          new Reason(Kind.SecretNotFound, secret.name() + "/" + secret.key()),
          "create the Secret " + secret.name() + " with the key " + secret.key());
    }
    var bad = authentication.badKeys();
    if (bad != null && config.hmac() == null) {
      faults.put(
          new Reason(Kind.KeysInvalid, bad.secret().name() + "/" + bad.secret().key()),
          bad.problem() + ": write lines with an id, a space, and 64 to 128 hex digits");
    }
    if (authentication.stranger() != null && state instanceof State.Initialize) {
      faults.put(
          new Reason(Kind.KeysDiffer, authentication.stranger()),
          "%s has other keys of signed adverts than this node: wait until it has read the Secret, or"
                  .formatted(authentication.stranger())
              + " until it is not selected any more");
    }
  }

  private static String inUse(InstanceConfig config, IpPrefix prefix) {
    var nic =
        config.addresses().stream()
            .filter(address -> address.prefix().equals(prefix))
            .map(VirtualAddress::interfaceName)
            .findFirst()
            .orElse("");
    return "%s has %s, and virtualip has not put it there, so it stays: if it is the node's own, use"
            .formatted(nic, IpPrefix.text(prefix.address()))
        + " another virtual address; if somebody has left it, remove it";
  }

  private void serviceFaults(InstanceConfig config, Map<Reason, String> faults) {
    if (config.virtualServers().isEmpty()) {
      return;
    }
    if (!node.services().available()) {
      faults.put(
          Reason.of(Kind.IpvsNotAvailable),
          "the kernel has no IPVS: load the module ip_vs on this node (modprobe ip_vs; to keep it,"
              + " a line in /etc/modules-load.d)");
      return;
    }
    for (var key : config.serviceKeys()) {
      if (node.services().isOfOthers(key)) {
        faults.put(
            new Reason(Kind.VirtualServerInUse, key.toString()),
            "IPVS has %s from another program, and it stays: remove it there, or use another address or port"
                .formatted(key));
      }
    }
  }

  /** A node cannot send packets by a gateway whose address it has itself. */
  private void gatewayFaults(InstanceConfig config, Map<Reason, String> faults) {
    for (var virtual : config.addresses()) {
      var address = virtual.prefix().address();
      if (node.network().isGateway(address) && !node.network().has(address)) {
        var text = IpPrefix.text(address);
        faults.putIfAbsent(
            new Reason(Kind.AddressInUse, text),
            text + " is the gateway of a route of this node: use another virtual address");
      }
    }
  }

  private void linkFaults(InstanceConfig config, Map<Reason, String> faults, long now) {
    for (var nic : config.interfaces().entrySet()) {
      var name = nic.getKey();
      var link = node.network().link(name);
      if (link == null) {
        links.gone(name);
        faults.put(
            new Reason(Kind.InterfaceNotFound, name),
            "%s: there is no NIC %s on this node (it has %s): correct the name"
                .formatted(nic.getValue(), name, node.network().nics().names()));
      } else if (!links.up(name, config, now)) {
        faults.put(
            new Reason(Kind.LinkDown, name),
            link.up()
                ? name + " is up, and counts as down until spec.linkUpDelay is over"
                : name + " is down or has no carrier");
      } else if (link.up()) {
        effects.open(link, name.equals(config.interfaceName()), faults);
      }
    }
  }

  /** Neighbours of InfiniBand's kind have hardware addresses that no announcement of ours has. */
  private void announcementFaults(InstanceConfig config, Map<Reason, String> faults) {
    for (var address : config.addresses()) {
      var link = node.network().link(address.interfaceName());
      boolean announces = link != null && (link.hasNeighbours() || config.virtualMac() != null);
      if (announces && !link.isEthernet()) {
        faults.putIfAbsent(
            new Reason(Kind.NotEthernet, link.name()),
            "%s has %s, and addresses can be announced on Ethernet only: bind %s on another NIC"
                .formatted(link.name(), link.mac().description(), address.prefix()));
      }
    }
  }

  private void transportFaults(
      InstanceConfig config, Link link, InetAddress source, Map<Reason, String> faults) {
    if (source == null) {
      faults.put(
          new Reason(Kind.NoAddress, link.name()),
          "%s has no %s address of its own to send adverts from"
              .formatted(
                  link.name(),
                  config.ipv6() ? config.unicast() ? "IPv6" : "IPv6 link-local" : "IPv4"));
    } else if (link.up()) {
      effects.openTransport(config, AdvertPath.first(config, link), source, faults);
    }
    transport.addFaults(config, AdvertPath.first(config, link), source, faults);
  }

  /**
   * Remembers all faults found, those of checks and other members included.
   *
   * @return whether they differ from the last ones
   */
  boolean remember(Map<Reason, String> found) {
    boolean changed = !found.equals(known);
    looked = true;
    known.clear();
    known.putAll(found);
    return changed;
  }

  /** Whether {@link #remember} has been called at all, even with no faults. */
  boolean hasLooked() {
    return looked;
  }

  /** Reasons of the faults remembered, in the order of discovery. */
  List<Reason> reasons() {
    return List.copyOf(known.keySet());
  }

  /**
   * For each reason what exactly is wrong and what to do; an empty text where there is nothing to
   * do.
   */
  Collection<String> details() {
    return known.values();
  }

  /** Reasons of this router itself, without those of other members of its sync group. */
  private List<Reason> own() {
    return known.keySet().stream()
        .filter(r -> r.kind() != Kind.SyncGroup && r.kind() != Kind.SyncGroupPending)
        .toList();
  }

  /**
   * Whether this router itself has a fault or waits, whatever the other members of its group do.
   */
  boolean hasOwn() {
    return !own().isEmpty();
  }

  /**
   * Whether its own reasons are all waits, such as for first check results, and none is a fault.
   */
  boolean isPending() {
    return hasOwn() && !Reason.anyFault(own());
  }

  /**
   * Asks the kernel what a bind would meet, before a good master is made to let go for it.
   *
   * @return whether the answer is another one than before
   */
  boolean ask(InstanceConfig config) {
    var before = obstacles;
    var macBefore = noVirtualMac;
    obstacles = effects.holdings().obstacles(config);
    noVirtualMac = effects.holdings().virtualMacObstacle(config);
    return !obstacles.equals(before) || !Objects.equals(noVirtualMac, macBefore);
  }

  /** The kernel has refused a bind. Each try may cost a good master its place: ever more seldom. */
  void bindFailed(String error, long now) {
    bindFault = error;
    bindFaultUntil = now + bindRetry;
    bindRetry = Math.min(2 * bindRetry, BIND_RETRY_MAX);
  }

  /** A bind has succeeded: the next refusal is tried again after 5 s. */
  void bound() {
    bindRetry = BIND_RETRY_MIN;
  }

  /** After a change of configuration a refused bind is tried again at once. */
  void configChanged(InstanceConfig config, long now) {
    links.retain(config.nics());
    bindRetry = BIND_RETRY_MIN;
    bindFaultUntil = bindFault == null ? State.NEVER : now;
  }

  /** When a fault may have ended by itself, or {@link State#NEVER}. */
  long deadline() {
    return Math.min(Math.min(bindFaultUntil, bootDelayUntil), links.deadline());
  }

  /** Drops the fault of a refused bind if the next try is due. */
  void onDeadline(long now) {
    if (bindFaultUntil <= now) {
      bindFault = null;
      bindFaultUntil = State.NEVER;
    }
  }
}
