package dev.virtualip.agent.instance;

import dev.virtualip.agent.holding.Holdings;
import dev.virtualip.agent.instance.Timeline.Part;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.util.Map;

/**
 * The one door out: what one virtual router does to its node, and nothing else does. It notes how
 * far a change of state is. One thread.
 */
final class Effects {
  private final Node node;
  private final AdvertTransport transport;
  private final Timeline timeline;
  private final Holdings holdings;
  private final Announcer announcer;

  Effects(Node node, AdvertTransport transport, Timeline timeline) {
    this.node = node;
    this.transport = transport;
    this.timeline = timeline;
    holdings = new Holdings(node.network(), node.addresses());
    announcer = new Announcer(node);
  }

  Holdings holdings() {
    return holdings;
  }

  /**
   * Performs an effect. A change of state needs nothing.
   *
   * @param source where adverts come from
   * @return null, or what the kernel has refused: the effects behind it no longer apply
   */
  String perform(Effect effect, InstanceConfig config, InetAddress source, long now) {
    switch (effect) {
      case SendAdvertisement advert -> {
        if (transport.send(config, advert.priority(), source)) {
          reached(advert.priority() == 0 ? Part.Resigned : Part.Advert);
        }
      }
      case BindAddresses _ -> {
        return bind(config, now);
      }
      case RenewLeases _ -> {
        return holdings.renewalDue(now, config) ? bind(config, now) : null;
      }
      case UnbindAddresses _ -> {
        holdings.release(config);
        reached(Part.Released);
      }
      case AnnounceAddresses announce -> announce(config, announce.once());
      case StateChanged _ -> {}
    }
    return null;
  }

  private void reached(Part part) {
    timeline.reached(part, node.stopwatch().now());
  }

  private String bind(InstanceConfig config, long now) {
    var error = holdings.hold(config, now);
    if (error == null) {
      node.metrics().renewed(config.name());
      reached(Part.Bound);
    } else {
      node.metrics().bindFailed(config.name());
    }
    return error;
  }

  /** Each address once before any is repeated. */
  private void announce(InstanceConfig config, boolean once) {
    if (announcer.announce(config, 1)) {
      reached(Part.Announced);
    }
    if (!once) {
      announcer.announce(config, config.garp().repeat() - 1);
    }
  }

  /** Whether networks know a hardware address that a NIC has no more. */
  boolean isAnnouncementOutdated() {
    return announcer.isOutdated();
  }

  /**
   * Opens a NIC that is up, to send by and perhaps to listen; adds what keeps that from working.
   */
  void open(Link link, boolean listens, Map<Reason, String> faults) {
    try {
      var _ = listens ? node.ports().open(link) : node.ports().openToSend(link);
    } catch (IOException e) {
      faults.put(new Reason(Kind.CaptureFailed, link.name()), e.getMessage());
    }
  }

  /** Opens what adverts need beyond the NIC's capture; adds what keeps that from working. */
  void openTransport(
      InstanceConfig config, Link link, InetAddress source, Map<Reason, String> faults) {
    try {
      transport.open(config, link, source);
    } catch (IOException e) {
      faults.put(new Reason(Kind.TransportFailed, link.name()), e.getMessage());
    }
  }

  /**
   * After a defect: takes off what it holds, whatever state it is in, and says so.
   *
   * @param resigns whether it was master, so that peers wait for it
   */
  void abandon(InstanceConfig config, InetAddress source, boolean resigns) {
    // With exclusive leases nobody may come before it has let go; with others a moment matters less
    // than that it cannot fail half-way.
    try {
      holdings.release(config);
    } finally {
      if (resigns) {
        transport.send(config, 0, source);
      }
    }
  }
}
