package dev.virtualip.agent.bfd;

import java.util.List;

/**
 * One end of a session: the state machine and timers of RFC 5880 6.8, always in the active role.
 * Immutable; {@link #step} is its only transition. Times are nanoseconds of the caller's clock.
 *
 * @param discriminator tells this session from all others of the node; not 0
 * @param timing what it is configured with
 * @param state its state
 * @param diagnostic why it was last left, as packets say it
 * @param remote the other end, as its last packet has it
 * @param offered intervals that packets offer now
 * @param before while these are polled: intervals that were agreed on before; else null
 * @param sendAt when the next packet is due, or {@link #NEVER}
 * @param detectAt when the other end counts as gone, or {@link #NEVER}
 */
public record Session(
    int discriminator,
    Timing timing,
    SessionState state,
    int diagnostic,
    Remote remote,
    Intervals offered,
    Intervals before,
    long sendAt,
    long detectAt) {

  /** A deadline that never comes. */
  public static final long NEVER = Long.MAX_VALUE;

  /** Shortest interval while a session is not up, nanoseconds (RFC 5880 6.8.3). */
  static final long SLOW = 1_000_000_000L;

  /** What happens to a session. */
  public sealed interface Event {
    /** A packet for it has come. */
    record Received(ControlPacket packet) implements Event {}

    /** Its deadline has passed. */
    record TimerExpired() implements Event {}

    /** It is configured anew. */
    record TimingChanged(Timing timing) implements Event {}

    /** It has to end, which is to be no failure. */
    record Disabled() implements Event {}
  }

  /**
   * What follows from an event.
   *
   * @param session the session after it
   * @param packets to be sent now
   */
  public record Step(Session session, List<ControlPacket> packets) {}

  /**
   * The other end.
   *
   * @param discriminator of its session, 0 while unknown
   * @param diagnostic why its session was last left
   * @param multiplier its detection multiplier
   * @param minTx shortest interval at which it would like to send
   * @param minRx shortest interval at which it can receive; 0 = it wants no packets
   * @param demand whether it wants no packets while both are up
   */
  public record Remote(
      int discriminator,
      SessionState state,
      int diagnostic,
      int multiplier,
      long minTx,
      long minRx,
      boolean demand) {
    private static final Remote UNKNOWN =
        new Remote(0, SessionState.Down, 0, 1, SLOW, ControlPacket.MICROSECOND, false);

    private static Remote of(ControlPacket packet) {
      return new Remote(
          packet.mine(),
          packet.state(),
          packet.diagnostic(),
          packet.multiplier(),
          packet.minTx(),
          packet.minRx(),
          packet.demand());
    }
  }

  /** Shortest intervals at which this end would like to send, and can receive. */
  public record Intervals(long minTx, long minRx) {
    private static Intervals of(SessionState state, Timing timing) {
      boolean slow = state != SessionState.Up;
      return new Intervals(
          slow ? Math.max(SLOW, timing.interval()) : timing.interval(), timing.interval());
    }
  }

  /** A session that sends its first packet at once. */
  public static Session create(int discriminator, Timing timing, long now) {
    return new Session(
        discriminator,
        timing,
        SessionState.Down,
        0,
        Remote.UNKNOWN,
        Intervals.of(SessionState.Down, timing),
        null,
        now,
        NEVER);
  }

  /** When {@link Event.TimerExpired} is due, or {@link #NEVER}. */
  public long deadline() {
    return Math.min(sendAt, detectAt);
  }

  /** Nanoseconds of silence after which the other end counts as gone (RFC 5880 6.8.4). */
  public long detection() {
    long minRx =
        isPolling() && state == SessionState.Up
            ? Math.max(before.minRx(), offered.minRx())
            : offered.minRx();
    return remote.multiplier() * Math.max(minRx, remote.minTx());
  }

  /**
   * The outcome of an event. Pure: the same arguments always have the same outcome.
   *
   * @param random at least 0 and below 1; shortens the time to the next packet, so that those of
   *     many sessions do not fall together
   */
  public Step step(Event event, long now, double random) {
    return switch (event) {
      case Event.Received received ->
          state == SessionState.AdminDown
              ? new Step(this, List.of())
              : received(received.packet(), now, random);
      case Event.TimerExpired _ -> timerExpired(now, random);
      case Event.TimingChanged changed -> timingChanged(changed.timing(), now, random);
      case Event.Disabled _ -> {
        var ended =
            entering(SessionState.AdminDown, ControlPacket.ADMINISTRATIVELY_DOWN)
                .scheduled(NEVER)
                .detecting(NEVER);
        yield new Step(ended, List.of(ended.packet(false, false)));
      }
    };
  }

  private Step received(ControlPacket packet, long now, double random) {
    var next = hearing(Remote.of(packet), packet.answer() ? null : before).follow(packet.state());
    next = next.negotiating();
    next = next.detecting(now + next.detection());
    boolean news = next.state != state || !next.offered.equals(offered);
    if (packet.poll()) {
      // Whatever the timer says (RFC 5880 6.8.7). It tells the news too.
      return new Step(next.hastened(interval(), now, random), List.of(next.reply()));
    }
    return news
        ? next.sending(now, random)
        : new Step(next.hastened(interval(), now, random), List.of());
  }

  /** Enters the state that follows from the other end's (RFC 5880 6.8.6). */
  private Session follow(SessionState theirs) {
    return switch (theirs) {
      case AdminDown ->
          state == SessionState.Down
              ? this
              : entering(SessionState.Down, ControlPacket.NEIGHBOUR_SAID_DOWN);
      case Down ->
          switch (state) {
            case Down -> entering(SessionState.Init, diagnostic);
            case Up -> entering(SessionState.Down, ControlPacket.NEIGHBOUR_SAID_DOWN);
            case Init, AdminDown -> this;
          };
      case Init ->
          state == SessionState.Down || state == SessionState.Init
              ? entering(SessionState.Up, 0)
              : this;
      case Up -> state == SessionState.Init ? entering(SessionState.Up, 0) : this;
    };
  }

  private Step timerExpired(long now, double random) {
    var next = detectAt <= now ? silent() : this;
    return next.sendAt <= now || next.state != state
        ? next.sending(now, random)
        : new Step(next, List.of());
  }

  /** The other end counts as gone; it may come back as another (RFC 5880 6.8.1, RemoteDiscr). */
  private Session silent() {
    boolean ends = state == SessionState.Init || state == SessionState.Up;
    var next = ends ? entering(SessionState.Down, ControlPacket.DETECTION_TIME_EXPIRED) : this;
    return next.hearing(Remote.UNKNOWN, next.before).detecting(NEVER);
  }

  private Step timingChanged(Timing changed, long now, double random) {
    if (changed.equals(timing)) {
      return new Step(this, List.of());
    }
    var next =
        new Session(
                discriminator,
                changed,
                state,
                diagnostic,
                remote,
                offered,
                before,
                sendAt,
                detectAt)
            .negotiating();
    return next.sending(now, random);
  }

  /**
   * Offers what is wanted now. There is one Poll Sequence at a time, so a change waits for the end
   * of the one before, unless that belongs to another state.
   */
  private Session negotiating() {
    var wanted = Intervals.of(state, timing);
    return wanted.equals(offered) || isPolling() ? this : offering(wanted);
  }

  private boolean isPolling() {
    return before != null;
  }

  /** Sends a packet, and the next one an interval later. */
  private Step sending(long now, double random) {
    long interval = interval();
    return interval == NEVER
        ? new Step(scheduled(NEVER), List.of())
        : new Step(scheduled(now + jittered(interval, random)), List.of(packet()));
  }

  /** Sends the next packet no later than an interval from now, where that has changed. */
  private Session hastened(long intervalBefore, long now, double random) {
    long interval = interval();
    if (interval == intervalBefore) {
      return this;
    }
    return scheduled(
        interval == NEVER ? NEVER : Math.min(sendAt, now + jittered(interval, random)));
  }

  /**
   * Between two packets, or {@link #NEVER} while none are wanted. A longer interval waits for the
   * end of its Poll Sequence while the session is up (RFC 5880 6.8.3, 6.8.7).
   */
  private long interval() {
    boolean up = state == SessionState.Up;
    boolean onDemand = remote.demand() && up && remote.state() == SessionState.Up;
    if (remote.minRx() == 0 || onDemand && !isPolling()) {
      return NEVER;
    }
    long minTx = isPolling() && up ? Math.min(before.minTx(), offered.minTx()) : offered.minTx();
    return Math.max(minTx, remote.minRx());
  }

  /** 75 to 100 % of an interval; up to 90 % if one lost packet ends the session. */
  private long jittered(long interval, double random) {
    double spread = timing.multiplier() == 1 ? 0.15 : 0.25;
    return (long) (interval * (0.75 + spread * random));
  }

  private ControlPacket packet() {
    return packet(isPolling(), false);
  }

  private ControlPacket reply() {
    return packet(false, true);
  }

  private ControlPacket packet(boolean poll, boolean answer) {
    return new ControlPacket(
        diagnostic,
        state,
        poll,
        answer,
        false,
        timing.multiplier(),
        discriminator,
        remote.discriminator(),
        offered.minTx(),
        offered.minRx());
  }

  private Session entering(SessionState next, int why) {
    var entered =
        new Session(discriminator, timing, next, why, remote, offered, before, sendAt, detectAt);
    var wanted = Intervals.of(next, timing);
    return wanted.equals(offered) ? entered : entered.offering(wanted);
  }

  private Session offering(Intervals wanted) {
    return new Session(
        discriminator, timing, state, diagnostic, remote, wanted, offered, sendAt, detectAt);
  }

  private Session hearing(Remote end, Intervals agreed) {
    return new Session(
        discriminator, timing, state, diagnostic, end, offered, agreed, sendAt, detectAt);
  }

  private Session scheduled(long at) {
    return new Session(
        discriminator, timing, state, diagnostic, remote, offered, before, at, detectAt);
  }

  private Session detecting(long at) {
    return new Session(
        discriminator, timing, state, diagnostic, remote, offered, before, sendAt, at);
  }
}
