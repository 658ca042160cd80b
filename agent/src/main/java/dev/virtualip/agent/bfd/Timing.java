package dev.virtualip.agent.bfd;

/**
 * What one end of a session is configured with.
 *
 * @param interval nanoseconds between two packets, in both directions; the greater one of both ends
 *     applies
 * @param multiplier packets in a row, 1 to 255, whose loss ends the session at the other end
 */
public record Timing(long interval, int multiplier) {
  /**
   * Checks ranges.
   *
   * @throws IllegalArgumentException if a value is out of range
   */
  public Timing {
    if (interval < ControlPacket.MICROSECOND || multiplier < 1 || multiplier > 255) {
      throw new IllegalArgumentException(
          "interval=%d multiplier=%d".formatted(interval, multiplier));
    }
  }

  /** Nanoseconds of silence after which the other end counts this one as gone. */
  public long detection() {
    return multiplier * interval;
  }
}
