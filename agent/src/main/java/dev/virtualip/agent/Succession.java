package dev.virtualip.agent;

import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.crds.VirtualIpStatus.HandOver;
import java.util.Objects;

/**
 * The planned end of one virtual router's mastership: what this node is asked to do, and how long
 * it serves on for a successor. Times are the event loop's nanoseconds.
 */
final class Succession {
  /** Shortest time for which a master that hands over waits to hear of its successor. */
  private static final long MIN = 250_000_000L;

  private HandOver asked;
  private long releaseAt = State.NEVER;

  /**
   * Takes in what this node is asked to do.
   *
   * @param request null if it is not asked any more
   * @return whether that is a new request; asked again at another time it is one
   */
  boolean ask(HandOver request) {
    boolean anew =
        request != null && (asked == null || !Objects.equals(asked.since(), request.since()));
    asked = request;
    return anew;
  }

  /** Whether this node is asked to let others go first. */
  boolean isAsked() {
    return asked != null;
  }

  /** What the request leaves of a priority. */
  int limit(int priority) {
    return asked == null ? priority : asked.limit(priority);
  }

  /** Whether two nodes may have the addresses for a moment, so that somebody answers always. */
  static boolean overlaps(InstanceConfig config) {
    return config.router().leasePolicy() == LeasePolicy.Overlap;
  }

  /**
   * A master that hands over in good health serves on until its successor says that it is there:
   * the peers wait for their skew time, and in between somebody should answer. Nobody who comes
   * later than that is waited for.
   */
  void begin(InstanceConfig config, long now) {
    var router = config.router();
    long skew = Timers.skewTime(router.version(), 1, router.advertInterval());
    releaseAt = now + Math.max(skew, MIN);
  }

  /** Whether it serves on though it is not master any more. */
  boolean lasts() {
    return releaseAt != State.NEVER;
  }

  /** When the addresses have to be released at the latest. */
  long deadline() {
    return releaseAt;
  }

  /** The addresses are released, or this node is master again. */
  void end() {
    releaseAt = State.NEVER;
  }
}
