package dev.virtualip.agent.vrrp;

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

  void heard(VirtualRouter router, int priority, long advertised, long clock) {
    var config = router.config();
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
      interval = config.version() == Version.V3 ? advertised : config.advertInterval();
    }
  }

  boolean mayTakeOver(VirtualRouter router, long clock) {
    long down = Rfc.activeDownInterval(router.config().version(), router.priority(), interval);
    return respectedAt == NEVER || clock - respectedAt >= down;
  }
}
