package dev.virtualip.agent;

import dev.virtualip.agent.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.vrrp.State;
import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gratuitous ARP of one virtual router, with keepalived's defaults: five rounds on becoming master,
 * five more after five seconds; and one a minute for switches that forget.
 */
final class Announcer {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);
  private static final int REPEAT = 5;
  private static final long DELAY = 5_000_000_000L;
  private static final long REFRESH = 60_000_000_000L;

  private final Node node;
  private boolean secondBurstDue;
  private long deadline = State.NEVER;

  Announcer(Node node) {
    this.node = node;
  }

  /** Sends a burst now and plans the next. */
  void start(List<VirtualAddress> addresses, long now) {
    announce(addresses, REPEAT);
    secondBurstDue = true;
    deadline = now + DELAY;
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
  void announceDue(List<VirtualAddress> addresses, long now) {
    announce(addresses, secondBurstDue ? REPEAT : 1);
    secondBurstDue = false;
    deadline = now + REFRESH;
  }

  private void announce(List<VirtualAddress> addresses, int rounds) {
    for (int round = 0; round < rounds; round++) {
      for (var address : addresses) {
        announce(address);
      }
    }
  }

  private void announce(VirtualAddress address) {
    var link = node.network().link(address.interfaceName());
    if (link == null) {
      return;
    }
    try {
      var port = node.ports().open(link);
      for (var form : ArpForm.values()) {
        port.send(Frames.gratuitousArp(link.mac(), address.prefix().address(), form));
      }
    } catch (IOException e) {
      LOG.warn("announcement_not_sent address={} error={}", address.prefix(), e.getMessage());
    }
  }
}
