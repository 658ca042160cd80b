package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.EffectivePriority;
import dev.virtualip.agent.holding.Holdings;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.Frames.Claim;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BalanceServers;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.RestoreAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.Event.ConfigChanged;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.HoldingsLost;
import dev.virtualip.agent.vrrp.Event.MasterSilent;
import dev.virtualip.agent.vrrp.Event.NeighbourDown;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.Quit;
import dev.virtualip.agent.vrrp.Event.Reannounce;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.ServersChanged;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.Event.Wish;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.VirtualRouter;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running VirtualIP: turns what happens on the node into events of its virtual router, and
 * performs the effects in order. Used by the event loop's thread only; times are its nanoseconds.
 */
public final class VrrpInstance {
  private static final Logger LOG = LoggerFactory.getLogger(VrrpInstance.class);

  private static final long SECOND = 1_000_000_000L;

  private final Node node;
  private final Consumer<VrrpInstance> onStatus;
  private final AdvertTransport transport;
  private final AdvertReceiver receiver;
  private final Heartbeats heartbeats;
  private final AddressProbe probe;
  private final InstanceChecks checks;
  private final RealServers servers;
  private final Faults faults;
  private final Timeline timeline = new Timeline();
  private final Effects effects;
  private final InstanceStatus status;

  private InstanceConfig config;
  private VirtualRouter router;
  private SyncGroupMembers group;
  private String joined;
  private boolean checksFail;
  private String leaving;
  private boolean started;
  private boolean quits;
  private HandOver asked;
  private List<String> strays = List.of();

  /** Kept, as the loop asks all instances several times a turn, and few have moved. */
  private long deadline;

  private long masterDeadline;

  /**
   * An instance that does nothing before it is {@linkplain #start started}.
   *
   * @param resumes whether it goes on as master, as an earlier life of the agent was
   * @param onStatus called when {@link #status} may have changed
   */
  public VrrpInstance(
      InstanceConfig config, boolean resumes, Node node, Consumer<VrrpInstance> onStatus) {
    this.config = config;
    this.node = node;
    this.onStatus = onStatus;
    var links = new LinkStates(node.network(), node.bootedAt());
    transport = new AdvertTransport(node);
    receiver =
        new AdvertReceiver(node.metrics(), node.clock().instant(), () -> onStatus.accept(this));
    checks = new InstanceChecks(node, links);
    servers = new RealServers(node);
    effects = new Effects(node, transport, servers, timeline);
    heartbeats = new Heartbeats(node, transport, effects);
    probe = new AddressProbe(node);
    faults = new Faults(node, transport, effects, links);
    router =
        resumes
            ? VirtualRouter.resume(config.router(), config.priority())
            : VirtualRouter.create(config.router(), config.priority());
    var reason = Reason.of(resumes ? Kind.Resuming : Kind.Starting);
    status = new InstanceStatus(node, faults, checks, receiver, timeline, reason);
    group = new SyncGroupMembers(List.of());
    node.recorder().started(config.name(), router);
    noteDeadlines();
  }

  /**
   * Makes it a member of its sync group; outside of any group, of one that it has for itself.
   *
   * @return whether its group has another name than before
   */
  public boolean join(SyncGroupMembers members) {
    boolean comes = !Objects.equals(joined, config.syncGroup());
    joined = config.syncGroup();
    group = members;
    return comes;
  }

  Holdings holdings() {
    return effects.holdings();
  }

  VirtualRouter router() {
    return router;
  }

  Faults faults() {
    return faults;
  }

  /**
   * Lets what an earlier life of the agent has left serve on, where the router does not resume.
   * With exclusive leases nothing may: a peer counts on the end of the lease.
   */
  void adopt(long now) {
    long seconds = router.mayLeave() ? holdings().adopt(config) : 0;
    if (seconds > 0) {
      router = router.leaving(now + seconds * SECOND);
      noteDeadlines();
    }
  }

  /** Opens what it will listen by, as far as that can be opened. */
  void open(long now) {
    node.turn().run(this, () -> listen(now));
  }

  private void listen(long now) {
    var link = node.network().link(config.interfaceName());
    faults.ask(config);
    faults.find(config, link, source(link), router.state(), now);
    heartbeats.look(config);
  }

  /**
   * Whether a check of weight 0 fails, which keeps this router from its full priority or from
   * taking part.
   */
  boolean checksFail() {
    return checksFail;
  }

  /**
   * Starts the checks and, unless there is a fault, takes part; later calls do nothing. A member of
   * a sync group takes part at {@link #evaluate}, after all members have {@linkplain #join joined}.
   */
  public void start(long now) {
    if (started) {
      return;
    }
    started = true;
    node.turn()
        .run(
            this,
            () -> {
              warnWithoutLinkLocal();
              startChecks();
              if (config.syncGroup() == null) {
                look(now);
              }
            });
  }

  private void warnWithoutLinkLocal() {
    if (config.ipv6() && !config.advertised().getFirst().isLinkLocalAddress()) {
      LOG.warn(
          "no_link_local_address vip={}: RFC 9568 wants one among spec.addresses, strict peers too",
          config.name());
    }
  }

  InstanceConfig config() {
    return config;
  }

  /** When {@link #onDeadline} is due, or {@link State#NEVER}. */
  public long deadline() {
    assert deadline == firstDeadline() : config.name() + ": the deadline has moved unnoticed";
    return deadline;
  }

  /**
   * When it has something to do as master, or may do what is due soon; {@link State#NEVER} unless
   * it is master.
   */
  long masterDeadline() {
    return masterDeadline;
  }

  /** Finds the deadlines, after whatever may have moved them. */
  void noteDeadlines() {
    deadline = firstDeadline();
    masterDeadline =
        router.state() instanceof Active
            ? Math.min(deadline, router.mayAdvertiseAt())
            : State.NEVER;
  }

  private long firstDeadline() {
    return Math.min(
        Math.min(Math.min(router.deadline(), probe.deadline()), faultsDeadline()),
        Math.min(Math.min(receiver.deadline(), heartbeats.deadline(config)), effects.deadline()));
  }

  private long faultsDeadline() {
    return quits ? State.NEVER : faults.deadline();
  }

  /** Does everything that is due. */
  public void onDeadline(long now) {
    node.turn().run(this, () -> meetDeadlines(now, false));
  }

  /** Does everything that is due but {@linkplain #renewals renewals}. */
  void onDeadlineButRenewals(long now) {
    node.turn().run(this, () -> meetDeadlines(now, true));
  }

  /** Whether leases are to be renewed now. */
  boolean renewsNow(long now) {
    return effects.renewsNow(now);
  }

  /** The renewals that are due now, for one write with those of others. */
  List<Change> renewals(long now) {
    return effects.renewals(config, now);
  }

  /**
   * Renewals have been made.
   *
   * @param error what the kernel has refused of them, or null
   */
  void renewed(String error, long now) {
    node.turn().run(this, () -> refusedUnlessNull(effects.renewed(config, error), now));
  }

  private void refusedUnlessNull(String refusal, long now) {
    if (refusal != null) {
      node.turn().next(this, () -> refused(refusal, now));
    }
  }

  private void meetDeadlines(long now, boolean renewsLater) {
    if (deadline <= now) {
      node.metrics().late(config.name(), now - deadline);
    }
    if (probe.deadline() <= now && probe.onDeadline(config, now)) {
      look(now);
    }
    if (mayTakeOver(now) && probe.waitIsOver(now)) {
      look(now);
    }
    if (Math.min(router.deadline(), router.mayAdvertiseAt()) <= now) {
      boolean waits = config.syncGroup() != null && router.state() instanceof State.Backup;
      var event = waits ? new Wish() : new TimerExpired();
      node.stopwatch().since(Math.min(router.deadline(), now), () -> step(event, now));
    }
    effects.announceMore(config, now);
    if (!renewsLater) {
      refusedUnlessNull(effects.renewMore(config, now), now);
    }
    if (receiver.deadline() <= now) {
      receiver.onDeadline(now);
    }
    if (heartbeats.deadline(config) <= now) {
      notice(now);
    }
    if (faultsDeadline() <= now) {
      long due = faults.deadline();
      faults.onDeadline(now);
      faults.ask(config);
      // Queued, so that it sees the outcome of the step above.
      node.stopwatch().since(due, () -> node.turn().later(this, () -> look(now)));
    }
  }

  private boolean mayTakeOver(long now) {
    return router.state() instanceof Backup backup && backup.activeDownAt() <= now;
  }

  /** A neighbour on a link says that it has an address. */
  void claimed(int linkIndex, Claim claim, long now) {
    if (probe.claimed(config, linkIndex, claim, now)) {
      evaluate(now);
    }
    noteDeadlines();
  }

  /** Whether its addresses are the election's, and no longer probed. */
  boolean isKnown() {
    return probe.isKnown();
  }

  /** Links on which it waits for answers to probes. */
  Set<Integer> probedLinks() {
    return probe.links(config);
  }

  /** Whether a datagram on a link is for this virtual router. */
  public boolean takes(int linkIndex, Datagram datagram) {
    return transport.takes(config, linkIndex, datagram);
  }

  /** Whether a datagram is for this virtual router, but has come by another NIC than its own. */
  boolean strays(int linkIndex, Datagram datagram) {
    return transport.strays(config, linkIndex, datagram);
  }

  /**
   * Handles a datagram that this router {@linkplain #takes takes} and that has come by the NIC of
   * its adverts.
   *
   * @param now nanoseconds of the event loop's clock
   */
  public void onDatagram(Datagram datagram, long now) {
    var link = node.network().link(config.interfaceName());
    if (link != null) {
      onDatagram(link.index(), datagram, now);
    }
  }

  /** Handles a datagram that this router {@linkplain #takes takes} from a link. */
  void onDatagram(int linkIndex, Datagram datagram, long now) {
    var path = transport.path(config, linkIndex);
    if (path != null) {
      node.turn().run(this, () -> receive(path, datagram, now));
    }
  }

  private void receive(AdvertPath path, Datagram datagram, long now) {
    if (heartbeats.isEcho(config, path, datagram.source(), now)) {
      notice(now);
      return;
    }
    var source = path.isFirst() ? router.source() : transport.source(config, path);
    var expected =
        new Expected(
            config.router().version(),
            config.router().advertInterval(),
            config.password(),
            source,
            transport.peers(path),
            path.minTtl(),
            config.hmac(),
            config.hmac() == null
                ? null
                : receiver.freshness(config, path.number(), node.clock().instant()));
    var advert = receiver.receive(config, path.number(), expected, datagram, now);
    var event =
        advert == null
            ? null
            : heartbeats.take(config, path, advert, datagram.source(), source, now);
    if (event != null) {
      if (probe.heard()) {
        look(now);
        group.faultsChanged(this, now);
      }
      step(event, now);
    }
    notice(now);
  }

  private void notice(long now) {
    if (heartbeats.notice(config, now)) {
      onStatus.accept(this);
    }
  }

  /** Whether a report says that something held by this master has been removed. */
  boolean loses(NetworkEvent event) {
    return router.state() instanceof Active && holdings().loses(event);
  }

  /** Whether a report may mean that something held by this master has been removed. */
  boolean mayLose(NetworkEvent event) {
    return router.state() instanceof Active && holdings().mayLose(event);
  }

  /** The node's NICs or addresses have changed. */
  void networkChanged(long now) {
    evaluate(now);
    if (router.state() instanceof Active && effects.isAnnouncementOutdated()) {
      LOG.info("hardware_address_changed vip={} action=announce", config.name());
      on(new Reannounce(), now);
    }
  }

  /**
   * The node has been read anew: a master puts back what is missing; others ask what they would.
   *
   * @return whether that was cause to act
   */
  boolean networkRead(long now) {
    if (router.state() instanceof Active) {
      var acted = new boolean[1];
      node.turn().run(this, () -> acted[0] = putBack(now));
      return acted[0];
    }
    boolean changed = faults.ask(config);
    if (changed) {
      evaluate(now);
    }
    noteDeadlines();
    return changed;
  }

  private boolean putBack(long now) {
    boolean unbalanced = holdings().isUnbalanced(servers.services(), node.services().found());
    if (unbalanced) {
      LOG.warn("services_changed_by_others vip={} action=put_back", config.name());
      step(new ServersChanged(), now);
    }
    var missing = holdings().missing();
    if (!missing.isEmpty() && router.state() instanceof Active) {
      missing.forEach(_ -> node.metrics().restored(config.name()));
      LOG.warn("removed_by_others vip={} what=\"{}\" action=put_back", config.name(), missing);
      step(new HoldingsLost(), now);
    }
    return unbalanced || !missing.isEmpty();
  }

  /**
   * A check has a new state.
   *
   * @param now nanoseconds of the event loop's clock
   */
  public void onCheck(CheckState state, long now) {
    node.turn()
        .run(
            this,
            () -> {
              if (servers.take(config.name(), state)) {
                step(new ServersChanged(), now);
              } else if (checks.take(config.name(), state)) {
                look(now);
              } else {
                return;
              }
              node.turn().later(this, () -> onStatus.accept(this));
            });
  }

  /**
   * A neighbour's session of BFD has news.
   *
   * @param fails whether they tell of its failure
   */
  void neighbourChanged(Neighbour neighbour, boolean fails, long now) {
    node.turn()
        .run(
            this,
            () -> {
              var link = node.network().link(config.interfaceName());
              boolean onFirst = link != null && link.index() == neighbour.linkIndex();
              if (fails && onFirst && !heartbeats.isHeardElsewhere(now)) {
                step(new NeighbourDown(neighbour.address()), now);
              }
              if (!config.bfd().routers().isEmpty()) {
                look(now);
              }
            });
  }

  /** Another instance has missed this master for its whole down interval. */
  void masterSilent(InetAddress master, long now) {
    if (master.equals(awaitedMaster())) {
      node.turn().run(this, () -> step(new MasterSilent(master), now));
    }
  }

  /** The master that a session of BFD is to watch; null for none. */
  InetAddress neighbour() {
    var master = router.state() instanceof Backup backup ? backup.master() : null;
    return master != null && heartbeats.isOnFirstPath(config, master) ? master : null;
  }

  /** As {@link Backup#awaited}; null if it is no backup. */
  InetAddress awaitedMaster() {
    return router.state() instanceof Backup backup ? backup.awaited() : null;
  }

  /** Switches to a configuration that {@linkplain InstanceConfig#continues continues} this one. */
  void update(InstanceConfig next, long now) {
    if (!next.equals(config)) {
      node.turn().later(this, () -> takeOver(next, now));
      node.turn().later(this, () -> look(now));
      node.turn().run(this, () -> onStatus.accept(this));
    }
  }

  private void takeOver(InstanceConfig next, long now) {
    boolean onlyServers =
        next.with(config.generation(), config.virtualServers(), config.egress()).equals(config);
    heartbeats.configChanged(config, next, router.state(), now);
    probe.configChanged(config, next, now);
    config = next;
    servers.update(next);
    if (onlyServers) {
      step(new ServersChanged(), now);
      return;
    }
    faults.configChanged(next, now);
    faults.ask(next);
    receiver.configChanged();
    startChecks();
    step(new ConfigChanged(next.router()), now);
  }

  /**
   * A newer version of the object is not run.
   *
   * @param generation its generation, if known
   * @param problems what is wrong with it; empty if the newest version runs
   */
  void refuse(Long generation, List<Problem> problems) {
    if (status.refuse(generation, problems)) {
      onStatus.accept(this);
    }
  }

  /** Problems that users should know about but that do not keep it from running. */
  void note(List<Problem> problems) {
    if (status.note(problems)) {
      onStatus.accept(this);
    }
  }

  /**
   * Asks this node to hand over if it is master, and limits its priority until the request ends. A
   * request with another time makes it hand over again.
   *
   * @param request null if there is no request any more
   */
  void ask(HandOver request, long now) {
    node.turn().run(this, () -> takeRequest(request, now));
  }

  private void takeRequest(HandOver request, long now) {
    boolean anew =
        request != null && (asked == null || !Objects.equals(asked.since(), request.since()));
    asked = request;
    look(now);
    if (anew) {
      node.turn()
          .next(this, () -> step(new Resign(new Reason(Kind.HandedOver, request.reason())), now));
    }
  }

  /** Hands over if it is master: the VirtualIP selects other nodes and no longer this one. */
  void leave(long now) {
    on(new Resign(new Reason(Kind.HandedOver, Kind.Deselected.name())), now);
  }

  /** The agent is about to end: a master resigns to its peers, and serves on for its successor. */
  void quit(long now) {
    node.turn()
        .run(
            this,
            () -> {
              stopChecks();
              quits = true;
              step(new Quit(Reason.of(Kind.AgentStopped)), now);
            });
  }

  /** Ends for good; a master resigns to its peers first. */
  public void stop(Reason reason, long now) {
    node.turn()
        .run(
            this,
            () -> {
              stopChecks();
              step(new Shutdown(reason), now);
            });
  }

  /** Ends after a defect, whatever its state: no address, route or rule of it may stay. */
  void abandon() {
    try {
      stopChecks();
    } finally {
      effects.abandon(config, router.source(), router.state() instanceof Active);
    }
  }

  private void stopChecks() {
    checks.stop(config.name());
    servers.stop(config.name());
  }

  private void startChecks() {
    boolean resumes =
        router.state() instanceof Initialize initialize
            && initialize.reasons().contains(Reason.of(Kind.Resuming));
    checks.run(config, resumes || !(router.state() instanceof Initialize));
    servers.update(config);
  }

  /** Looks at the node, the checks and the group, and passes changes on to the router. */
  void evaluate(long now) {
    node.turn().run(this, () -> look(now));
  }

  private void look(long now) {
    if (!started || quits) {
      // The node may change while it opens: it would take over with no check and no server.
      return;
    }
    if (group.isKnown()) {
      probe.heard();
    }
    var link = node.network().link(config.interfaceName());
    var source = source(link);
    if (source != null && !source.equals(router.source())) {
      step(new SourceChanged(source), now);
    }
    boolean checksFailed = checksFail;
    var effective = effectivePriority(now);
    int priority = asked == null ? effective.priority() : asked.limit(effective.priority());
    if (priority != router.priority()) {
      step(new PriorityChanged(priority), now);
      onStatus.accept(this);
    }
    handOverBefore(effective.leaving(), now);
    var found = faults.find(config, link, source, router.state(), now);
    boolean pathsChanged = heartbeats.look(config);
    probe.addFaults(found);
    checks.addFaults(effective, found);
    group.addFaults(this, found);
    boolean had = faults.hasOwn();
    boolean pended = faults.isPending();
    boolean first = !faults.hasLooked();
    boolean foundNews = faults.remember(found);
    var reasons = faults.reasons();
    if (group.allHaveLooked() && (!reasons.isEmpty() || router.state() instanceof Initialize)) {
      step(new FaultsChanged(reasons), now);
    }
    var strayed = strays();
    if (!strayed.equals(strays)) {
      LOG.warn("stray_addresses vip={} addresses={}", config.name(), strayed);
    }
    if (foundNews || pathsChanged || !strayed.equals(strays)) {
      strays = strayed;
      onStatus.accept(this);
    }
    if (first
        || faults.hasOwn() != had
        || faults.isPending() != pended
        || checksFail != checksFailed) {
      group.faultsChanged(this, now);
    }
  }

  /**
   * What a check is about serves for its last moments: a master hands over meanwhile, once.
   *
   * @param check its name, or null if there is none
   */
  private void handOverBefore(String check, long now) {
    boolean anew = check != null && !check.equals(leaving);
    leaving = check;
    if (anew) {
      var cause = new Reason(Kind.HandedOver, "PodTerminating(" + check + ")");
      node.turn().next(this, () -> step(new Resign(cause), now));
    }
  }

  private InetAddress source(Link link) {
    return link == null ? null : transport.source(config, AdvertPath.first(config, link));
  }

  private EffectivePriority effectivePriority(long now) {
    var effective = checks.effective(config, now);
    checksFail = effective.fails();
    return config.keepMaster()
        ? effective.keepingMaster(group.checksOfOthersFail(this))
        : effective;
  }

  /** Passes an event to the router, and does all that follows from it. */
  void on(Event event, long now) {
    node.turn().run(this, () -> step(event, now));
  }

  /** Makes a step, performs its effects, and then lets the sync group follow. */
  private void step(Event event, long now) {
    var before = router;
    var step = router.step(event, now);
    router = step.router();
    node.recorder().stepped(config.name(), now, event, step.effects());
    heartbeats.entered(config, router.state(), now);
    probe.entered(config, router.state(), now);
    if (Neighbours.differ(before.state(), router.state())) {
      node.neighbours().doubt();
    }
    if (step.changesState()) {
      timeline.begin(node.stopwatch().seen(), node.stopwatch().now());
    }
    for (var effect : step.effects()) {
      var refusal = effects.perform(effect, config, router.source(), now);
      if (refusal != null) {
        // The remaining effects no longer apply. The sync group follows the step that comes of the
        // refusal instead.
        node.turn().next(this, () -> refused(refusal, now));
        return;
      }
      performed(effect, before);
    }
    if (!Objects.equals(InstanceStatus.heardMaster(before), InstanceStatus.heardMaster(router))) {
      onStatus.accept(this);
    }
    if (config.syncGroup() != null) {
      group.stepped(this, before, step, now);
    }
  }

  /** Lets members of the sync group take their steps next, in this order. */
  void follow(Map<String, Event> events, Map<String, VrrpInstance> members, long now) {
    var followers = events.keySet().stream().map(members::get).toList();
    var steps = new ArrayList<Runnable>();
    events.forEach((name, event) -> steps.add(() -> members.get(name).step(event, now)));
    node.turn().next(followers, steps);
  }

  /** Looks at the node after all waiting work. */
  void lookLater(long now) {
    node.turn().later(this, () -> look(now));
  }

  private void performed(Effect effect, VirtualRouter before) {
    switch (effect) {
      case BindAddresses _, RestoreAddresses _, RenewLeases _ -> faults.bound();
      case StateChanged changed -> stateChanged(changed);
      case UnbindAddresses _ -> {
        boolean servedOn = before.state() instanceof Backup backup && backup.servesOn();
        if (servedOn && router.state() instanceof Backup) {
          // Not worth a write of its own: the next write of the status has it.
          status.releasedLater(config.name());
        }
      }
      case SendAdvertisement _, AnnounceAddresses _, BalanceServers _ -> {}
    }
  }

  /** A refused bind becomes a fault: a master without its addresses must not stay master. */
  private void refused(String error, long now) {
    faults.bindFailed(error, now);
    LOG.error("bind_failed vip={} error=\"{}\"", config.name(), error);
    look(now);
  }

  private void stateChanged(StateChanged changed) {
    status.entered(config.name(), router, changed, servesOn());
    receiver.stateChanged();
    onStatus.accept(this);
  }

  /** Whether it has handed over and holds the addresses still, for its successor. */
  boolean servesOn() {
    return router.state().servesOn();
  }

  VirtualIpStatus.State stateName() {
    return InstanceStatus.name(router.state());
  }

  /** Whether it holds its addresses: as master, or until its successor is there. */
  boolean holds() {
    return router.state() instanceof Active || servesOn();
  }

  /** The status as it is written to the VirtualIP. */
  public NodeStatus status() {
    boolean lastResort =
        asked == null && config.keepMaster() && router.priority() == EffectivePriority.LAST_RESORT;
    return status.of(
        config,
        router,
        lastResort,
        strays(),
        servers.status(),
        heartbeats.status(config, router.source()));
  }

  /**
   * Virtual addresses that something other than the agent has bound on this node while it is not
   * master: clients may end up here. An address owner (priority 255) has them anyway.
   */
  private List<String> strays() {
    return holds() || config.priority() == VirtualRouterConfig.OWNER
        ? List.of()
        : holdings().strays(config);
  }
}
