package dev.virtualip.agent;

import dev.virtualip.agent.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.vrrp.State;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gratuitous ARP and unsolicited neighbour advertisements of one virtual router: a burst on
 * becoming master, one more after a delay, and then single rounds for switches that forget.
 */
final class Announcer {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

  private final Node node;
  private boolean secondBurstDue;
  private long deadline = State.NEVER;

  Announcer(Node node) {
    this.node = node;
  }

  /** Sends a burst now and plans the next. */
  void start(InstanceConfig config, long now) {
    var garp = config.garp();
    announce(config, garp.repeat());
    secondBurstDue = garp.delay() > 0;
    plan(secondBurstDue ? garp.delay() : garp.refresh(), now);
  }

  /** Nothing more is sent, planned bursts included. */
  void stop() {
    deadline = State.NEVER;
  }

  /** When {@link #announceDue} is due. */
  long deadline() {
    return deadline;
  }

  /** Sends what was planned. */
  void announceDue(InstanceConfig config, long now) {
    announce(config, secondBurstDue ? config.garp().repeat() : 1);
    secondBurstDue = false;
    plan(config.garp().refresh(), now);
  }

  private void plan(long delay, long now) {
    deadline = delay > 0 ? now + delay : State.NEVER;
  }

  private void announce(InstanceConfig config, int rounds) {
    for (int round = 0; round < rounds; round++) {
      for (var address : config.addresses()) {
        announce(config.name(), address);
      }
    }
  }

  private void announce(String vip, VirtualAddress virtual) {
    var link = node.network().link(virtual.interfaceName());
    if (link == null) {
      return;
    }
    var address = virtual.prefix().address();
    try {
      var port = node.ports().open(link);
      if (virtual.prefix().isIpv6()) {
        boolean router = node.addresses().forwardsIpv6(link);
        port.send(Frames.neighbourAdvertisement(link.mac(), address, router));
        node.metrics().announced(vip, "NeighbourAdvertisement", 1);
        return;
      }
      for (var form : ArpForm.values()) {
        port.send(Frames.gratuitousArp(link.mac(), address, form));
      }
      node.metrics().announced(vip, "GratuitousArp", ArpForm.values().length);
    } catch (IOException e) {
      node.metrics().announcementFailed(vip);
      LOG.warn("announcement_not_sent address={} error={}", virtual.prefix(), e.getMessage());
    }
  }
}
