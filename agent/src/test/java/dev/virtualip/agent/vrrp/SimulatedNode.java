package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Decoded.Reason;
import dev.virtualip.agent.vrrp.Decoded.Rejected;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * A node with a real virtual router: its clock, its kernel's lease of the addresses, and the event
 * loop around the router in the order of the agent's (masters' deadlines, inputs, deadlines).
 */
final class SimulatedNode {
  private static final long UNBOUND = Long.MIN_VALUE;

  /** What the node needs of its surroundings. */
  record Surroundings(
      SimulatedTime time,
      SimulatedLan lan,
      List<InetAddress> addresses,
      InetAddress group,
      Password password,
      Supplier<Long> jitter,
      SimulationTrace trace) {}

  final int id;
  final InetAddress source;
  private final Surroundings around;
  private final long clockOffset;
  private final int clockPpm;
  private final Queue<Runnable> inputs = new ArrayDeque<>();
  private final Queue<Datagram> received = new ArrayDeque<>();
  private final Hearing hearing = new Hearing();
  private final TreeSet<String> faults = new TreeSet<>();

  VirtualRouterConfig config;
  int priority;
  private VirtualRouter router;
  private long leaseEnd = UNBOUND;
  private long renewedAt;
  private boolean paused;
  private boolean bindRefused;

  /** Whether it was the owner at some moment since it fell asleep. */
  private boolean wasOwner;

  private int life;
  private long armedFor;

  /** Moments of {@link SimulatedTime}, for the checks. */
  long activeSince;

  long disturbedAt;
  long transitions;
  long announcedAt;
  long yieldedAt;

  SimulatedNode(
      int id,
      InetAddress source,
      VirtualRouterConfig config,
      int priority,
      int clockPpm,
      Surroundings around) {
    this.id = id;
    this.source = source;
    this.config = config;
    this.priority = priority;
    this.clockPpm = clockPpm;
    this.around = around;
    clockOffset = (id + 1) * 1_000_000_000_000L;
  }

  long clock() {
    long now = around.time.now();
    return clockOffset + now + now * clockPpm / 1_000_000;
  }

  boolean up() {
    return router != null;
  }

  /** Up and not asleep: it does what it should. */
  boolean live() {
    return up() && !paused;
  }

  boolean servesOn() {
    return router.state() instanceof State.Backup backup && backup.servesOn();
  }

  boolean active() {
    return up() && router.state() instanceof Active;
  }

  boolean backup() {
    return up() && router.state() instanceof Backup;
  }

  /** Whether the kernel still answers for the addresses, whoever may have put them there. */
  boolean bound() {
    return leaseEnd > clock();
  }

  /** The program starts; it takes off what an earlier life has left. */
  void start() {
    around.trace.line(this, "starts");
    life++;
    paused = false;
    inputs.clear();
    received.clear();
    hearing.forget();
    faults.clear();
    armedFor = State.NEVER;
    disturbedAt = around.time.now();
    leaseEnd = UNBOUND;
    router = VirtualRouter.create(config, priority);
    on(new SourceChanged(source));
    on(new FaultsChanged(List.of()));
    armed();
  }

  /** SIGKILL. The addresses stay until their lease ends. */
  void crash() {
    around.trace.line(this, "crashes");
    disturbedAt = around.time.now();
    router = null;
    life++;
  }

  /** SIGTERM. */
  void shutDown() {
    around.trace.line(this, "is shut down");
    on(new Shutdown(Reasons.reason("AgentStopped")));
    require(!bound(), "keeps its addresses after the shutdown");
    router = null;
    life++;
  }

  /** The process stands still; the kernel and its socket buffers go on. */
  void pause() {
    around.trace.line(this, "falls asleep");
    disturbedAt = around.time.now();
    wasOwner = priority == VirtualRouterConfig.OWNER;
    paused = true;
  }

  /**
   * The process goes on.
   *
   * @param unread how long the datagrams of its sleep need yet to get to the loop
   */
  void resume(long unread) {
    if (!up() || !paused) {
      return;
    }
    paused = false;
    disturbedAt = around.time.now();
    var frames = List.copyOf(received);
    received.clear();
    int sameLife = life;
    around.time.after(unread, () -> frames.forEach(d -> input(sameLife, () -> decode(d))));
    long lateness = clock() - router.deadline();
    long limit =
        router.state() instanceof Backup backup
            ? Math.max(backup.masterInterval(), config.advertInterval())
            : downInterval(Math.max(advertInterval(), config.advertInterval()));
    boolean slept = !(router.deadline() == State.NEVER) && lateness > limit;
    // A fault that came and went in its sleep makes an owner Active at once, rightly.
    boolean owner = wasOwner && config.startAsMaster();
    around.trace.line(this, slept ? "wakes up late" : "wakes up");
    turn();
    require(!(slept && active()) || owner, "is Active right after a long sleep, without listening");
  }

  /** Active_Down_Interval by this node's priority. */
  long downInterval(long interval) {
    return Rfc.activeDownInterval(config.version(), router.priority(), interval);
  }

  long skewTime(long interval) {
    return Rfc.skewTime(config.version(), router.priority(), interval);
  }

  /** The interval it advertises with while Active. */
  long advertInterval() {
    return router.config().advertInterval();
  }

  boolean faulty() {
    return !faults.isEmpty();
  }

  void receive(Datagram datagram) {
    if (up() && paused) {
      received.add(datagram);
    } else {
      input(life, () -> decode(datagram));
    }
  }

  void change(int newPriority) {
    priority = newPriority;
    wasOwner |= newPriority == VirtualRouterConfig.OWNER;
    input(
        life,
        () -> {
          disturbedAt = around.time.now();
          hearing.settingsChanged();
          on(new PriorityChanged(newPriority));
        });
  }

  void change(VirtualRouterConfig newConfig) {
    config = newConfig;
    input(
        life,
        () -> {
          disturbedAt = around.time.now();
          hearing.settingsChanged();
          on(Routers.configChanged(newConfig));
        });
  }

  void resign() {
    input(life, () -> on(new Resign(Reasons.reason("HandedOver(Drain)"))));
  }

  void fault(String reason, boolean present) {
    input(
        life,
        () -> {
          if (present ? faults.add(reason) : faults.remove(reason)) {
            on(new FaultsChanged(Reasons.of(faults.toArray(String[]::new))));
          }
        });
  }

  /** The next attempt to put the addresses fails. */
  void refuseBind() {
    bindRefused = true;
  }

  void clearFaults() {
    bindRefused = false;
    input(
        life,
        () -> {
          faults.clear();
          on(new FaultsChanged(List.of()));
        });
  }

  private void input(int ofLife, Runnable input) {
    if (up() && life == ofLife) {
      inputs.add(input);
      if (!paused) {
        turn();
      }
    }
  }

  private void turn() {
    if (active()) {
      meetDeadline();
    }
    while (up() && !inputs.isEmpty()) {
      inputs.remove().run();
    }
    meetDeadline();
    armed();
  }

  private void meetDeadline() {
    if (router.deadline() <= clock()) {
      on(new TimerExpired());
    }
  }

  /** Sees to a turn at the deadline, or a bit after it. */
  private void armed() {
    if (router.deadline() == State.NEVER || router.deadline() == armedFor) {
      return;
    }
    armedFor = router.deadline();
    long at = (armedFor - clockOffset) * 1_000_000 / (1_000_000 + clockPpm) + 2;
    int sameLife = life;
    around.time.at(
        at + around.jitter.get(),
        () -> {
          if (live() && life == sameLife && router.deadline() <= clock()) {
            armedFor = State.NEVER;
            turn();
          }
        });
  }

  private void decode(Datagram datagram) {
    switch (Routers.decode(datagram, router.config(), around.password, source)) {
      case Accepted accepted -> {
        var advert = accepted.advertisement();
        require(datagram.ttl() == 255, "accepts an advert that has crossed a router");
        var event = Routers.advert(advert.priority(), advert.interval(), datagram.source());
        hearing.heard(router, event, clock());
        on(event);
      }
      case Rejected rejected ->
          // Two intervals in one VRRPv2 LAN make nodes deaf to each other.
          require(
              rejected.reason() == (datagram.ttl() == 255 ? Reason.Interval : Reason.Ttl)
                  && (datagram.ttl() != 255 || config.version() == Version.V2),
              "rejects a good advert: " + rejected.reason());
    }
  }

  private void on(Event event) {
    boolean was = active();
    boolean held = bound();
    var before = router.state().getClass();
    var step = StepRules.step(router, event, clock());
    router = step.router();
    if (before != router.state().getClass()) {
      transitions++;
      around.trace.line(this, before.getSimpleName() + " -> " + router.state() + " on " + event);
    }
    if (!was && active()) {
      activeSince = around.time.now();
      require(hearing.mayTakeOver(router, clock()), "takes over from a master it has to respect");
    }
    if (was && held && backup() && event instanceof AdvertisementReceived) {
      yieldedAt = around.time.now();
    }
    if (!backup()) {
      hearing.forget();
    }
    for (var effect : step.effects()) {
      if (!perform(effect)) {
        return;
      }
    }
  }

  private boolean perform(Effect effect) {
    switch (effect) {
      case SendAdvertisement advert -> send(advert.priority());
      case BindAddresses _ -> {
        return bind();
      }
      case RenewLeases _ -> {
        return !Timers.renewalDue(clock() - renewedAt, router.config().advertInterval()) || bind();
      }
      case UnbindAddresses _ -> leaseEnd = UNBOUND;
      case AnnounceAddresses _ -> {
        require(bound(), "announces what it does not hold");
        announcedAt = around.time.now();
      }
      case StateChanged _ -> {}
    }
    return true;
  }

  private boolean bind() {
    if (bindRefused) {
      bindRefused = false;
      faults.add("BindFailed");
      on(new FaultsChanged(Reasons.of(faults.toArray(String[]::new))));
      return false;
    }
    renewedAt = clock();
    leaseEnd = renewedAt + Routers.lease(router.config());
    return true;
  }

  private void send(int advertPriority) {
    var bytes =
        Routers.encode(
            router.config(),
            advertPriority,
            around.password,
            around.addresses,
            source,
            around.group);
    around.lan.send(id, new Datagram(source, around.group, 255, bytes));
  }

  void require(boolean holds, String failure) {
    if (!holds) {
      throw new AssertionError("node %d (%s) %s".formatted(id, source.getHostAddress(), failure));
    }
  }

  @Override
  public String toString() {
    return up() ? "%d: %d %s".formatted(id, priority, router.state()) : id + ": down";
  }
}
