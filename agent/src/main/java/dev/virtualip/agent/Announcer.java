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

  /** Sends the first round of a burst; whether anything got out. */
  boolean announceOnce(InstanceConfig config) {
    return announce(config, 1);
  }

  /** Sends the rest of the burst and plans the next. */
  void goOn(InstanceConfig config, long now) {
    var garp = config.garp();
    announce(config, garp.repeat() - 1);
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

  private boolean announce(InstanceConfig config, int rounds) {
    boolean announced = false;
    for (int round = 0; round < rounds; round++) {
      for (var address : config.addresses()) {
        announced |= announce(config.name(), address);
      }
    }
    return announced;
  }

  private boolean announce(String vip, VirtualAddress virtual) {
    var link = node.network().link(virtual.interfaceName());
    if (link == null) {
      return false;
    }
    var address = virtual.prefix().address();
    try {
      var port = node.ports().openToSend(link);
      if (virtual.prefix().isIpv6()) {
        boolean router = node.addresses().forwardsIpv6(link);
        port.send(Frames.neighbourAdvertisement(link.mac(), address, router));
        node.metrics().announced(vip, "NeighbourAdvertisement", 1);
        return true;
      }
      for (var form : ArpForm.values()) {
        port.send(Frames.gratuitousArp(link.mac(), address, form));
      }
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
