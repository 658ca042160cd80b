package dev.virtualip.agent.vrrp;

import static dev.virtualip.agent.vrrp.State.NEVER;

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
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.State.Takeover;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The state table of RFC 9568 6.4 with keepalived's conduct, a row per line. Exactly one row
 * applies to a case.
 */
final class StepTable {
  private StepTable() {}

  /** A router, what happens to it, and when; P is its priority, T its interval. */
  record Case(VirtualRouter router, Event event, long now) {
    boolean in(Class<? extends State> state) {
      return state.isInstance(router.state());
    }

    boolean on(Class<? extends Event> kind) {
      return kind.isInstance(event);
    }

    Backup backup() {
      return (Backup) router.state();
    }

    AdvertisementReceived advert() {
      return (AdvertisementReceived) event;
    }

    int priority() {
      return router.priority();
    }

    long interval() {
      return router.config().advertInterval();
    }

    long period() {
      return router.config().advertPeriod();
    }

    /** VRRPv3 goes by the master's interval, VRRPv2 by the configured one. */
    long learned() {
      return router.config().version() == Version.V3 ? advert().interval() : interval();
    }

    /** The owner of the addresses preempts always (RFC 9568 6.1, Preempt_Mode). */
    boolean preempts() {
      return router.config().preempt() || priority() == 255;
    }

    boolean delays() {
      var config = router.config();
      long end = backup().preemptAt() == NEVER ? now + config.preemptDelay() : backup().preemptAt();
      return config.preemptDelay() > 0 && now < end;
    }

    List<Reason> reasons() {
      return ((FaultsChanged) event).reasons();
    }

    /** Address order as a user reads it: group by group, all numbers positive. */
    int address() {
      var theirs = new java.math.BigInteger(1, advert().source().getAddress());
      return theirs.compareTo(new java.math.BigInteger(1, router.source().getAddress()));
    }

    long late() {
      return now - router.deadline();
    }

    /** When it let go as master, or lets go. */
    long yieldedAt() {
      return switch (router.state()) {
        case Initialize _ -> 0;
        case Backup backup -> backup.yieldedAt();
        case Active _ -> now;
      };
    }

    /** Whether it follows at once: it has not let go within an interval, and may share. */
    boolean settled() {
      long at = backup().yieldedAt();
      return router.config().leasePolicy() == LeasePolicy.Overlap
          && (at == 0 || now - at >= backup().masterInterval());
    }
  }

  /**
   * What has to come of a case.
   *
   * @param effects those before the change is told, in words
   * @param cause of the change that is told, or null if there is none to tell
   */
  record Outcome(State state, List<String> effects, String cause) {}

  /** A line of the table. */
  record Row(String name, Predicate<Case> when, Function<Case, Outcome> then) {}

  private static long skew(Case c, int priority, long interval) {
    return Rfc.skewTime(c.router().config().version(), priority, interval);
  }

  private static long down(Case c, int priority, long interval) {
    return Rfc.activeDownInterval(c.router().config().version(), priority, interval);
  }

  private static Outcome same(Case c) {
    return new Outcome(c.router().state(), List.of(), null);
  }

  private static Outcome listen(Case c, long interval, String cause, String... effects) {
    var state =
        Routers.backup(
            c.now() + down(c, c.priority(), interval),
            interval,
            NEVER,
            Takeover.MasterDown,
            c.yieldedAt());
    return new Outcome(state, List.of(effects), cause);
  }

  /** It hands over: the longest skew, or a quarter of a second, until it lets go. */
  private static Outcome servesOn(Case c) {
    var b = (Backup) listen(c, c.interval(), null).state();
    long release = c.now() + Math.max(skew(c, 1, c.interval()), 250_000_000L);
    var state =
        new Backup(
            b.activeDownAt(),
            b.masterInterval(),
            b.preemptAt(),
            b.takeover(),
            false,
            release,
            b.yieldedAt(),
            b.master(),
            b.masterPriority());
    return new Outcome(
        state,
        List.of("advert 0", "advert 0", "advert 0"),
        ((Resign) c.event()).cause().toString());
  }

  private static Outcome answered(Case c, Outcome outcome) {
    return new Outcome(
        Routers.answered(outcome.state(), c.now()), outcome.effects(), outcome.cause());
  }

  private static Outcome active(Case c, long at, String cause, String... effects) {
    return new Outcome(Routers.active(at), List.of(effects), cause);
  }

  private static Outcome stopped(List<Reason> reasons, String... effects) {
    return new Outcome(new Initialize(reasons), List.of(effects), Reason.text(reasons));
  }

  /** A backup goes on listening; what it wishes stays. */
  private static Outcome waiting(Case c, long at, long preemptAt, Takeover takeover) {
    var state = Routers.backup(at, c.backup().masterInterval(), preemptAt, takeover, c.yieldedAt());
    return new Outcome(c.backup().wishing() ? Routers.wishing(state) : state, List.of(), null);
  }

  private static Outcome wishing(Case c) {
    var b = c.backup();
    long at = c.now() + down(c, c.priority(), b.masterInterval());
    var state = Routers.backup(at, b.masterInterval(), b.preemptAt(), b.takeover(), b.yieldedAt());
    return new Outcome(Routers.wishing(state), List.of(), null);
  }

  /** A running timer moves as its interval or skew changes; not a wait of milliseconds. */
  private static Outcome moved(Case c, int priority, long interval) {
    var b = c.backup();
    boolean leaves = b.takeover() == Takeover.MasterLeaves;
    boolean follows = b.takeover() != Takeover.MasterDown && !preempts(b.takeover()) && !leaves;
    long shift =
        leaves
            ? skew(c, priority, interval) - skew(c, c.priority(), b.masterInterval())
            : down(c, priority, interval) - down(c, c.priority(), b.masterInterval());
    boolean running = b.activeDownAt() > c.now() && !follows;
    long at = running ? Math.max(c.now(), b.activeDownAt() + shift) : b.activeDownAt();
    long delayed =
        c.event() instanceof ConfigChanged changed && b.preemptAt() != NEVER
            ? changed.config().preemptDelay() - c.router().config().preemptDelay()
            : 0;
    var state = Routers.backup(at, interval, b.preemptAt() + delayed, b.takeover(), b.yieldedAt());
    return new Outcome(b.wishing() ? Routers.wishing(state) : state, List.of(), null);
  }

  /** Whether it is told that its master is gone, and what it does then. */
  private static boolean loses(Case c) {
    return c.event() instanceof NeighbourDown down
        && down.address().equals(c.backup().master())
        && !exclusive(c)
        && c.now() + succession(c) < c.backup().activeDownAt();
  }

  /** Whether its master is told to be silent, and the skew is all that it waits for. */
  private static boolean misses(Case c) {
    return c.event() instanceof MasterSilent silent
        && silent.address().equals(c.backup().master())
        && c.backup().takeover() == Takeover.MasterDown
        && !c.backup().wishing()
        && !exclusive(c);
  }

  private static long succession(Case c) {
    return c.settled()
        ? Rfc.successionTime(version(c), c.priority(), steps(c), heard(c))
        : Rfc.skewTime(version(c), c.priority(), heard(c));
  }

  /** By how much one that waits, too, may be better: it is not above a master it would preempt. */
  private static int steps(Case c) {
    var config = c.router().config();
    int master = c.backup().masterPriority();
    boolean below = config.preempt() && config.preemptDelay() == 0 && c.priority() <= master;
    return (below ? master : 256) - c.priority();
  }

  private static String p(Case c) {
    return "advert " + c.priority();
  }

  static final List<Row> INITIALIZE =
      List.of(
          row("INIT advert", i(AdvertisementReceived.class), StepTable::same),
          row("INIT timer", i(TimerExpired.class), StepTable::same),
          row("INIT source", i(SourceChanged.class), StepTable::same),
          row("INIT priority", i(PriorityChanged.class), StepTable::same),
          row("INIT config", i(ConfigChanged.class), StepTable::same),
          row("INIT, the sync group", c -> c.in(Initialize.class) && ofGroup(c), StepTable::same),
          row("INIT holds nothing", i(HoldingsLost.class), StepTable::same),
          row("INIT balances nothing", i(ServersChanged.class), StepTable::same),
          row("INIT has no master", i(NeighbourDown.class), StepTable::same),
          row("INIT misses nobody", i(MasterSilent.class), StepTable::same),
          row("INIT hand over", i(Resign.class), StepTable::same),
          row(
              "INIT stop",
              i(Shutdown.class),
              c -> stopped(List.of(((Shutdown) c.event()).reason()))),
          row("INIT quit", i(Quit.class), c -> stopped(List.of(((Quit) c.event()).reason()))),
          row(
              "INIT usable, owner, state MASTER",
              i(FaultsChanged.class)
                  .and(c -> c.reasons().isEmpty() && startsAsMaster(c) && !resumes(c)),
              c -> active(c, c.now() + c.period(), "AddressOwner", p(c), "bind", "announce")),
          row(
              "INIT usable, was master a moment ago",
              i(FaultsChanged.class).and(c -> c.reasons().isEmpty() && resumes(c)),
              c -> active(c, c.now() + c.period(), "Resumed", p(c), "bind", "announce")),
          row(
              "INIT usable",
              i(FaultsChanged.class)
                  .and(c -> c.reasons().isEmpty() && !startsAsMaster(c) && !resumes(c)),
              c -> listen(c, c.interval(), first(c) ? "Started" : "Recovered", "unbind")),
          row(
              "INIT same faults",
              i(FaultsChanged.class).and(c -> !c.reasons().isEmpty() && c.reasons().equals(why(c))),
              StepTable::same),
          row(
              "INIT other faults",
              i(FaultsChanged.class)
                  .and(c -> !c.reasons().isEmpty() && !c.reasons().equals(why(c))),
              c -> stopped(c.reasons())));

  static final List<Row> BACKUP =
      List.of(
          row(
              "BACKUP timer",
              b(TimerExpired.class).and(c -> c.late() <= c.backup().masterInterval() && !claims(c)),
              c ->
                  active(
                      c,
                      c.now() + c.period(),
                      switch (c.backup().takeover()) {
                        case Claimed -> "Preempted";
                        case MasterSilent -> "MasterDown";
                        case ResignedAgain, MasterLeaves -> "MasterResigned";
                        default -> c.backup().takeover().name();
                      },
                      p(c),
                      "bind",
                      "announce")),
          row(
              "BACKUP timer, lower master has to let go first",
              b(TimerExpired.class).and(c -> c.late() <= c.backup().masterInterval() && claims(c)),
              StepTable::claiming),
          row(
              "BACKUP timer, slept",
              b(TimerExpired.class).and(c -> c.late() > c.backup().masterInterval()),
              c ->
                  waiting(
                      c,
                      c.now() + c.backup().masterInterval(),
                      c.backup().preemptAt(),
                      c.backup().takeover())),
          row(
              "BACKUP p = 0",
              b(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() == 0)
                  .and(c -> !hasResigned(c)),
              c ->
                  resigned(
                      c,
                      c.now() + succession(c),
                      c.settled() ? Takeover.MasterResigned : Takeover.MasterLeaves)),
          row(
              "BACKUP p = 0, again",
              b(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() == 0)
                  .and(c -> c.backup().takeover() == Takeover.MasterResigned),
              c -> resigned(c, c.backup().activeDownAt(), Takeover.ResignedAgain)),
          row(
              "BACKUP p = 0, once more",
              b(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() == 0)
                  .and(c -> hasResigned(c) && c.backup().takeover() != Takeover.MasterResigned),
              c -> resigned(c, c.now() + skew(c, c.priority(), heard(c)), Takeover.MasterLeaves)),
          row(
              "BACKUP that has claimed, p < P, or p = P and address not above",
              b(AdvertisementReceived.class).and(c -> c.advert().priority() > 0 && outranks(c)),
              StepTable::same),
          row(
              "BACKUP p >= P, or p < P and nopreempt",
              b(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() > 0 && !outranks(c))
                  .and(c -> c.advert().priority() >= c.priority() || !c.preempts()),
              c -> listen(c, c.learned(), null)),
          row(
              "BACKUP p < P",
              b(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() > 0 && c.advert().priority() < c.priority())
                  .and(c -> c.preempts() && !c.delays() && !outranks(c)),
              c ->
                  waiting(
                      c, c.backup().activeDownAt(), c.backup().preemptAt(), Takeover.Preempted)),
          row(
              "BACKUP p < P, preempt delay",
              b(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() > 0 && c.advert().priority() < c.priority())
                  .and(c -> c.preempts() && c.delays() && !outranks(c)),
              c ->
                  new Outcome(
                      Routers.backup(
                          c.now() + down(c, c.priority(), c.learned()),
                          c.learned(),
                          Math.min(
                              c.backup().preemptAt(), c.now() + c.router().config().preemptDelay()),
                          Takeover.Preempted,
                          c.yieldedAt()),
                      List.of(),
                      null)),
          row(
              "BACKUP priority",
              b(PriorityChanged.class),
              c -> moved(c, ((PriorityChanged) c.event()).priority(), c.backup().masterInterval())),
          row(
              "BACKUP preempts no more",
              b(ConfigChanged.class).and(StepTable::preemptsNoMore),
              c -> listen(c, c.backup().masterInterval(), null)),
          row(
              "BACKUP config",
              b(ConfigChanged.class).and(c -> !preemptsNoMore(c)),
              c ->
                  moved(
                      c,
                      c.priority(),
                      c.backup().masterInterval() == c.interval()
                          ? ((ConfigChanged) c.event()).config().advertInterval()
                          : c.backup().masterInterval())),
          row("BACKUP holds nothing", b(HoldingsLost.class), StepTable::same),
          row("BACKUP balances nothing", b(ServersChanged.class), StepTable::same),
          row(
              "BACKUP, its master is lost",
              b(NeighbourDown.class).and(StepTable::loses),
              c ->
                  waiting(
                      c, c.now() + succession(c), c.backup().preemptAt(), Takeover.NeighbourDown)),
          row(
              "BACKUP, somebody else is lost, or its time is near, or the leases have to end",
              b(NeighbourDown.class).and(c -> !loses(c)),
              StepTable::same),
          row(
              "BACKUP, its master is silent elsewhere too",
              b(MasterSilent.class).and(StepTable::misses),
              c ->
                  waiting(
                      c,
                      Math.max(
                          c.now(),
                          c.backup().activeDownAt()
                              - Rfc.skewTime(version(c), c.priority(), heard(c))
                              + succession(c)),
                      c.backup().preemptAt(),
                      Takeover.MasterSilent)),
          row(
              "BACKUP, somebody else is silent, or it waits for something else",
              b(MasterSilent.class).and(c -> !misses(c)),
              StepTable::same),
          row("BACKUP hand over", b(Resign.class), StepTable::same),
          row("BACKUP source", b(SourceChanged.class), StepTable::same),
          row(
              "BACKUP timer, in a sync group",
              b(Wish.class).and(c -> c.late() <= c.backup().masterInterval()),
              StepTable::wishing),
          row(
              "BACKUP timer, in a sync group, slept",
              b(Wish.class).and(c -> c.late() > c.backup().masterInterval()),
              c ->
                  waiting(
                      c,
                      c.now() + c.backup().masterInterval(),
                      c.backup().preemptAt(),
                      c.backup().takeover())),
          row(
              "BACKUP, all of the sync group wish to be MASTER",
              b(TakeOver.class).and(c -> !claims(c)),
              c -> active(c, c.now() + c.period(), "SyncGroup", p(c), "bind", "announce")),
          row(
              "BACKUP, all of the sync group wish to be MASTER, and this one has to claim it",
              b(TakeOver.class).and(StepTable::claims),
              StepTable::claiming),
          row("BACKUP, another of the sync group lets go", b(LetGo.class), StepTable::same),
          row(
              "BACKUP, another of the sync group met a lower one",
              b(Reannounce.class),
              StepTable::same),
          row(
              "BACKUP usable still",
              b(FaultsChanged.class).and(c -> c.reasons().isEmpty()),
              StepTable::same),
          row(
              "BACKUP fault",
              b(FaultsChanged.class).and(c -> !c.reasons().isEmpty()),
              c -> stopped(c.reasons())),
          row(
              "BACKUP stop",
              b(Shutdown.class),
              c -> stopped(List.of(((Shutdown) c.event()).reason()))),
          row("BACKUP quit", b(Quit.class), c -> stopped(List.of(((Quit) c.event()).reason()))));

  static final List<Row> ACTIVE =
      List.of(
          row(
              "MASTER timer",
              a(TimerExpired.class).and(c -> c.late() < c.period()),
              c -> active(c, c.router().deadline() + c.period(), null, regular(c))),
          row(
              "MASTER timer, an advert missed",
              a(TimerExpired.class)
                  .and(c -> c.late() >= c.period())
                  .and(c -> c.late() <= down(c, c.priority(), c.interval())),
              c -> active(c, c.now() + c.period(), null, regular(c))),
          row(
              "MASTER timer, slept",
              a(TimerExpired.class).and(c -> c.late() > down(c, c.priority(), c.interval())),
              c -> listen(c, c.interval(), "LateWakeUp", "unbind")),
          row(
              "MASTER p = 0",
              a(AdvertisementReceived.class).and(c -> c.advert().priority() == 0),
              c -> active(c, c.now() + c.period(), null, p(c), "renew")),
          row(
              "MASTER p < P, or p = P and address below",
              a(AdvertisementReceived.class)
                  .and(c -> c.advert().priority() > 0)
                  .and(c -> order(c) < 0),
              c -> answered(c, active(c, c.now() + c.period(), null, p(c), "renew", "announce"))),
          row(
              "MASTER p = P, own address",
              a(AdvertisementReceived.class).and(c -> order(c) == 0),
              StepTable::same),
          row(
              "MASTER p > P, or p = P and address above",
              a(AdvertisementReceived.class).and(c -> order(c) > 0),
              c ->
                  listen(
                      c,
                      c.learned(),
                      "HigherPriority(" + c.advert().source().getHostAddress() + ")",
                      "unbind",
                      p(c))),
          row(
              "MASTER hand over",
              a(Resign.class),
              c ->
                  exclusive(c)
                      ? listen(
                          c, c.interval(), ((Resign) c.event()).cause().toString(), farewell(c))
                      : servesOn(c)),
          row(
              "MASTER lost what it holds",
              a(HoldingsLost.class),
              c -> new Outcome(c.router().state(), List.of("restore", p(c), "announce"), null)),
          row(
              "MASTER balances",
              a(ServersChanged.class),
              c -> new Outcome(c.router().state(), List.of("balance"), null)),
          row("MASTER priority", a(PriorityChanged.class), StepTable::same),
          row("MASTER source", a(SourceChanged.class), StepTable::same),
          row("MASTER has no master", a(NeighbourDown.class), StepTable::same),
          row("MASTER misses nobody", a(MasterSilent.class), StepTable::same),
          row("MASTER wishes nothing", a(Wish.class), StepTable::same),
          row("MASTER already", a(TakeOver.class), StepTable::same),
          row(
              "MASTER, another of the sync group lets go",
              a(LetGo.class),
              c -> listen(c, c.interval(), "SyncGroup(inside)", "unbind")),
          row(
              "MASTER, another of the sync group met a lower one",
              a(Reannounce.class),
              c -> answered(c, new Outcome(c.router().state(), List.of("announce"), null))),
          row(
              "MASTER config",
              a(ConfigChanged.class),
              c ->
                  active(
                      c,
                      c.now() + ((ConfigChanged) c.event()).config().advertPeriod(),
                      null,
                      "bind",
                      p(c),
                      "announce")),
          row(
              "MASTER usable still",
              a(FaultsChanged.class).and(c -> c.reasons().isEmpty()),
              StepTable::same),
          row(
              "MASTER fault",
              a(FaultsChanged.class).and(c -> !c.reasons().isEmpty()),
              c -> stopped(c.reasons(), farewell(c))),
          row(
              "MASTER stop",
              a(Shutdown.class),
              c -> stopped(List.of(((Shutdown) c.event()).reason()), farewell(c))),
          row("MASTER quit", a(Quit.class), StepTable::quit));

  private static Version version(Case c) {
    return c.router().config().version();
  }

  private static boolean hasResigned(Case c) {
    return c.backup().takeover() == Takeover.MasterResigned
        || c.backup().takeover() == Takeover.ResignedAgain
        || c.backup().takeover() == Takeover.MasterLeaves;
  }

  private static Outcome resigned(Case c, long at, Takeover takeover) {
    return waiting(c, at, c.backup().preemptAt(), takeover);
  }

  private static long heard(Case c) {
    return c.backup().masterInterval();
  }

  /** It serves on for 0.4 s, unless nobody may serve beside its successor. */
  private static Outcome quit(Case c) {
    var reasons = List.of(((Quit) c.event()).reason());
    return exclusive(c)
        ? stopped(reasons, farewell(c))
        : new Outcome(
            new Initialize(reasons, c.now() + 400_000_000L),
            List.of("advert 0"),
            Reason.text(reasons));
  }

  private static int order(Case c) {
    int byPriority = Integer.compare(c.advert().priority(), c.priority());
    return byPriority != 0 ? byPriority : c.address();
  }

  private static boolean preempts(Takeover takeover) {
    return takeover == Takeover.Preempted || takeover == Takeover.Claimed;
  }

  private static boolean preemptsNoMore(Case c) {
    return preempts(c.backup().takeover())
        && c.backup().activeDownAt() > c.now()
        && c.router().config().preempt()
        && c.priority() != 255
        && !((ConfigChanged) c.event()).config().preempt();
  }

  private static boolean outranks(Case c) {
    return c.backup().takeover() == Takeover.Claimed && order(c) <= 0;
  }

  private static boolean ofGroup(Case c) {
    return c.on(Wish.class) || c.on(TakeOver.class) || c.on(LetGo.class) || c.on(Reannounce.class);
  }

  private static boolean exclusive(Case c) {
    return c.router().config().leasePolicy() == LeasePolicy.Exclusive;
  }

  private static Outcome claiming(Case c) {
    long at = c.now() + 100_000_000L;
    var b = c.backup();
    var state =
        Routers.backup(at, b.masterInterval(), b.preemptAt(), Takeover.Claimed, b.yieldedAt());
    return new Outcome(state, List.of(p(c)), null);
  }

  private static boolean claims(Case c) {
    return exclusive(c) && c.backup().takeover() == Takeover.Preempted;
  }

  private static String[] regular(Case c) {
    return exclusive(c) ? new String[] {"renew", p(c)} : new String[] {p(c), "renew"};
  }

  private static String[] farewell(Case c) {
    return exclusive(c) ? new String[] {"unbind", "advert 0"} : new String[] {"advert 0", "unbind"};
  }

  private static boolean resumes(Case c) {
    return why(c).equals(Reasons.of("Resuming"));
  }

  private static boolean startsAsMaster(Case c) {
    return c.priority() == 255 && c.router().config().startAsMaster();
  }

  private static List<Reason> why(Case c) {
    return ((Initialize) c.router().state()).reasons();
  }

  private static boolean first(Case c) {
    return why(c).equals(Reasons.of("Starting"));
  }

  private static Predicate<Case> i(Class<? extends Event> event) {
    return c -> c.in(Initialize.class) && c.on(event);
  }

  private static Predicate<Case> b(Class<? extends Event> event) {
    return c -> c.in(Backup.class) && c.on(event);
  }

  private static Predicate<Case> a(Class<? extends Event> event) {
    return c -> c.in(Active.class) && c.on(event);
  }

  private static Row row(String name, Predicate<Case> when, Function<Case, Outcome> then) {
    return new Row(name, when, then);
  }
}
