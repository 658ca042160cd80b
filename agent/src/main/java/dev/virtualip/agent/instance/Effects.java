package dev.virtualip.agent.instance;

import dev.virtualip.agent.holding.Holdings;
import dev.virtualip.agent.instance.Timeline.Part;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BalanceServers;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.RestoreAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one door out: everything that one virtual router does to its node goes through here. It also
 * records in the {@link Timeline} how far a change of state has come. Used by the event loop's
 * thread only.
 */
final class Effects {
  private static final Logger LOG = LoggerFactory.getLogger(Effects.class);

  private final Node node;

  /** Time from one part of a round of renewals to the next. */
  private static final long PART_INTERVAL = 1_000_000;

  private final AdvertTransport transport;
  private final RealServers servers;
  private final Timeline timeline;
  private final Holdings holdings;
  private final Announcer announcer;

  /** When a round of renewals goes on, if there is more of it. */
  private long renewAt;

  Effects(Node node, AdvertTransport transport, RealServers servers, Timeline timeline) {
    this.node = node;
    this.transport = transport;
    this.servers = servers;
    this.timeline = timeline;
    holdings =
        new Holdings(node.network(), node.addresses(), node.routes(), node.services().port());
    announcer = new Announcer(node, () -> reached(Part.Announced));
  }

  Holdings holdings() {
    return holdings;
  }

  /**
   * Performs an effect.
   *
   * @param source source address of adverts
   * @return null, or the kernel's error: then the remaining effects of the step no longer apply
   */
  String perform(Effect effect, InstanceConfig config, InetAddress source, long now) {
    switch (effect) {
      case SendAdvertisement advert -> {
        if (transport.send(config, advert.priority(), source)) {
          reached(advert.priority() == 0 ? Part.Resigned : Part.Advert);
        }
      }
      case BindAddresses _ -> {
        return bound(config, holdings.hold(config, servers.services(), now));
      }
      case BalanceServers _ -> {
        return holdings.balance(servers.services());
      }
      case RestoreAddresses _ -> {
        return bound(config, holdings.putBack(config));
      }
      case RenewLeases _ -> {
        return holdings.renewalDue(now, config) ? beginRenewal(config, now) : null;
      }
      case UnbindAddresses _ -> {
        holdings.release(config);
        reached(Part.Released);
      }
      case AnnounceAddresses announce -> announce(config, announce.once(), now);
      case StateChanged changed -> {
        if (!(changed.state() instanceof State.Active)) {
          announcer.cancel();
        }
      }
    }
    return null;
  }

  private void reached(Part part) {
    timeline.reached(part, node.stopwatch().now());
  }

  /** A lease that has to begin with its advert is renewed at once; others wait for company. */
  private String beginRenewal(InstanceConfig config, long now) {
    int due = holdings.renewalsDue(config, now);
    if (due == 0 || !canWait(config)) {
      return renew(config, now);
    }
    renewAt = now;
    return null;
  }

  private static boolean canWait(InstanceConfig config) {
    return config.router().leasePolicy() == LeasePolicy.Overlap;
  }

  private String renew(InstanceConfig config, long now) {
    return renewed(config, holdings.renew(allowed(config, now)));
  }

  private int allowed(InstanceConfig config, long now) {
    renewAt = now + PART_INTERVAL;
    return node.renewals().take(holdings.renewalsDue(config, now), canWait(config));
  }

  /** Whether leases are to be renewed now. */
  boolean renewsNow(long now) {
    return holdings.renewsMore() && renewAt <= now;
  }

  /** The renewals that are due now, for one write with those of others. */
  List<Change> renewals(InstanceConfig config, long now) {
    return holdings.renewals(allowed(config, now));
  }

  /**
   * Renewals have been made.
   *
   * @param error what the kernel has refused of them, or null
   * @return null, or an error that has to be a fault
   */
  String renewed(InstanceConfig config, String error) {
    if (error == null) {
      if (!holdings.renewsMore()) {
        node.metrics().renewed(config.name());
      }
      return null;
    }
    node.metrics().bindFailed(config.name());
    if (!holdings.doubt()) {
      return error;
    }
    // A NIC may have been down for a moment, and its report be on the way: compared first.
    LOG.warn("renewal_refused vip={} error=\"{}\" action=compare", config.name(), error);
    node.network().doubt();
    return null;
  }

  private String bound(InstanceConfig config, String error) {
    if (error == null) {
      node.metrics().renewed(config.name());
      reached(Part.Bound);
    } else {
      node.metrics().bindFailed(config.name());
    }
    return error;
  }

  private void announce(InstanceConfig config, boolean once, long now) {
    announcer.announce(config, once ? 1 : config.garp().repeat(), now);
  }

  /** When announcements or renewals go on, or {@link State#NEVER}. */
  long deadline() {
    return Math.min(announcer.deadline(), holdings.renewsMore() ? renewAt : State.NEVER);
  }

  /** Goes on with announcements. */
  void announceMore(InstanceConfig config, long now) {
    if (announcer.deadline() <= now) {
      announcer.goOn(config, now);
    }
  }

  /**
   * Goes on with renewals.
   *
   * @return null, or the kernel's error
   */
  String renewMore(InstanceConfig config, long now) {
    return renewsNow(now) ? renew(config, now) : null;
  }

  /** Whether networks know a hardware address that a NIC has no more. */
  boolean isAnnouncementOutdated() {
    return announcer.isOutdated();
  }

  /**
   * Opens a NIC that is up. Adds a fault if that fails.
   *
   * @param listens whether to capture adverts too, or only to send
   */
  void open(Link link, boolean listens, Map<Reason, String> faults) {
    try {
      var _ = listens ? node.ports().open(link) : node.ports().openToSend(link);
    } catch (IOException e) {
      faults.put(new Reason(Kind.CaptureFailed, link.name()), e.getMessage());
    }
  }

  /** Opens what adverts need beyond the NIC's capture. Adds a fault if that fails. */
  void openTransport(
      InstanceConfig config, AdvertPath path, InetAddress source, Map<Reason, String> faults) {
    try {
      transport.open(config, path, source);
    } catch (IOException e) {
      faults.put(new Reason(Kind.TransportFailed, path.link().name()), e.getMessage());
    }
  }

  /**
   * After a defect: removes everything it holds, whatever its state, and then resigns.
   *
   * @param resigns whether it was master, so that peers have to be sent priority 0
   */
  void abandon(InstanceConfig config, InetAddress source, boolean resigns) {
    // Released first, whatever the policy: with exclusive leases no peer may take over before that.
    // With others the gap of a moment matters less than one order that cannot fail half-way.
    try {
      announcer.cancel();
      holdings.release(config);
    } finally {
      if (resigns) {
        transport.send(config, 0, source);
      }
    }
  }
}
