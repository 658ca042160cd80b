package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.Event.Wish;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * A node with a sync group of real virtual routers, each on a LAN of its own, and the event loop
 * around them in the order of the agent's.
 */
final class GroupNode {

  /** What the node needs of its surroundings. */
  record Surroundings(
      SimulatedTime time,
      SortedMap<String, SimulatedLan> lans,
      SimulationSettings settings,
      Supplier<Long> jitter) {}

  final int id;
  private final InetAddress source;
  private final int clockPpm;
  private final Surroundings around;
  private final SortedMap<String, VirtualRouter> members = new TreeMap<>();
  private final Map<String, Hearing> hearing = new TreeMap<>();
  private final Map<String, Set<String>> faults = new TreeMap<>();
  private final Set<String> bound = new HashSet<>();
  private final Queue<Runnable> inputs = new ArrayDeque<>();

  VirtualRouterConfig config;
  int priority;
  boolean up;
  boolean paused;
  private boolean bindRefused;
  private int life;
  private long armedFor;
  long transitions;

  /** When it let go because somebody better was heard, and when each member announced last. */
  long yieldedAt;

  final Map<String, Long> announcedAt = new TreeMap<>();

  GroupNode(int id, VirtualRouterConfig config, int priority, int clockPpm, Surroundings around) {
    this.id = id;
    this.source = around.settings.source(id);
    this.config = config;
    this.priority = priority;
    this.clockPpm = clockPpm;
    this.around = around;
  }

  private long clock() {
    long now = around.time.now();
    return now + now * clockPpm / 1_000_000;
  }

  boolean active() {
    return up && members.values().stream().allMatch(r -> r.state() instanceof Active);
  }

  boolean backup() {
    return up && members.values().stream().allMatch(r -> r.state() instanceof Backup);
  }

  void start() {
    up = true;
    paused = false;
    life++;
    inputs.clear();
    bound.clear();
    armedFor = State.NEVER;
    for (var name : around.lans.keySet()) {
      members.put(name, VirtualRouter.create(config, priority));
      hearing.put(name, new Hearing());
      faults.put(name, new TreeSet<>());
      on(name, new SourceChanged(source));
    }
    around.lans.keySet().forEach(this::evaluate);
    turn();
  }

  void crash() {
    up = false;
    life++;
  }

  void shutDown() {
    members.keySet().forEach(name -> on(name, new Shutdown(Reasons.reason("AgentStopped"))));
    require(bound.isEmpty(), "keeps addresses after the shutdown");
    crash();
  }

  void resume() {
    if (up && paused) {
      paused = false;
      turn();
    }
  }

  void receive(String name, Datagram datagram) {
    input(
        () -> {
          var decoded =
              Routers.decode(
                  datagram, members.get(name).config(), around.settings.password(), source);
          if (decoded instanceof Accepted(var advert)) {
            var event = Routers.advert(advert.priority(), advert.interval(), datagram.source());
            hearing.get(name).heard(members.get(name), event, clock());
            on(name, event);
          }
        });
  }

  void change(int newPriority) {
    priority = newPriority;
    changed(new Event.PriorityChanged(newPriority));
  }

  void change(VirtualRouterConfig newConfig) {
    config = newConfig;
    changed(Routers.configChanged(newConfig));
  }

  private void changed(Event event) {
    input(
        () ->
            members
                .keySet()
                .forEach(
                    name -> {
                      hearing.get(name).settingsChanged();
                      on(name, event);
                    }));
  }

  void fault(String name, boolean present) {
    input(
        () -> {
          var own = faults.get(name);
          if (present ? own.add("CheckFailed(web)") : own.remove("CheckFailed(web)")) {
            members.keySet().forEach(this::evaluate);
          }
        });
  }

  /** The next attempt to put addresses fails. */
  void refuseBind() {
    bindRefused = true;
  }

  void clearFaults() {
    bindRefused = false;
    input(
        () -> {
          faults.values().forEach(Set::clear);
          members.keySet().forEach(this::evaluate);
        });
  }

  private void input(Runnable input) {
    if (up) {
      inputs.add(input);
      if (!paused) {
        turn();
      }
    }
  }

  private void turn() {
    meetDeadlines(true);
    while (!inputs.isEmpty()) {
      inputs.remove().run();
      checkTogether();
    }
    meetDeadlines(false);
    checkTogether();
    arm();
  }

  private void meetDeadlines(boolean mastersOnly) {
    for (var name : members.keySet()) {
      boolean backup = members.get(name).state() instanceof Backup;
      if ((!mastersOnly || !backup) && members.get(name).deadline() <= clock()) {
        on(name, backup ? new Wish() : new TimerExpired());
      }
    }
  }

  private long deadline() {
    return members.values().stream().mapToLong(VirtualRouter::deadline).min().orElseThrow();
  }

  /** Sees to a turn at the next deadline, or a bit after it. */
  private void arm() {
    if (deadline() == State.NEVER || deadline() == armedFor) {
      return;
    }
    armedFor = deadline();
    int sameLife = life;
    around.time.at(
        armedFor * 1_000_000 / (1_000_000 + clockPpm) + 2 + around.jitter.get(),
        () -> {
          if (up && !paused && life == sameLife && deadline() <= clock()) {
            armedFor = State.NEVER;
            turn();
          }
        });
  }

  /** As the agent does it: the step, its effects, and then what it asks of the others. */
  private void on(String name, Event event) {
    var before = members.get(name);
    var step = StepRules.step(before, event, clock());
    members.put(name, step.router());
    boolean became = step.router().state() instanceof Active && !(before.state() instanceof Active);
    if (event instanceof AdvertisementReceived
        && before.state() instanceof Active
        && step.router().state() instanceof Backup) {
      yieldedAt = around.time.now();
    }
    transitions += before.state().getClass() == step.router().state().getClass() ? 0 : 1;
    require(
        !became || hearing.get(name).mayTakeOver(step.router(), clock()),
        "takes over from a master it has to respect");
    if (!(step.router().state() instanceof Backup)) {
      hearing.get(name).forget();
    }
    for (var effect : step.effects()) {
      if (!perform(name, effect)) {
        return;
      }
    }
    SyncGroup.follow(name, before, step, members).forEach(this::on);
  }

  private boolean perform(String name, Effect effect) {
    switch (effect) {
      case SendAdvertisement advert -> send(name, advert.priority());
      case UnbindAddresses _ -> bound.remove(name);
      case BindAddresses _ -> {
        if (bindRefused) {
          bindRefused = false;
          faults.get(name).add("BindFailed");
          members.keySet().forEach(this::evaluate);
          return false;
        }
        bound.add(name);
      }
      case AnnounceAddresses _ -> announcedAt.put(name, around.time.now());
      default -> {}
    }
    return true;
  }

  /** A member at fault is a fault of all. */
  private void evaluate(String name) {
    var reasons = new ArrayList<>(faults.get(name));
    faults.forEach(
        (other, own) -> {
          if (!other.equals(name) && !own.isEmpty()) {
            reasons.add("SyncGroup(" + other + ")");
          }
        });
    if (!reasons.isEmpty() || members.get(name).state() instanceof Initialize) {
      on(name, new FaultsChanged(Reasons.of(reasons.toArray(String[]::new))));
    }
  }

  private void send(String name, int advertPriority) {
    var settings = around.settings;
    var bytes =
        Routers.encode(
            members.get(name).config(),
            advertPriority,
            settings.password(),
            settings.addresses(),
            source,
            settings.group());
    around.lans.get(name).send(id, new Datagram(source, settings.group(), 255, bytes));
  }

  private void checkTogether() {
    long kinds =
        members.values().stream().map(router -> router.state().getClass()).distinct().count();
    require(kinds == 1, "is not master with all members or with none");
    require(bound.size() == (active() ? members.size() : 0), "holds too much or too little");
  }

  private void require(boolean holds, String failure) {
    if (!holds) {
      throw new AssertionError("node %d %s: %s".formatted(id, failure, this));
    }
  }

  @Override
  public String toString() {
    var states = new ArrayList<State>();
    members.values().forEach(router -> states.add(router.state()));
    return up ? "%d: %d %s".formatted(id, priority, List.copyOf(states)) : id + ": down";
  }
}
