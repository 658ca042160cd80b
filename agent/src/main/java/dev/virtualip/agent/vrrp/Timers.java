package dev.virtualip.agent.vrrp;

/** Skew_Time, Active_Down_Interval and the lease that fits them. All times in nanoseconds. */
public final class Timers {
  private static final long SECOND = 1_000_000_000L;

  /**
   * Longest time between two renewals of a lease, so that 10 ms adverts don't cost 100 a second.
   */
  private static final long RENEWAL_MAX = SECOND / 4;

  private Timers() {}

  /**
   * Skew_Time: the lower the priority, the longer. VRRPv2: (256 - priority) / 256 s, whatever the
   * interval (RFC 3768 6.1); VRRPv3: (256 - priority) * interval / 256 (RFC 9568 6.1).
   *
   * @param priority 1 to 255
   * @param interval the master's advertisement interval
   */
  public static long skewTime(Version version, int priority, long interval) {
    return (256 - priority) * (version == Version.V2 ? SECOND : interval) / 256;
  }

  /** Active_Down_Interval: silence that means that the master is gone (RFC 9568 6.1). */
  public static long activeDownInterval(Version version, int priority, long interval) {
    return 3 * interval + skewTime(version, priority, interval);
  }

  /**
   * Lease of an address in whole seconds, the kernel's unit: it ends no earlier than the latest
   * moment at which a backup of any priority takes over from a master that fell silent, so that
   * clients whose server still answers see no gap.
   *
   * @param interval the own advertisement interval
   */
  public static long leaseSeconds(Version version, long interval) {
    long latestTakeover = activeDownInterval(version, 1, interval);
    long lateRenewal = Math.max(0, RENEWAL_MAX - interval);
    return Math.ceilDiv(latestTakeover + lateRenewal, SECOND);
  }

  /** Whether a lease renewed at this age has to be renewed now, at an advert, or can wait. */
  public static boolean renewalDue(long age, long interval) {
    return age + interval > RENEWAL_MAX;
  }
}
