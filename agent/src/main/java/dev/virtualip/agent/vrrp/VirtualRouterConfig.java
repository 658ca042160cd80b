package dev.virtualip.agent.vrrp;

import java.util.Objects;

/**
 * Configuration of the state machine of a virtual router.
 *
 * @param version protocol version
 * @param vrid virtual router ID, 1 to 255
 * @param advertInterval own advertisement interval in nanoseconds, above 0
 * @param preempt whether to take over from a master of lower priority (RFC 9568 Preempt_Mode)
 * @param preemptDelay nanoseconds before that (keepalived: {@code preempt_delay})
 * @param startAsMaster whether to become master at once, with priority 255 (keepalived: {@code
 *     state MASTER})
 * @param leasePolicy how long the addresses of a silent master live; Exclusive needs an interval of
 *     1 s or more
 * @param advertRepeat adverts sent per interval, 1 or more
 * @param keepMaster whether failed checks are no fault but lower the priority to {@link
 *     #LAST_RESORT}; the same on all nodes and for all members of the sync group
 * @param announceDelay nanoseconds from becoming Active to the second burst of announcements, 0 =
 *     there is none (keepalived: {@code garp_master_delay})
 * @param announceRefresh nanoseconds between single announcements while Active, 0 = there are none
 *     (keepalived: {@code garp_master_refresh})
 * @param maxLearnedInterval longest interval that is learned from a VRRPv3 master's adverts, in
 *     nanoseconds, 0 = ten times the own one; one that is advertised longer counts as this
 */
public record VirtualRouterConfig(
    Version version,
    int vrid,
    long advertInterval,
    boolean preempt,
    long preemptDelay,
    boolean startAsMaster,
    LeasePolicy leasePolicy,
    int advertRepeat,
    boolean keepMaster,
    long announceDelay,
    long announceRefresh,
    long maxLearnedInterval) {

  /** Priority of the router that owns the addresses. */
  public static final int OWNER = 255;

  private static final long ADVERT_SLACK_MAX = 20_000_000;

  /**
   * Priority of a node whose checks fail where that is no fault ({@code whenAllFail: KeepMaster}).
   * Every node with good checks has a higher one.
   */
  public static final int LAST_RESORT = 1;

  /** A router that announces its addresses in a burst when it becomes Active, and never again. */
  public VirtualRouterConfig(
      Version version,
      int vrid,
      long advertInterval,
      boolean preempt,
      long preemptDelay,
      boolean startAsMaster,
      LeasePolicy leasePolicy,
      int advertRepeat) {
    this(
        version,
        vrid,
        advertInterval,
        preempt,
        preemptDelay,
        startAsMaster,
        leasePolicy,
        advertRepeat,
        false,
        0,
        0,
        0);
  }

  /**
   * Checks ranges. Old recordings lack three values: no lease policy means Overlap, 0 repeats mean
   * 1, and no bound is ten intervals.
   *
   * @throws IllegalArgumentException if a value is out of range
   */
  public VirtualRouterConfig {
    leasePolicy = Objects.requireNonNullElse(leasePolicy, LeasePolicy.Overlap);
    advertRepeat = advertRepeat == 0 ? 1 : advertRepeat;
    if (vrid < 1 || vrid > 255 || advertInterval <= 0 || preemptDelay < 0 || advertRepeat < 0) {
      throw new IllegalArgumentException(
          "vrid=%d advertInterval=%d preemptDelay=%d advertRepeat=%d"
              .formatted(vrid, advertInterval, preemptDelay, advertRepeat));
    }
    maxLearnedInterval = maxLearnedInterval == 0 ? 10 * advertInterval : maxLearnedInterval;
    if (announceDelay < 0 || announceRefresh < 0) {
      throw new IllegalArgumentException(
          "announceDelay=%d announceRefresh=%d".formatted(announceDelay, announceRefresh));
    }
  }

  /** The same configuration with another {@code keepMaster}. */
  public VirtualRouterConfig keepingMaster(boolean keeps) {
    return new VirtualRouterConfig(
        version,
        vrid,
        advertInterval,
        preempt,
        preemptDelay,
        startAsMaster,
        leasePolicy,
        advertRepeat,
        keeps,
        announceDelay,
        announceRefresh,
        maxLearnedInterval);
  }

  /** Nanoseconds from one advert to the next: the interval divided by {@code advertRepeat}. */
  public long advertPeriod() {
    return advertInterval / advertRepeat;
  }

  /**
   * By how much an advert may be sent early: a fiftieth of the period, 20 ms at most, in
   * nanoseconds. A node that wakes for one of many masters serves those that are due soon as well.
   */
  long advertSlack() {
    return Math.min(ADVERT_SLACK_MAX, advertPeriod() / 50);
  }
}
