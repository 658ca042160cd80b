package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.vrrp.State;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gratuitous ARP and unsolicited neighbour advertisements of one virtual router. A burst is sent in
 * parts: adverts do not wait for it, and switches take it (keepalived: {@code garp_interval},
 * {@code gna_interval}). One thread; times are its nanoseconds.
 */
final class Announcer {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

  /** Addresses that are announced at once, and time from one part to the next. */
  private static final int PART = 32;

  private static final long PART_INTERVAL = 1_000_000;

  private final Node node;
  private final Runnable onFirstRound;

  /** The NICs by which the last burst went, as they were then. */
  private final Map<String, Link> announcedBy = new HashMap<>();

  private List<VirtualAddress> burst = List.of();
  private int rounds;

  private boolean firstRound;

  /** Whether anything got out. */
  private boolean announced;

  private int next;
  private long nextAt = State.NEVER;

  /**
   * @param onFirstRound is told when a burst has announced each address once
   */
  Announcer(Node node, Runnable onFirstRound) {
    this.node = node;
    this.onFirstRound = onFirstRound;
  }

  /**
   * Begins a burst, in place of one that has not ended, and sends its first part. Each address
   * comes once before any is repeated, those that adverts list first.
   *
   * @param rounds how often each address is announced
   */
  void announce(InstanceConfig config, int rounds, long now) {
    burst =
        config.addresses().stream()
            .sorted(Comparator.comparing(address -> !address.advertised()))
            .toList();
    announcedBy.clear();
    this.rounds = rounds;
    next = 0;
    firstRound = true;
    announced = false;
    goOn(config, now);
  }

  /** When the next part is due, or {@link State#NEVER}. */
  long deadline() {
    return nextAt;
  }

  /** Sends the next part. */
  void goOn(InstanceConfig config, long now) {
    long interval = config.garp().interval();
    int part = interval == 0 ? PART : 1;
    for (int sent = 0; sent < part && next < burst.size(); sent++) {
      announced |= announce(config, burst.get(next++));
      if (next == burst.size()) {
        endRound();
      }
    }
    nextAt = next < burst.size() ? now + Math.max(interval, PART_INTERVAL) : State.NEVER;
  }

  private void endRound() {
    if (firstRound && announced) {
      onFirstRound.run();
    }
    firstRound = false;
    rounds--;
    next = rounds > 0 ? 0 : next;
  }

  /** What has not been announced is not announced any more. */
  void cancel() {
    burst = List.of();
    next = 0;
    nextAt = State.NEVER;
  }

  /** Whether a NIC has another hardware address now than the one that was announced last. */
  boolean isOutdated() {
    return announcedBy.entrySet().stream()
        .anyMatch(
            announced -> {
              var then = announced.getValue();
              var link = node.network().link(announced.getKey());
              return link != null
                  && link.up()
                  && link.index() == then.index()
                  && !link.mac().equals(then.mac());
            });
  }

  private boolean announce(InstanceConfig config, VirtualAddress virtual) {
    var vip = config.name();
    var link = node.network().link(virtual.interfaceName());
    // At the other end of a tunnel nobody asks for a hardware address.
    if (link == null || !link.isEthernet()) {
      return false;
    }
    var address = virtual.prefix().address();
    var mac = config.announcedMac(link);
    try {
      var port = node.ports().openToSend(link);
      if (virtual.prefix().isIpv6()) {
        boolean router = node.addresses().forwardsIpv6(link);
        port.send(Frames.neighbourAdvertisement(mac, address, router));
        announcedBy.put(virtual.interfaceName(), link);
        node.metrics().announced(vip, "NeighbourAdvertisement", 1);
        return true;
      }
      for (var form : ArpForm.values()) {
        port.send(Frames.gratuitousArp(mac, address, form));
      }
      announcedBy.put(virtual.interfaceName(), link);
      node.metrics().announced(vip, "GratuitousArp", ArpForm.values().length);
      return true;
    } catch (IOException e) {
      node.metrics().announcementFailed(vip);
      LOG.warn(
          "announcement_not_sent vip={} address={} error=\"{}\"",
          vip,
          virtual.prefix(),
          e.getMessage());
      return false;
    }
  }
}
