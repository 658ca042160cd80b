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
   * @param reasons why; never empty
   * @param releaseAt an earlier life was master a moment ago, and what it has left serves on until a
   *     master is heard, and until then at the latest; {@link #NEVER} if nothing is left
   */
  record Initialize(List<Reason> reasons, long releaseAt) implements State {
    /** Copies the list. Recordings from before anything was left have 0 for the time. */
    public Initialize {
      reasons = List.copyOf(reasons);
      releaseAt = releaseAt == 0 ? NEVER : releaseAt;
    }

    /** A router that has left nothing. */
    public Initialize(List<Reason> reasons) {
      this(reasons, NEVER);
    }

    /** Whether something that an earlier life has left serves on. */
    public boolean servesOn() {
      return releaseAt != NEVER;
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
   * @param releaseAt a master that has handed over in good health serves on until its successor is
   *     heard, and until then at the latest; {@link #NEVER} if it does not hold the addresses
   */
  record Backup(
      long activeDownAt,
      long masterInterval,
      long preemptAt,
      Takeover takeover,
      boolean wishing,
      long releaseAt)
      implements State {

    /** Recordings from before there was a release have 0 for it. */
    public Backup {
      releaseAt = releaseAt == 0 ? NEVER : releaseAt;
    }

    /** A backup that does not hold the addresses. */
    public Backup(
        long activeDownAt,
        long masterInterval,
        long preemptAt,
        Takeover takeover,
        boolean wishing) {
      this(activeDownAt, masterInterval, preemptAt, takeover, wishing, NEVER);
    }

    /** A backup outside of a sync group, or one whose timer has not expired yet. */
    public Backup(long activeDownAt, long masterInterval, long preemptAt, Takeover takeover) {
      this(activeDownAt, masterInterval, preemptAt, takeover, false);
    }

    /** The same with another deadline. */
    Backup until(long deadline) {
      return new Backup(deadline, masterInterval, preemptAt, takeover, wishing, releaseAt);
    }

    /** The same with another meaning of the timer. */
    Backup meaning(Takeover next) {
      return new Backup(activeDownAt, masterInterval, preemptAt, next, wishing, releaseAt);
    }

    /** The same with another end of the preempt delay. */
    Backup preemptingAt(long at) {
      return new Backup(activeDownAt, masterInterval, at, takeover, wishing, releaseAt);
    }

    /** The same, serving on until a time, or not any more. */
    Backup releasing(long at) {
      return new Backup(activeDownAt, masterInterval, preemptAt, takeover, wishing, at);
    }

    /** Whether it holds the addresses still, for its successor. */
    public boolean servesOn() {
      return releaseAt != NEVER;
    }
  }

  /**
   * Holds the addresses.
   *
   * @param advertAt when the next advert is due (Adver_Timer)
   * @param announceAt when the addresses are announced again, or {@link #NEVER}
   * @param burst whether that is the second burst, or a single announcement
   */
  record Active(long advertAt, long announceAt, boolean burst) implements State {
    /** Recordings from before announcements were timed here have 0 for them. */
    public Active {
      announceAt = announceAt == 0 ? NEVER : announceAt;
    }

    /** A master that announces nothing more. */
    public Active(long advertAt) {
      this(advertAt, NEVER, false);
    }

    /** The same with another time of the next advert. */
    Active advertising(long at) {
      return new Active(at, announceAt, burst);
    }
  }

  /** No time at all. */
  long NEVER = Long.MAX_VALUE;

  /** Why a backup becomes master. */
  enum Takeover {
    /** The master fell silent. */
    MasterDown(Reason.Kind.MasterDown),
    /** The master gave up by a priority 0 advert. */
    MasterResigned(Reason.Kind.MasterResigned),
    /** The master has a lower priority. */
    Preempted(Reason.Kind.Preempted),
    /** It has been told so, and gets the time to let go. */
    Claimed(Reason.Kind.Preempted);

    private final Reason.Kind cause;

    Takeover(Reason.Kind cause) {
      this.cause = cause;
    }

    /** The cause of the change of state that it will be. */
    Reason cause() {
      return Reason.of(cause);
    }
  }
}
