package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Takeover;
import java.math.BigInteger;

/**
 * What a backup has heard of a master that it has to respect: one of equal or higher priority, with
 * preemption off any, and while a preempt delay runs a lower one too. It must not take over before
 * that one has been silent for a down interval, or has given up.
 */
final class Hearing {
  private static final long NEVER = Long.MIN_VALUE;

  private long respectedAt = NEVER;
  private long interval;
  private long delayEnd = NEVER;

  /** The node is no backup any more. */
  void forget() {
    respectedAt = NEVER;
    delayEnd = NEVER;
  }

  /** Priority or configuration have changed: what was heard before no longer counts. */
  void settingsChanged() {
    respectedAt = NEVER;
  }

  void heard(VirtualRouter router, AdvertisementReceived advert, long clock) {
    if (!(router.state() instanceof Backup backup)
        || backup.takeover() == Takeover.Claimed && outranks(router, advert)) {
      return;
    }
    var config = router.config();
    int priority = advert.priority();
    if (priority == 0) {
      respectedAt = NEVER;
      return;
    }
    boolean preempts = config.preempt() || router.priority() == 255;
    boolean obeys = priority >= router.priority() || !preempts;
    if (obeys) {
      delayEnd = NEVER;
    } else if (delayEnd == NEVER && config.preemptDelay() > 0) {
      delayEnd = clock + config.preemptDelay();
    }
    if (obeys || config.preemptDelay() > 0 && clock < delayEnd) {
      respectedAt = clock;
      interval = config.version() == Version.V3 ? advert.interval() : config.advertInterval();
    }
  }

  /** Two that claim the addresses at the same time: one of them goes on. */
  private static boolean outranks(VirtualRouter router, AdvertisementReceived advert) {
    var theirs = new BigInteger(1, advert.source().getAddress());
    var ours = new BigInteger(1, router.source().getAddress());
    return advert.priority() > 0
        && (advert.priority() < router.priority()
            || advert.priority() == router.priority() && theirs.compareTo(ours) < 0);
  }

  boolean mayTakeOver(VirtualRouter router, long clock) {
    long down = Rfc.activeDownInterval(router.config().version(), router.priority(), interval);
    return respectedAt == NEVER || clock - respectedAt >= down;
  }
}
