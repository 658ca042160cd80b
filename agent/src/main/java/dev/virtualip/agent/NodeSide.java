package dev.virtualip.agent;

import dev.virtualip.agent.Timeline.Part;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.State;
import java.net.InetAddress;

/**
 * What one virtual router does to its node: performs the effects of its steps, and notes how far a
 * change of state is. Used by the event loop's thread only; times are its nanoseconds.
 */
final class NodeSide {
  private final Node node;
  private final AdvertTransport transport;
  private final Timeline timeline;
  private final Holdings holdings;
  private final Announcer announcer;
  private final Succession succession = new Succession();

  NodeSide(Node node, AdvertTransport transport, Timeline timeline) {
    this.node = node;
    this.transport = transport;
    this.timeline = timeline;
    holdings = new Holdings(node);
    announcer = new Announcer(node);
  }

  Holdings holdings() {
    return holdings;
  }

  Succession succession() {
    return succession;
  }

  /**
   * Performs an effect. A change of state needs nothing but the end of a succession.
   *
   * @param source where adverts come from
   * @param handsOver whether addresses may stay until a successor speaks
   * @return null, or what the kernel has refused to bind
   */
  String perform(
      Effect effect, InstanceConfig config, InetAddress source, boolean handsOver, long now) {
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
        announcer.stop();
        if (handsOver && Succession.overlaps(config)) {
          succession.begin(config, now);
        } else {
          release(config);
        }
      }
      case AnnounceAddresses _ -> announce(config, now);
      case StateChanged changed -> endSuccession(changed.state(), config);
    }
    return null;
  }

  private void reached(Part part) {
    timeline.reached(part, node.stopwatch().now());
  }

  /** Makes the node hold what is configured; returns null, or what the kernel has refused. */
  String bind(InstanceConfig config, long now) {
    var error = holdings.hold(config, now);
    if (error == null) {
      node.metrics().renewed(config.name());
      reached(Part.Bound);
    } else {
      node.metrics().bindFailed(config.name());
    }
    return error;
  }

  /** Announces the addresses now and, by and by, again. */
  void announce(InstanceConfig config, long now) {
    if (announcer.announceOnce(config)) {
      reached(Part.Announced);
    }
    announcer.goOn(config, now);
  }

  private void endSuccession(State state, InstanceConfig config) {
    switch (state) {
      case State.Backup _ -> {}
      case State.Active _ -> succession.end();
      case State.Initialize _ -> {
        if (succession.lasts()) {
          release(config);
        }
      }
    }
  }

  /** Takes everything off; ends a succession. */
  void release(InstanceConfig config) {
    succession.end();
    holdings.release(config);
    reached(Part.Released);
  }

  /** When {@link #onDeadline} is due. */
  long deadline() {
    return announcer.deadline();
  }

  /** Announces what is due. */
  void onDeadline(InstanceConfig config, long now) {
    announcer.announceDue(config, now);
  }
}
