package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.Claim;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the networks whether somebody outside of the election has a virtual address, by ARP probes
 * (RFC 5227) and as duplicate address detection does (RFC 4862). It asks while a backup waits for a
 * master that it has never heard, so nothing takes longer for it. Who has heard a master, or was
 * one, never asks. Used by the event loop's thread only; times are its nanoseconds.
 */
final class AddressProbe {
  private static final Logger LOG = LoggerFactory.getLogger(AddressProbe.class);

  private static final long SECOND = 1_000_000_000L;

  /** How often each address is probed before a takeover (RFC 5227: PROBE_NUM). */
  private static final int ROUNDS = 3;

  /** Later probes without an answer after which an address is free. */
  private static final int FREE_AFTER = 3;

  /** Addresses that are probed at once, and time from one part of a round to the next. */
  private static final int PART = 32;

  private static final long PART_INTERVAL = 1_000_000;

  private final Node node;
  private final Map<InetAddress, Answer> answers = new LinkedHashMap<>();

  /** Whether the addresses are the election's: a master was heard, or this router was one. */
  private boolean known;

  /** Whether the backup's timer has expired, so that an answer counts at once. */
  private boolean waited;

  private long nextAt = State.NEVER;
  private int rounds;

  /** The address of the present round that is probed next. */
  private int next;

  /**
   * An answer.
   *
   * @param until when it is out of date, if there is no other one
   */
  private record Answer(HardwareAddress mac, String nic, long until) {}

  AddressProbe(Node node) {
    this.node = node;
  }

  /** Time between probes while an address is in use, or while the sync group is not ready. */
  private static long period(InstanceConfig config) {
    return Math.max(config.router().advertInterval(), SECOND);
  }

  /** The router is in a state. */
  void entered(InstanceConfig config, State state, long now) {
    switch (state) {
      case Active _ -> heard();
      case Backup backup -> {
        if (nextAt == State.NEVER && !known && config.probe() && node.ports().canProbe()) {
          // A live master is heard within an interval, and then nobody is asked.
          nextAt = now + config.router().advertInterval();
          // Its own wait may be over, and that of its sync group not.
          waited = backup.wishing();
        }
      }
      case Initialize _ -> {
        if (!isInUse()) {
          stop();
        }
      }
    }
  }

  private void stop() {
    answers.clear();
    waited = false;
    nextAt = State.NEVER;
    rounds = 0;
    next = 0;
  }

  /**
   * A master is there, so whoever answers is one of the election.
   *
   * @return whether that is news
   */
  boolean heard() {
    boolean news = !known;
    known = true;
    stop();
    return news;
  }

  /** Whether a master was heard, or this router was one. */
  boolean isKnown() {
    return known;
  }

  private boolean isInUse() {
    return waited && !answers.isEmpty();
  }

  /** New addresses are probed in what is left of the wait. */
  void configChanged(InstanceConfig before, InstanceConfig config, long now) {
    answers.keySet().retainAll(config.virtual());
    if (!config.probe() || waited && answers.isEmpty()) {
      stop();
    } else if (nextAt != State.NEVER && !before.virtual().containsAll(config.virtual())) {
      nextAt = Math.min(nextAt, now);
      rounds = 0;
      next = 0;
    }
  }

  /**
   * The backup's timer has expired.
   *
   * @return whether it must not take over
   */
  boolean waitIsOver(long now) {
    waited = nextAt != State.NEVER;
    forget(now);
    return isInUse();
  }

  /**
   * A neighbour says that it has an address.
   *
   * @return whether that is a fault, or another one than before
   */
  boolean claimed(InstanceConfig config, int linkIndex, Claim claim, long now) {
    if (nextAt == State.NEVER || isOfElection(config, claim.mac())) {
      return false;
    }
    for (var virtual : config.addresses()) {
      var link = node.network().link(virtual.interfaceName());
      boolean same = virtual.prefix().address().equals(claim.address());
      if (same && link != null && link.index() == linkIndex) {
        long until = now + FREE_AFTER * period(config);
        var before = answers.put(claim.address(), new Answer(claim.mac(), link.name(), until));
        return waited && (before == null || !before.mac().equals(claim.mac()));
      }
    }
    return false;
  }

  /** Whether it is one of this node's, or the virtual router's own. */
  private boolean isOfElection(InstanceConfig config, HardwareAddress mac) {
    int vrid = config.router().vrid();
    return mac.equals(HardwareAddress.ofVirtualRouter(vrid, false))
        || mac.equals(HardwareAddress.ofVirtualRouter(vrid, true))
        || node.network().links().map(Link::mac).anyMatch(mac::equals);
  }

  /** Adds a fault for each address that somebody has answered for. */
  void addFaults(Map<Reason, String> faults) {
    if (waited) {
      answers.forEach(
          (address, answer) -> {
            var text = IpPrefix.text(address);
            faults.putIfAbsent(
                new Reason(Kind.AddressInUse, text),
                "%s on %s has answered for %s, and no master is heard: use another virtual address,"
                        .formatted(answer.mac(), answer.nic(), text)
                    + " or take it off there; spec.probe: false takes over nevertheless");
          });
    }
  }

  /** When {@link #onDeadline} is due, or {@link State#NEVER}. */
  long deadline() {
    if (nextAt == State.NEVER) {
      // The common case first: the loop asks all routers at each turn.
      return State.NEVER;
    }
    long first = nextAt;
    for (var answer : answers.values()) {
      first = waited ? Math.min(first, answer.until()) : first;
    }
    return first;
  }

  /**
   * Sends probes that are due, and forgets answers that are out of date.
   *
   * @return whether a fault has ended
   */
  boolean onDeadline(InstanceConfig config, long now) {
    boolean ends = waited && forget(now);
    if (ends && answers.isEmpty()) {
      stop();
    }
    if (nextAt <= now) {
      ask(config, now);
    }
    return ends;
  }

  /** Forgets answers that are out of date, and says whether there were any. */
  private boolean forget(long now) {
    return answers.values().removeIf(answer -> answer.until() <= now);
  }

  private void ask(InstanceConfig config, long now) {
    var addresses = config.addresses();
    for (int sent = 0; sent < PART && next < addresses.size(); sent++) {
      ask(config, addresses.get(next++));
    }
    if (next < addresses.size()) {
      nextAt = now + PART_INTERVAL;
      return;
    }
    next = 0;
    rounds++;
    nextAt = now + pause(config);
  }

  private long pause(InstanceConfig config) {
    if (rounds < ROUNDS) {
      return config.router().advertInterval() / 2;
    }
    // The first of the later ones is not sent before the backup's timer has expired.
    return rounds == ROUNDS ? 2 * period(config) : period(config);
  }

  /** With the NIC's own MAC: switches must not learn a virtual one here. */
  private void ask(InstanceConfig config, VirtualAddress virtual) {
    var link = node.network().link(virtual.interfaceName());
    if (link == null || !link.up() || !link.isEthernet()) {
      return;
    }
    var address = virtual.prefix().address();
    try {
      node.ports()
          .openToProbe(link)
          .send(
              virtual.prefix().isIpv6()
                  ? Frames.neighbourSolicitation(link.mac(), address)
                  : Frames.arpProbe(link.mac(), address));
    } catch (IOException e) {
      LOG.warn(
          "probe_not_sent vip={} address={} error=\"{}\"",
          config.name(),
          virtual.prefix(),
          e.getMessage());
    }
  }

  /** Links on which answers may come. */
  Set<Integer> links(InstanceConfig config) {
    return nextAt == State.NEVER
        ? Set.of()
        : config.addresses().stream()
            .map(virtual -> node.network().link(virtual.interfaceName()))
            .filter(Objects::nonNull)
            .map(Link::index)
            .collect(Collectors.toSet());
  }
}
