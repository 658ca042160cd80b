package dev.virtualip.agent.vrrp;

/**
 * Skew_Time, Active_Down_Interval (RFC 9568 6.1) and the lease derived from them. All times are
 * nanoseconds unless they say otherwise.
 */
public final class Timers {
  private static final long SECOND = 1_000_000_000L;

  /**
   * Longest time between two renewals of a lease. With short intervals not every advert renews: 10
   * ms adverts must not cost 100 renewals a second.
   */
  private static final long RENEWAL_MAX = SECOND / 4;

  /**
   * What a step of priority adds to the time that a backup leaves to better ones after a
   * resignation: what a LAN and a busy agent need to tell it that one of them has taken over.
   */
  private static final long SUCCESSION_STEP = 100_000;

  /** Time in which the three adverts of a master that hands over are all heard. */
  private static final long SUCCESSION_MIN = 2_000_000;

  /** No lease is longer: VRRPv3's longest interval is 40.95 s, and its longest silence 164 s. */
  public static final long LEASE_SECONDS_MAX = 164;

  private Timers() {}

  /**
   * Skew_Time, which is longer for lower priorities. VRRPv2: (256 - priority) / 256 s, whatever the
   * interval (RFC 3768 6.1); VRRPv3: (256 - priority) * interval / 256 (RFC 9568 6.1).
   *
   * @param priority 1 to 255
   * @param interval the master's advertisement interval
   */
  public static long skewTime(Version version, int priority, long interval) {
    return (256 - priority) * (version == Version.V2 ? SECOND : interval) / 256;
  }

  /**
   * How long a backup leaves it to better ones to follow a master that has resigned: the skew (RFC
   * 9568 6.1), compressed, as its only purpose is to let the best one go first. At most 27.5 ms. A
   * keepalived of higher priority, which waits for its whole skew, preempts after it.
   *
   * @param steps by how much the priority of a better one may be higher, 0 to 255
   * @param skew Skew_Time, which is never exceeded
   */
  public static long successionTime(int steps, long skew) {
    return Math.min(skew, SUCCESSION_MIN + steps * SUCCESSION_STEP);
  }

  /**
   * Active_Down_Interval: how long a master has to be silent to count as gone (RFC 9568 6.1).
   *
   * @param priority 1 to 255
   * @param interval the master's advertisement interval
   */
  public static long activeDownInterval(Version version, int priority, long interval) {
    return 3 * interval + skewTime(version, priority, interval);
  }

  /**
   * Lease of an address in whole seconds, the kernel's unit. It depends on the moment at which a
   * backup takes over from a silent master. {@link LeasePolicy#Overlap}: the lease ends no earlier
   * than the latest such moment, for a backup of any priority. So clients whose server still
   * answers see no gap. {@link LeasePolicy#Exclusive}: it ends a second before the earliest such
   * moment, because the kernel may end a lease up to a second late.
   *
   * @param interval this router's own advertisement interval
   */
  public static long leaseSeconds(Version version, long interval, LeasePolicy policy) {
    if (policy == LeasePolicy.Exclusive) {
      return Math.max(1, 3 * interval / SECOND - 1);
    }
    long latestTakeover = activeDownInterval(version, 1, interval);
    long lateRenewal = Math.max(0, RENEWAL_MAX - interval);
    return Math.ceilDiv(latestTakeover + lateRenewal, SECOND);
  }

  /** Lease of a virtual router's addresses in whole seconds. */
  public static long leaseSeconds(VirtualRouterConfig config) {
    return leaseSeconds(config.version(), config.advertInterval(), config.leasePolicy());
  }

  /**
   * Whether a master that has been silent since it last renewed its leases is still master, because
   * no backup of any priority can have taken over yet.
   *
   * @param leftSeconds remaining lease, rounded up to whole seconds, at least 1
   */
  public static boolean isStillMaster(VirtualRouterConfig config, long leftSeconds) {
    long lease = leaseSeconds(config);
    long silenceMax = (lease - leftSeconds + 1) * SECOND;
    return silenceMax <= 3 * config.advertInterval();
  }

  /**
   * Whether a lease of this age has to be renewed with the present advert, or can wait for the next
   * one.
   *
   * @param age time since the last renewal
   * @param interval this router's own advertisement interval
   */
  public static boolean renewalDue(long age, long interval) {
    return age + interval > RENEWAL_MAX;
  }
}
