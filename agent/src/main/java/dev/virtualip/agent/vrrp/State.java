package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.util.List;

/**
 * State of a virtual router (RFC 9568 6.4). All timers are deadlines within the state, so that none
 * outlives its state. Times are nanoseconds of the caller's clock.
 */
public sealed interface State {

  /**
   * Takes no part; if a reason is a fault, it is keepalived's FAULT.
   *
   * @param reasons why; never empty
   * @param releaseAt what it held as master, itself or in an earlier life, serves on until a
   *     successor is heard, and until then at the latest; {@link #NEVER} if it holds nothing
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

    @Override
    public boolean servesOn() {
      return releaseAt != NEVER;
    }
  }

  /**
   * Listens.
   *
   * @param activeDownAt when the master counts as gone (Active_Down_Timer)
   * @param masterInterval interval that the master advertised last (VRRPv3 learns it), else its own
   * @param preemptAt end of the preempt delay that a lower master's advert has started, or {@link
   *     #NEVER}
   * @param takeover why it becomes master when the timer expires
   * @param wishing whether the timer has expired while the sync group was not ready
   * @param releaseAt when a former master that serves on for its successor removes the addresses at
   *     the latest; {@link #NEVER} if it does not hold them
   * @param yieldedAt when it let go as master without ending; 0 if it never did
   * @param master source of the advert heard last; null if none was, and in old recordings
   * @param masterPriority priority of the advert heard last that did not resign; 0 if none was, and
   *     in old recordings
   */
  record Backup(
      long activeDownAt,
      long masterInterval,
      long preemptAt,
      Takeover takeover,
      boolean wishing,
      long releaseAt,
      long yieldedAt,
      InetAddress master,
      int masterPriority)
      implements State {

    /** Old recordings have no releaseAt, which is read as 0 and means never, and no yieldedAt. */
    public Backup {
      releaseAt = releaseAt == 0 ? NEVER : releaseAt;
    }

    /** The master whose adverts it waits for; null if it heard none, or follows it already. */
    public InetAddress awaited() {
      return takeover == Takeover.MasterDown && !wishing ? master : null;
    }

    /** The same state with another Active_Down_Timer. */
    Backup until(long deadline) {
      return new Backup(
          deadline,
          masterInterval,
          preemptAt,
          takeover,
          wishing,
          releaseAt,
          yieldedAt,
          master,
          masterPriority);
    }

    /** The same state with another cause of a takeover. */
    Backup meaning(Takeover next) {
      return new Backup(
          activeDownAt,
          masterInterval,
          preemptAt,
          next,
          wishing,
          releaseAt,
          yieldedAt,
          master,
          masterPriority);
    }

    /** The same state with another end of the preempt delay. */
    Backup preemptingAt(long at) {
      return new Backup(
          activeDownAt,
          masterInterval,
          at,
          takeover,
          wishing,
          releaseAt,
          yieldedAt,
          master,
          masterPriority);
    }

    /** The same state serving on until a time; {@link #NEVER} for no longer. */
    Backup releasing(long at) {
      return new Backup(
          activeDownAt,
          masterInterval,
          preemptAt,
          takeover,
          wishing,
          at,
          yieldedAt,
          master,
          masterPriority);
    }

    /** The same state after an advert from this address; one of priority 0 resigns. */
    Backup hearing(InetAddress address, int priority) {
      return new Backup(
          activeDownAt,
          masterInterval,
          preemptAt,
          takeover,
          wishing,
          releaseAt,
          yieldedAt,
          address,
          priority == 0 ? masterPriority : priority);
    }

    /** The same state with an expired timer, while the sync group is not ready. */
    Backup wishing(long deadline) {
      return new Backup(
          deadline,
          masterInterval,
          preemptAt,
          takeover,
          true,
          releaseAt,
          yieldedAt,
          master,
          masterPriority);
    }

    @Override
    public boolean servesOn() {
      return releaseAt != NEVER;
    }
  }

  /**
   * Holds the addresses.
   *
   * @param advertAt when the next advert is due (Adver_Timer)
   * @param announceAt when the addresses are announced again, or {@link #NEVER}
   * @param burst whether that announcement is the second burst; else it is a single one
   * @param answersFrom from when on a lower master's advert is answered by announcements at once;
   *     one that comes earlier is answered then
   * @param tiedAt when a master of the same priority and a greater address was heard first on a
   *     further path; 0 if none was
   */
  record Active(long advertAt, long announceAt, boolean burst, long answersFrom, long tiedAt)
      implements State {
    /** Old recordings have no announceAt, which is read as 0 and means never. */
    public Active {
      announceAt = announceAt == 0 ? NEVER : announceAt;
    }

    /** A master with no further announcement due. */
    public Active(long advertAt) {
      this(advertAt, NEVER, false, 0, 0);
    }

    /** The same state with another time of the next advert. */
    Active advertising(long at) {
      return new Active(at, announceAt, burst, answersFrom, tiedAt);
    }

    /** The same state with an announcement by this time at the latest. */
    Active announcingBy(long at) {
      return announceAt <= at ? this : new Active(advertAt, at, false, answersFrom, tiedAt);
    }

    /** The same state after announcements that answered a lower master. */
    Active answeringFrom(long at) {
      return new Active(advertAt, announceAt, burst, at, tiedAt);
    }

    /** The same state with another beginning of a tie. */
    Active tiedAt(long at) {
      return new Active(advertAt, announceAt, burst, answersFrom, at);
    }
  }

  /** Whether it is not master and holds the addresses still, until its successor is heard. */
  default boolean servesOn() {
    return false;
  }

  /** A deadline that never comes. */
  long NEVER = Long.MAX_VALUE;

  /** Why a backup becomes master. */
  enum Takeover {
    /** No master was heard for the down interval: it fell silent, or there was none yet. */
    MasterDown(Reason.Kind.MasterDown),
    /** The master fell silent, also in another virtual router. */
    MasterSilent(Reason.Kind.MasterDown),
    /** The master resigned by an advert with priority 0. */
    MasterResigned(Reason.Kind.MasterResigned),
    /** The master has said a second time that it resigns, as keepalived does at a fault. */
    ResignedAgain(Reason.Kind.MasterResigned),
    /** The master has resigned, and the whole skew is waited for: it hands over, for example. */
    MasterLeaves(Reason.Kind.MasterResigned),
    /** The master was lost by BFD. */
    NeighbourDown(Reason.Kind.NeighbourDown),
    /** The master has a lower priority. */
    Preempted(Reason.Kind.Preempted),
    /**
     * The master has a lower priority; an advert has told it to let go, and it gets the time to do
     * so.
     */
    Claimed(Reason.Kind.Preempted);

    private final Reason.Kind cause;

    Takeover(Reason.Kind cause) {
      this.cause = cause;
    }

    /** Whether the best backup follows within milliseconds, for the master is known to be gone. */
    boolean follows() {
      return this == NeighbourDown || this == MasterSilent || resigned() && this != MasterLeaves;
    }

    /** Whether the master has said that it resigns. */
    boolean resigned() {
      return this == MasterResigned || this == ResignedAgain || this == MasterLeaves;
    }

    /** The cause of the change to Active. */
    Reason cause() {
      return Reason.of(cause);
    }
  }
}
