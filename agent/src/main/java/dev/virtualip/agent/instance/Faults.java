package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import java.net.InetAddress;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What stands in the way of one virtual router on this node: finds it, and remembers what was
 * found. Used by the event loop's thread only; times are its nanoseconds.
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
   * Looks at the node and opens what is needed. Checks and other members of a sync group are not
   * its subject.
   *
   * @param link NIC that carries the adverts, or null if there is none
   * @param source where adverts would come from, or null
   * @param state state of the router
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
    if (config.missingSecret() != null) {
      var secret = config.missingSecret();
      faults.put(
          new Reason(Kind.SecretNotFound, secret.name() + "/" + secret.key()),
          "create the Secret " + secret.name() + " with the key " + secret.key());
    }
    if (bindFault != null) {
      faults.put(Reason.of(Kind.BindFailed), bindFault);
    }
    return faults;
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
      if (link != null && link.hasNeighbours() && !link.isEthernet()) {
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
      effects.openTransport(config, link, source, faults);
    }
    transport.addFaults(config, link, faults);
  }

  /** Remembers all that has been found, checks and other members included; whether it is news. */
  boolean remember(Map<Reason, String> found) {
    boolean changed = !found.equals(known);
    looked = true;
    known.clear();
    known.putAll(found);
    return changed;
  }

  /** Whether anything has been {@linkplain #remember remembered} yet, be it nothing. */
  boolean hasLooked() {
    return looked;
  }

  /** What stands in the way, in the order of discovery. */
  List<Reason> reasons() {
    return List.copyOf(known.keySet());
  }

  /** What exactly is wrong and what to do, reason by reason; empty where there is nothing to do. */
  Collection<String> details() {
    return known.values();
  }

  /** Reasons of this router, the other members of its sync group aside. */
  private List<Reason> own() {
    return known.keySet().stream()
        .filter(r -> r.kind() != Kind.SyncGroup && r.kind() != Kind.SyncGroupPending)
        .toList();
  }

  /** Whether something stands in the way of this router, the other members aside. */
  boolean hasOwn() {
    return !own().isEmpty();
  }

  /** Whether it only waits for its own checks. */
  boolean isPending() {
    return hasOwn() && !Reason.anyFault(own());
  }

  /** The kernel has refused a bind. Each try may cost a good master its place: ever more seldom. */
  void bindFailed(String error, long now) {
    bindFault = error;
    bindFaultUntil = now + bindRetry;
    bindRetry = Math.min(2 * bindRetry, BIND_RETRY_MAX);
  }

  /** A bind has succeeded. */
  void bound() {
    bindRetry = BIND_RETRY_MIN;
  }

  /** The configuration has changed, which may help. */
  void configChanged(InstanceConfig config, long now) {
    links.retain(config.nics());
    bindRetry = BIND_RETRY_MIN;
    bindFaultUntil = bindFault == null ? State.NEVER : now;
  }

  /** When something may have gone by itself. */
  long deadline() {
    return Math.min(Math.min(bindFaultUntil, bootDelayUntil), links.deadline());
  }

  /** Lets a bind be tried again, if that is due. */
  void onDeadline(long now) {
    if (bindFaultUntil <= now) {
      bindFault = null;
      bindFaultUntil = State.NEVER;
    }
  }
}
