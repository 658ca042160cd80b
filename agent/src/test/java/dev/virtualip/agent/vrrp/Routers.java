package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.ConfigChanged;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Takeover;
import java.net.InetAddress;
import java.util.List;

/**
 * The one place where the enumeration and the simulation know what the core's records are made of,
 * so that a new component of one of them is one change here.
 */
final class Routers {
  static final int VRID = 51;

  private Routers() {}

  static VirtualRouterConfig config(
      Version version,
      long interval,
      boolean preempt,
      long preemptDelay,
      boolean startAsMaster,
      LeasePolicy policy) {
    return new VirtualRouterConfig(
        version, VRID, interval, preempt, preemptDelay, startAsMaster, policy, 1);
  }

  static VirtualRouterConfig withInterval(VirtualRouterConfig config, long interval) {
    return new VirtualRouterConfig(
        config.version(),
        VRID,
        interval,
        config.preempt(),
        config.preemptDelay(),
        config.startAsMaster(),
        config.leasePolicy(),
        config.advertRepeat());
  }

  static VirtualRouterConfig withPreempt(VirtualRouterConfig config, boolean preempt, long delay) {
    return new VirtualRouterConfig(
        config.version(),
        VRID,
        config.advertInterval(),
        preempt,
        delay,
        config.startAsMaster(),
        config.leasePolicy(),
        config.advertRepeat());
  }

  static VirtualRouter router(
      VirtualRouterConfig config, int priority, InetAddress source, State state) {
    return new VirtualRouter(config, priority, source, state);
  }

  static State backup(
      long activeDownAt, long masterInterval, long preemptAt, Takeover takeover, long yieldedAt) {
    return new Backup(
        activeDownAt, masterInterval, preemptAt, takeover, false, State.NEVER, yieldedAt, null, 0);
  }

  /** A member of a sync group that would be Active if all were. */
  static State wishing(State state) {
    var b = (Backup) state;
    return new Backup(
        b.activeDownAt(),
        b.masterInterval(),
        b.preemptAt(),
        b.takeover(),
        true,
        State.NEVER,
        b.yieldedAt(),
        b.master(),
        b.masterPriority());
  }

  /** The same backup, which has heard its last advert from this address. */
  static State led(State state, InetAddress master, int masterPriority) {
    return state instanceof Backup b
        ? new Backup(
            b.activeDownAt(),
            b.masterInterval(),
            b.preemptAt(),
            b.takeover(),
            b.wishing(),
            b.releaseAt(),
            b.yieldedAt(),
            master,
            masterPriority)
        : state;
  }

  static State active(long advertAt) {
    return new Active(advertAt);
  }

  /** The same master, which has just answered a lower one by announcements. */
  static State answered(State state, long now) {
    var active = (Active) state;
    long from = now + VirtualRouter.ANSWER_GAP;
    return new Active(
        active.advertAt(), active.announceAt(), active.burst(), from, active.tiedAt());
  }

  static AdvertisementReceived advert(int priority, long interval, InetAddress source) {
    return new AdvertisementReceived(priority, interval, source);
  }

  static Event configChanged(VirtualRouterConfig config) {
    return new ConfigChanged(config);
  }

  /** Lease of the addresses in nanoseconds. */
  static long lease(VirtualRouterConfig config) {
    long seconds =
        Timers.leaseSeconds(config.version(), config.advertInterval(), config.leasePolicy());
    return seconds * 1_000_000_000L;
  }

  static byte[] encode(
      VirtualRouterConfig config,
      int priority,
      Password password,
      List<InetAddress> addresses,
      InetAddress source,
      InetAddress group) {
    var advert =
        new Advertisement(config.version(), VRID, priority, config.advertInterval(), addresses);
    return AdvertisementCodec.encode(advert, password, source, group);
  }

  static Decoded decode(
      Datagram datagram, VirtualRouterConfig config, Password password, InetAddress source) {
    return AdvertisementCodec.decode(
        datagram, new Expected(config.version(), config.advertInterval(), password, source));
  }
}
