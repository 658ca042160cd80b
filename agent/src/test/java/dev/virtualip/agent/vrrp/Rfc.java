package dev.virtualip.agent.vrrp;

/** The RFCs' times, worked out anew so that tests do not take the core's word for them. */
final class Rfc {
  private Rfc() {}

  /** Of several backups the best goes first, 0.1 ms for each step of priority, and 2 ms. */
  static long successionTime(Version version, int priority, int steps, long interval) {
    return Math.min(skewTime(version, priority, interval), 2_000_000 + steps * 100_000L);
  }

  /** RFC 3768 6.1: ((256 - Priority) / 256) seconds; RFC 9568 6.1: of the Active's interval. */
  static long skewTime(Version version, int priority, long interval) {
    double unit = version == Version.V2 ? 1e9 : interval;
    return (long) ((256 - priority) / 256.0 * unit);
  }

  static long activeDownInterval(Version version, int priority, long interval) {
    return 3 * interval + skewTime(version, priority, interval);
  }
}
