package dev.virtualip.agent.vrrp;

import static dev.virtualip.agent.vrrp.State.NEVER;

import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BalanceServers;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.RestoreAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.ConfigChanged;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.HoldingsLost;
import dev.virtualip.agent.vrrp.Event.LetGo;
import dev.virtualip.agent.vrrp.Event.MasterSilent;
import dev.virtualip.agent.vrrp.Event.NeighbourDown;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.Quit;
import dev.virtualip.agent.vrrp.Event.Reannounce;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.ServersChanged;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TakeOver;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.Event.Wish;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.State.Takeover;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A virtual router on one node: the state machine of RFC 9568 6.4 (RFC 3768 for VRRPv2). It behaves
 * like keepalived where the RFC leaves a choice. Immutable; {@link #step} is its only transition.
 *
 * @param config the user's configuration
 * @param priority priority in force, 1 to 255
 * @param source source address of adverts, or null while there is none
 * @param state state with its timers
 */
public record VirtualRouter(
    VirtualRouterConfig config, int priority, InetAddress source, State state) {

  /** How long a lower master gets to let go, in nanoseconds: some hundred times what it needs. */
  private static final long CLAIM = 100_000_000L;

  /**
   * Shortest time for which a master that hands over serves on for its successor, in nanoseconds.
   */
  private static final long SUCCESSION_MIN = 250_000_000L;

  /**
   * Longest time for which a master that quits serves on for its successor, in nanoseconds: its
   * process has to end within a second, as keepalived's does.
   */
  private static final long QUIT_MAX = 400_000_000L;

  /**
   * Shortest time between two announcements that answer a lower master, in nanoseconds (keepalived:
   * {@code garp_lower_prio_delay}, 5 s). Anybody on the LAN can forge such a master's adverts.
   */
  static final long ANSWER_GAP = 5_000_000_000L;

  /**
   * Intervals for which a tie on a further path has to last before it counts, times the path's
   * number: whoever is heard on an earlier path, too, has yielded by then, or has made this router
   * yield.
   */
  private static final int TIE_COUNTS = 2;

  /** Intervals after those, after which a tie on a further path is another one. */
  private static final int TIE_IS_PAST = 6;

  /** The part of an advert period in which an advert of another path counts as answered. */
  private static final int ANSWERED_PART = 10;

  /**
   * Checks the priority.
   *
   * @throws IllegalArgumentException if it is not within 1 to 255
   */
  public VirtualRouter {
    if (priority < 1 || priority > 255) {
      throw new IllegalArgumentException("priority " + priority + " is not within 1 to 255");
    }
  }

  /** A virtual router that waits for its first {@link FaultsChanged}. */
  public static VirtualRouter create(VirtualRouterConfig config, int priority) {
    return new VirtualRouter(
        config, priority, null, new Initialize(List.of(Reason.of(Kind.Starting))));
  }

  /**
   * This router, before its first {@link FaultsChanged}, where an earlier life has left what it
   * held as master: it serves on until its lease ends or a master is heard.
   *
   * @param leaseEnd when the lease of the addresses ends
   */
  public VirtualRouter leaving(long leaseEnd) {
    return with(new Initialize(((Initialize) state).reasons(), leaseEnd));
  }

  /** Whether what an earlier life has left may serve on: a peer may not count on its end. */
  public boolean mayLeave() {
    return !exclusive();
  }

  /**
   * A virtual router that goes on as master unless its first {@link FaultsChanged} says otherwise:
   * its earlier life was master a moment ago, and nobody can have taken over yet.
   */
  public static VirtualRouter resume(VirtualRouterConfig config, int priority) {
    return new VirtualRouter(
        config, priority, null, new Initialize(List.of(Reason.of(Kind.Resuming))));
  }

  /** When {@link TimerExpired} is due, or {@link State#NEVER}. */
  public long deadline() {
    return switch (state) {
      case Initialize initialize -> initialize.releaseAt();
      case Backup backup -> Math.min(backup.activeDownAt(), backup.releaseAt());
      case Active active -> Math.min(active.advertAt(), active.announceAt());
    };
  }

  /**
   * When {@link TimerExpired} may come for the next advert, a little before that is due, or {@link
   * State#NEVER}. The ones after it keep their times.
   */
  public long mayAdvertiseAt() {
    return state instanceof Active active ? active.advertAt() - config.advertSlack() : State.NEVER;
  }

  /**
   * The outcome of an event. Pure: the same arguments always have the same outcome.
   *
   * @param now time of the event, in nanoseconds of the caller's monotonic clock
   */
  public Step step(Event event, long now) {
    return switch (event) {
      case FaultsChanged faults -> faultsChanged(faults.reasons(), now);
      case PriorityChanged changed -> priorityChanged(changed.priority(), now);
      case SourceChanged changed ->
          none(new VirtualRouter(config, priority, changed.source(), state));
      case ConfigChanged changed -> configChanged(changed.config(), now);
      case Shutdown shutdown -> shutdown(shutdown.reason());
      case Quit quit -> quit(quit.reason(), now);
      case Resign resign -> resign(resign.cause(), now);
      case HoldingsLost _ -> holdingsLost(now);
      case ServersChanged _ ->
          state instanceof Active ? step(state, new BalanceServers()) : none(this);
      case Wish _ -> wish(now);
      case TakeOver _ -> takeOver(now);
      case LetGo letGo -> letGo(new Reason(Kind.SyncGroup, letGo.member()), now);
      case Reannounce _ ->
          state instanceof Active active ? answerLower(active, now, List.of()) : none(this);
      case NeighbourDown neighbour -> neighbourDown(neighbour.address(), now);
      case MasterSilent silent -> masterSilent(silent.address(), now);
      case AdvertisementReceived advert ->
          switch (state) {
            case Initialize initialize -> advert.priority() > 0 ? release(initialize) : none(this);
            case Backup backup -> heard(advert, receivedInBackup(backup, advert, now));
            case Active active -> receivedInActive(active, advert, now);
          };
      case TimerExpired _ ->
          switch (state) {
            case Initialize initialize ->
                initialize.releaseAt() <= now ? release(initialize) : none(this);
            case Backup backup -> backupTimerExpired(backup, now);
            case Active active -> activeTimerExpired(active, now);
          };
    };
  }

  private Step faultsChanged(List<Reason> reasons, long now) {
    if (!reasons.isEmpty()) {
      return leave(reasons);
    }
    if (!(state instanceof Initialize before)) {
      return none(this);
    }
    if (before.reasons().contains(Reason.of(Kind.Resuming))) {
      return becomeActive(Reason.of(Kind.Resumed), now);
    }
    if (priority == VirtualRouterConfig.OWNER && config.startAsMaster()) {
      return becomeActive(Reason.of(Kind.AddressOwner), now);
    }
    boolean starting = before.reasons().contains(Reason.of(Kind.Starting));
    var cause = Reason.of(starting ? Kind.Started : Kind.Recovered);
    var backup = listen(config.advertInterval(), now);
    if (before.servesOn()) {
      backup = backup.releasing(before.releaseAt());
      return step(backup, new StateChanged(backup, cause));
    }
    // Left-overs of an earlier life would answer beside the present master.
    return step(backup, new UnbindAddresses(), new StateChanged(backup, cause));
  }

  /** A master is there, or what an earlier life has left has had its time. */
  private Step release(Initialize initialize) {
    return initialize.servesOn()
        ? step(new Initialize(initialize.reasons()), new UnbindAddresses())
        : none(this);
  }

  private Step shutdown(Reason reason) {
    if (state instanceof Initialize initialize && initialize.servesOn()) {
      var stopped = new Initialize(List.of(reason));
      return step(stopped, new UnbindAddresses(), new StateChanged(stopped, reason));
    }
    return leave(List.of(reason));
  }

  /** A shutdown after which a master serves on, unless the lease policy is Exclusive. */
  private Step quit(Reason reason, long now) {
    if (exclusive() || !(state instanceof Active || state.servesOn())) {
      return shutdown(reason);
    }
    var quitting = new Initialize(List.of(reason), now + QUIT_MAX);
    var changed = new StateChanged(quitting, reason);
    return state instanceof Active
        ? step(quitting, new SendAdvertisement(0), changed)
        : step(quitting, changed);
  }

  /** Stops taking part; a master says so with priority 0 (RFC 9568 6.4.3, Shutdown). */
  private Step leave(List<Reason> reasons) {
    var stopped =
        new Initialize(reasons, state instanceof Initialize i ? i.releaseAt() : State.NEVER);
    if (stopped.equals(state)) {
      return none(this);
    }
    var changed = new StateChanged(stopped, reasons);
    if (!(state instanceof Active)) {
      return state instanceof Backup backup && backup.servesOn()
          ? step(stopped, new UnbindAddresses(), changed)
          : step(stopped, changed);
    }
    return exclusive()
        ? step(stopped, new UnbindAddresses(), new SendAdvertisement(0), changed)
        : step(stopped, new SendAdvertisement(0), new UnbindAddresses(), changed);
  }

  private Step priorityChanged(int newPriority, long now) {
    var changed = new VirtualRouter(config, newPriority, source, state).rearmed(this, now);
    boolean lastResort = config.keepMaster() && newPriority == VirtualRouterConfig.LAST_RESORT;
    // Clients are not served meanwhile, so a backup that can take over must not wait for the next
    // regular advert.
    return lastResort && state instanceof Active
        ? new Step(changed, List.of(new SendAdvertisement(newPriority)))
        : none(changed);
  }

  private Step configChanged(VirtualRouterConfig newConfig, long now) {
    var changed = new VirtualRouter(newConfig, priority, source, state).rearmed(this, now);
    if (!(state instanceof Active)) {
      return none(changed.withPreemptionOf(config, now));
    }
    // At once, so that backups learn a longer interval before they miss an advert.
    return new Step(
        changed.with(changed.announced(now + newConfig.advertPeriod(), now)),
        List.of(new BindAddresses(), new SendAdvertisement(priority), new AnnounceAddresses()));
  }

  private Step holdingsLost(long now) {
    // With an advert: backups must not count from an earlier moment than that of the leases.
    return state instanceof Active active
        ? step(
            announced(active.advertAt(), now),
            new RestoreAddresses(),
            new SendAdvertisement(priority),
            new AnnounceAddresses())
        : none(this);
  }

  /** Active, with the announcements that follow a burst scheduled again. */
  private Active announced(long advertAt, long now) {
    boolean burst = config.announceDelay() > 0;
    long delay = burst ? config.announceDelay() : config.announceRefresh();
    boolean going = state instanceof Active;
    long answersFrom = going ? ((Active) state).answersFrom() : 0;
    long tiedAt = going ? ((Active) state).tiedAt() : 0;
    return new Active(advertAt, delay > 0 ? now + delay : NEVER, burst, answersFrom, tiedAt);
  }

  /**
   * Moves a running Active_Down_Timer by the change of the down interval, or of the skew, as
   * keepalived does. So who is asked to stand back while its master hands over does. A wait of
   * milliseconds goes on as it is.
   */
  private VirtualRouter rearmed(VirtualRouter before, long now) {
    if (!(state instanceof Backup backup)) {
      return this;
    }
    // A backup that has learned no other interval uses its own.
    boolean own = backup.masterInterval() == before.config.advertInterval();
    long interval = own ? config.advertInterval() : bounded(backup.masterInterval());
    long shift =
        backup.takeover() == Takeover.MasterLeaves
            ? skewTime(interval) - before.skewTime(backup.masterInterval())
            : activeDownInterval(interval) - before.activeDownInterval(backup.masterInterval());
    // An expired timer is not moved: its lateness tells whether the node slept.
    boolean running = backup.activeDownAt() > now && !backup.takeover().follows();
    long at = running ? Math.max(now, backup.activeDownAt() + shift) : backup.activeDownAt();
    return with(
        new Backup(
            at,
            interval,
            backup.preemptAt(),
            backup.takeover(),
            backup.wishing(),
            backup.releaseAt(),
            backup.yieldedAt(),
            backup.master(),
            backup.masterPriority()));
  }

  /** Applies an edit of Preempt_Mode or of the preempt delay to a preemption that has begun. */
  private VirtualRouter withPreemptionOf(VirtualRouterConfig before, long now) {
    if (!(state instanceof Backup backup)) {
      return this;
    }
    boolean preempts =
        backup.takeover() == Takeover.Preempted || backup.takeover() == Takeover.Claimed;
    if (before.preempt() && !mayPreempt() && preempts && backup.activeDownAt() > now) {
      // The lower master is alive, and keeps its place from now on.
      return with(listenOn(backup, backup.masterInterval(), now).releasing(backup.releaseAt()));
    }
    return backup.preemptAt() == NEVER || config.preemptDelay() == before.preemptDelay()
        ? this
        : with(
            backup.preemptingAt(
                backup.preemptAt() - before.preemptDelay() + config.preemptDelay()));
  }

  /** The address owner preempts whatever Preempt_Mode is (RFC 9568 6.1). */
  private boolean mayPreempt() {
    return config.preempt() || priority == VirtualRouterConfig.OWNER;
  }

  /** The same step, after which a backup knows whose advert it has heard last. */
  private static Step heard(AdvertisementReceived advert, Step step) {
    return step.router().state() instanceof Backup backup
        ? new Step(
            step.router().with(backup.hearing(advert.source(), advert.priority())), step.effects())
        : step;
  }

  private Step receivedInBackup(Backup backup, AdvertisementReceived advert, long now) {
    if (!backup.servesOn() || advert.priority() == 0) {
      return listening(backup, advert, now);
    }
    // The successor has been heard.
    var next = listening(backup.releasing(NEVER), advert, now);
    return new Step(next.router(), List.of(new UnbindAddresses()));
  }

  /** A backup's timer after an advert; there are no effects. */
  private Step listening(Backup backup, AdvertisementReceived advert, long now) {
    boolean lastResort = isLastResort(advert);
    if (lastResort && backup.takeover().resigned()) {
      // Each further advert of this master would restart the skew time that the first one has
      // begun.
      return none(with(backup));
    }
    if (advert.priority() == 0 || lastResort) {
      return none(with(resigned(backup, now)));
    }
    // A router that has claimed counts as master already. So the lower master's last advert, or a
    // simultaneous claim of a worse router, changes nothing. Nor does a tie on a further path: the
    // first one may decide it the other way, and both would give up.
    boolean tiesElsewhere = advert.path() != null && advert.priority() == priority;
    if (backup.takeover() == Takeover.Claimed && (order(advert) <= 0 || tiesElsewhere)) {
      return none(with(backup));
    }
    if (advert.priority() >= priority || !mayPreempt()) {
      return none(with(listenOn(backup, learned(advert), now)));
    }
    if (config.preemptDelay() > 0 && now < preemptAt(backup, now)) {
      return none(
          with(
              listenOn(backup, learned(advert), now)
                  .preemptingAt(preemptAt(backup, now))
                  .meaning(Takeover.Preempted)));
    }
    return none(with(backup.meaning(Takeover.Preempted)));
  }

  /**
   * A backup that has heard priority 0. Said a second time it changes nothing, as a keepalived at
   * fault does so. Said a third time it is no hurry: its master serves on, or somebody forges it.
   */
  private Backup resigned(Backup backup, long now) {
    return switch (backup.takeover()) {
      case MasterResigned -> backup.meaning(Takeover.ResignedAgain);
      case ResignedAgain, MasterLeaves -> leaving(backup, now);
      default ->
          waitsForSkew(backup, now)
              ? leaving(backup, now)
              : backup.until(now + succession(backup, now)).meaning(Takeover.MasterResigned);
    };
  }

  private Backup leaving(Backup backup, long now) {
    return backup.until(now + skewTime(backup.masterInterval())).meaning(Takeover.MasterLeaves);
  }

  /**
   * The master is gone before its adverts are missed, so the best backup takes over as after a
   * resignation. With exclusive leases nothing changes: the lost master's leases have to end first.
   */
  private Step neighbourDown(InetAddress address, long now) {
    if (!(state instanceof Backup backup) || !address.equals(backup.master()) || exclusive()) {
      return none(this);
    }
    long at = now + succession(backup, now);
    return at < backup.activeDownAt()
        ? none(with(backup.until(at).meaning(Takeover.NeighbourDown)))
        : none(this);
  }

  /**
   * Another virtual router has missed the same master for its whole down interval. So it is gone,
   * and after three adverts that were missed here too only the best backup is still waited for:
   * many virtual routers follow together, whatever the phases of their adverts. With exclusive
   * leases nothing changes, as for {@link #neighbourDown}.
   */
  private Step masterSilent(InetAddress address, long now) {
    if (!(state instanceof Backup backup) || !address.equals(backup.awaited()) || exclusive()) {
      return none(this);
    }
    long interval = backup.masterInterval();
    long at = backup.activeDownAt() - skewTime(interval) + succession(backup, now);
    return none(with(backup.until(Math.max(at, now)).meaning(Takeover.MasterSilent)));
  }

  /**
   * Whether an advert is from a master whose checks fail while ours are good. That master counts as
   * resigned: preempt delay and nopreempt are not meant to keep it.
   */
  private boolean isLastResort(AdvertisementReceived advert) {
    return config.keepMaster()
        && advert.priority() == VirtualRouterConfig.LAST_RESORT
        && priority > VirtualRouterConfig.LAST_RESORT;
  }

  private long preemptAt(Backup backup, long now) {
    return backup.preemptAt() == NEVER ? now + config.preemptDelay() : backup.preemptAt();
  }

  /**
   * Compares the sender of an advert with this router: above 0 if the sender is better, below 0 if
   * it is worse, 0 if it is this router itself. Of equal priorities the greater primary address
   * wins, compared as unsigned bytes in network order (RFC 9568 6.4.3). Only addresses of one path
   * are compared.
   */
  private int order(AdvertisementReceived advert) {
    int byPriority = Integer.compare(advert.priority(), priority);
    var path = advert.path();
    if (path != null && byPriority == 0) {
      return path.own() == null
          ? 0
          : Arrays.compareUnsigned(path.sender().getAddress(), path.own().getAddress());
    }
    return byPriority != 0 || source == null
        ? byPriority
        : Arrays.compareUnsigned(advert.source().getAddress(), source.getAddress());
  }

  private Step receivedInActive(Active active, AdvertisementReceived advert, long now) {
    int order = order(advert);
    if (order == 0) {
      return none(this);
    }
    if (advert.path() != null) {
      if (order < 0 && hasJustAdvertised(active, now)) {
        return none(this);
      }
      boolean ties = order > 0 && advert.priority() == priority;
      if (ties && !tieCounts(active, advert.path().number(), now)) {
        return none(with(tied(active, advert.path().number(), now)));
      }
    }
    if (order > 0) {
      var backup = yielding(learned(advert), now).hearing(advert.source(), advert.priority());
      var cause = new Reason(Kind.HigherPriority, advert.source().getHostAddress());
      // After a network split the winner may not know of this router. One last advert tells it to
      // announce the addresses again (keepalived: higher_prio_send_advert).
      return step(
          backup,
          new UnbindAddresses(),
          new SendAdvertisement(priority),
          new StateChanged(backup, cause));
    }
    // Adverts of others may come so often that the timer never expires, so leases are renewed here
    // too.
    var going = active.advertising(now + config.advertPeriod());
    var effects = List.<Effect>of(new SendAdvertisement(priority), new RenewLeases());
    return advert.priority() == 0
        ? new Step(with(going), effects)
        : answerLower(going, now, effects);
  }

  /**
   * Whether an advert that has come by a further path needs no answer: most are copies of one that
   * has had its answer, on all paths.
   */
  private boolean hasJustAdvertised(Active active, long now) {
    long period = config.advertPeriod();
    return now - (active.advertAt() - period) < period / ANSWERED_PART;
  }

  /**
   * Whether a tie that would be lost by the addresses of a further path is old enough. An earlier
   * path may say otherwise, and both must not yield. Where one hears the other on an earlier path
   * and is not heard there, time tells: nobody has yielded.
   */
  private boolean tieCounts(Active active, int number, long now) {
    long lasts = now - active.tiedAt();
    return active.tiedAt() != 0 && lasts >= tieCountsAfter(number) && !isPast(active, number, now);
  }

  private long tieCountsAfter(int number) {
    return number * TIE_COUNTS * config.advertInterval();
  }

  private boolean isPast(Active active, int number, long now) {
    return now - active.tiedAt() >= tieCountsAfter(number) + TIE_IS_PAST * config.advertInterval();
  }

  private Active tied(Active active, int number, long now) {
    return active.tiedAt() == 0 || isPast(active, number, now) ? active.tiedAt(now) : active;
  }

  /**
   * A live master of lower priority may have announced the addresses, so they are announced again;
   * a resigned one (priority 0) has not. The first announcement goes at once, so that a split
   * heals. Later ones are put together: each costs many frames, and a forged advert only one.
   *
   * @param first the effects before the announcement
   */
  private Step answerLower(Active active, long now, List<Effect> first) {
    if (now < active.answersFrom()) {
      return new Step(with(active.announcingBy(active.answersFrom())), first);
    }
    var effects = new ArrayList<>(first);
    effects.add(new AnnounceAddresses());
    return new Step(
        with(announced(active.advertAt(), now).answeringFrom(now + ANSWER_GAP)), effects);
  }

  private Step backupTimerExpired(Backup backup, long now) {
    return releaseIsDue(backup, now) ? release(backup) : activeDownTimerExpired(backup, now);
  }

  /** Whether the time for which it serves on for its successor is over. */
  private static boolean releaseIsDue(Backup backup, long now) {
    return backup.releaseAt() <= now;
  }

  private Step release(Backup backup) {
    return step(backup.releasing(NEVER), new UnbindAddresses());
  }

  private Step activeDownTimerExpired(Backup backup, long now) {
    if (sleptThrough(backup, now)) {
      return hearOneMore(backup, now);
    }
    return hasToClaim() ? claim(backup, now) : becomeActive(backup.takeover().cause(), now);
  }

  private Step takeOver(long now) {
    if (!(state instanceof Backup backup)) {
      return none(this);
    }
    return hasToClaim() ? claim(backup, now) : becomeActive(Reason.of(Kind.SyncGroup), now);
  }

  /** Whether it has to make a lower master let go before it becomes Active. */
  boolean hasToClaim() {
    return exclusive() && state instanceof Backup backup && backup.takeover() == Takeover.Preempted;
  }

  /**
   * Sends an advert that makes the lower master let go before the addresses are bound here. In a
   * sync group it wishes to be master after that.
   */
  private Step claim(Backup backup, long now) {
    return step(
        new Backup(
            now + CLAIM,
            backup.masterInterval(),
            backup.preemptAt(),
            Takeover.Claimed,
            false,
            backup.releaseAt(),
            backup.yieldedAt(),
            backup.master(),
            backup.masterPriority()),
        new SendAdvertisement(priority));
  }

  private boolean exclusive() {
    return config.leasePolicy() == LeasePolicy.Exclusive;
  }

  /** A member of a sync group waits for the other members, as long as no better master is heard. */
  private Step wish(long now) {
    if (!(state instanceof Backup backup)) {
      return none(this);
    }
    if (releaseIsDue(backup, now)) {
      return release(backup);
    }
    if (sleptThrough(backup, now)) {
      return hearOneMore(backup, now);
    }
    return none(with(backup.wishing(now + activeDownInterval(backup.masterInterval()))));
  }

  /**
   * Whether this node slept past its timer, so that a live master's advert may be waiting unread.
   */
  private static boolean sleptThrough(Backup backup, long now) {
    return now - backup.activeDownAt() > backup.masterInterval();
  }

  private Step hearOneMore(Backup backup, long now) {
    return none(with(backup.until(now + backup.masterInterval())));
  }

  private Step letGo(Reason cause, long now) {
    if (!(state instanceof Active)) {
      return none(this);
    }
    var backup = yielding(config.advertInterval(), now);
    return step(backup, new UnbindAddresses(), new StateChanged(backup, cause));
  }

  /**
   * Resigns with priority 0, like a shutdown, but stays in the election as a backup. Unless the
   * lease policy is Exclusive it serves on until its successor is heard, and says so by resigning
   * three times: then its peers wait for their skew time, in which each learns who is to follow.
   */
  private Step resign(Reason cause, long now) {
    if (!(state instanceof Active)) {
      return none(this);
    }
    var listening = yielding(config.advertInterval(), now);
    if (exclusive()) {
      return step(
          listening,
          new UnbindAddresses(),
          new SendAdvertisement(0),
          new StateChanged(listening, cause));
    }
    long skewMax = Timers.skewTime(config.version(), 1, config.advertInterval());
    var backup = listening.releasing(now + Math.max(skewMax, SUCCESSION_MIN));
    return step(
        backup,
        new SendAdvertisement(0),
        new SendAdvertisement(0),
        new SendAdvertisement(0),
        new StateChanged(backup, cause));
  }

  private Step activeTimerExpired(Active active, long now) {
    boolean advertDue = active.advertAt() <= now || active.announceAt() > now;
    return advertDue ? adverTimerExpired(active, now) : announcementDue(active, now);
  }

  /** Repeats the announcement, for switches that have forgotten the address. */
  private Step announcementDue(Active active, long now) {
    long refresh = config.announceRefresh();
    boolean answers = active.announceAt() == active.answersFrom();
    return step(
        new Active(
            active.advertAt(),
            refresh > 0 ? now + refresh : NEVER,
            false,
            answers ? now + ANSWER_GAP : active.answersFrom(),
            active.tiedAt()),
        new AnnounceAddresses(!active.burst()));
  }

  private Step adverTimerExpired(Active active, long now) {
    if (now - active.advertAt() > activeDownInterval(config.advertInterval())) {
      return letGo(Reason.of(Kind.LateWakeUp), now);
    }
    // From the deadline, not from now, so that adverts do not drift.
    long next = active.advertAt() + config.advertPeriod();
    var going = active.advertising(next > now ? next : now + config.advertPeriod());
    // Exclusive: the lease must not begin later than the advert from which the backups count.
    return exclusive()
        ? step(going, new RenewLeases(), new SendAdvertisement(priority))
        : step(going, new SendAdvertisement(priority), new RenewLeases());
  }

  private Step becomeActive(Reason cause, long now) {
    var active = announced(now + config.advertPeriod(), now);
    // The advert goes first: it makes an old master let go before the address is bound here.
    // keepalived has the same order; RFC 9568 6.4.2 puts the advert before the announcement.
    return step(
        active,
        new SendAdvertisement(priority),
        new BindAddresses(),
        new AnnounceAddresses(),
        new StateChanged(active, cause));
  }

  /** A backup that has just begun. */
  private Backup listen(long masterInterval, long now) {
    return listening(masterInterval, 0, now);
  }

  /** A backup that was master until now. */
  private Backup yielding(long masterInterval, long now) {
    return listening(masterInterval, now, now);
  }

  /** A backup that has heard of a master, or has to wait for one, anew. */
  private Backup listenOn(Backup before, long masterInterval, long now) {
    return listening(masterInterval, before.yieldedAt(), now)
        .hearing(before.master(), before.masterPriority());
  }

  private Backup listening(long masterInterval, long yieldedAt, long now) {
    return new Backup(
        now + activeDownInterval(masterInterval),
        masterInterval,
        NEVER,
        Takeover.MasterDown,
        false,
        NEVER,
        yieldedAt,
        null,
        0);
  }

  /**
   * How long it leaves it to better ones to follow a master that is gone. The whole skew waits who
   * has just yielded: a flood of forged resignations must not cost more changes than with that. And
   * where two must never own an address, an advert on its way has to arrive in between.
   */
  private long succession(Backup backup, long now) {
    long skew = skewTime(backup.masterInterval());
    return waitsForSkew(backup, now) ? skew : Timers.successionTime(stepsBelow(backup), skew);
  }

  /**
   * How many steps of priority better ones may have. Where all preempt at once, none that waits is
   * above the master that was heard.
   */
  private int stepsBelow(Backup backup) {
    boolean preempts = config.preempt() && config.preemptDelay() == 0;
    return preempts && priority <= backup.masterPriority()
        ? backup.masterPriority() - priority
        : 256 - priority;
  }

  private boolean waitsForSkew(Backup backup, long now) {
    boolean yielded = backup.yieldedAt() != 0 && now - backup.yieldedAt() < backup.masterInterval();
    return exclusive() || yielded;
  }

  /**
   * The interval to use after an advert: VRRPv3 backups follow the master's (RFC 9568 6.4.2); with
   * VRRPv2 all routers have the same.
   */
  private long learned(AdvertisementReceived advert) {
    return config.version() == Version.V3 ? bounded(advert.interval()) : config.advertInterval();
  }

  /** Anybody on the LAN can advertise 40.95 s, and have a backup wait for minutes. */
  private long bounded(long interval) {
    return Math.min(interval, config.maxLearnedInterval());
  }

  private long skewTime(long interval) {
    return Timers.skewTime(config.version(), priority, interval);
  }

  private long activeDownInterval(long interval) {
    return Timers.activeDownInterval(config.version(), priority, interval);
  }

  private VirtualRouter with(State newState) {
    return new VirtualRouter(config, priority, source, newState);
  }

  private Step step(State newState, Effect... effects) {
    return new Step(with(newState), List.of(effects));
  }

  private static Step none(VirtualRouter router) {
    return new Step(router, List.of());
  }
}
