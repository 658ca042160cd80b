package dev.virtualip.agent.vrrp;

import java.util.List;

/**
 * State of a virtual router (RFC 9568 6.4). The one deadline that VRRP ever has lives in it. Times
 * are the caller's nanoseconds.
 */
public sealed interface State {

  /**
   * Takes no part. With reasons it is keepalived's FAULT.
   *
   * @param reasons why, in the words of status and events; never empty
   */
  record Initialize(List<String> reasons) implements State {
    /** Copies the list. */
    public Initialize {
      reasons = List.copyOf(reasons);
    }
  }

  /**
   * Listens.
   *
   * @param activeDownAt when the master counts as gone (Active_Down_Timer)
   * @param masterInterval interval that the master advertised last (VRRPv3 learns it), else the own
   * @param preemptAt end of the preempt delay that a lower master's advert has started, or {@link
   *     #NEVER}
   * @param takeover what it will mean when the timer expires
   * @param wishing the timer has expired before, but the sync group was not ready
   */
  record Backup(
      long activeDownAt, long masterInterval, long preemptAt, Takeover takeover, boolean wishing)
      implements State {

    /** A backup outside of a sync group, or one whose timer has not expired yet. */
    public Backup(long activeDownAt, long masterInterval, long preemptAt, Takeover takeover) {
      this(activeDownAt, masterInterval, preemptAt, takeover, false);
    }

    /** The same with another deadline. */
    Backup until(long deadline) {
      return new Backup(deadline, masterInterval, preemptAt, takeover, wishing);
    }

    /** The same with another meaning of the timer. */
    Backup meaning(Takeover next) {
      return new Backup(activeDownAt, masterInterval, preemptAt, next, wishing);
    }
  }

  /**
   * Holds the addresses.
   *
   * @param advertAt when the next advert is due (Adver_Timer)
   */
  record Active(long advertAt) implements State {}

  /** No time at all. */
  long NEVER = Long.MAX_VALUE;

  /** Why a backup becomes master. */
  enum Takeover {
    /** The master fell silent. */
    MasterDown,
    /** The master gave up by a priority 0 advert. */
    MasterResigned,
    /** The master has a lower priority. */
    Preempted,
    /** It has been told so, and gets the time to let go. */
    Claimed
  }
}
