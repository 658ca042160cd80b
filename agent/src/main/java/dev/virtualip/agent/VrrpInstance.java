package dev.virtualip.agent;

import dev.virtualip.agent.AgentMetrics.Part;
import dev.virtualip.agent.check.CheckFault.CheckFailed;
import dev.virtualip.agent.check.CheckFault.CheckGood;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.EffectivePriority;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RouteRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.AdvertisementCodec.ChecksumForm;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Decoded;
import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Decoded.Rejected;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.ConfigChanged;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.Event.Wish;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.State.Takeover;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.agent.vrrp.VirtualRouter;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.HealthCheck;
import dev.virtualip.crds.IpPrefix;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.HandOver;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running VirtualIP: feeds its virtual router with what happens on the node, and performs the
 * effects in their order. Used by the event loop's thread only; times are its nanoseconds.
 */
final class VrrpInstance {
  private static final Logger LOG = LoggerFactory.getLogger(VrrpInstance.class);
  private static final long SECOND = 1_000_000_000L;
  private static final long BIND_RETRY_MIN = 5 * SECOND;
  private static final long BIND_RETRY_MAX = 64 * BIND_RETRY_MIN;
  private static final int PEERS_NOTED_MAX = 255;
  private static final String CHECK_PENDING = "CheckPending";
  private static final String DELAY_AFTER_BOOT = "DelayAfterBoot";
  private static final String GROUP_PENDING = VirtualRouter.SYNC_GROUP + "Pending";

  /** Shortest time for which a master that hands over waits to hear of its successor. */
  private static final long SUCCESSION_MIN = 250_000_000L;

  private static final Set<String> NOT_A_FAULT =
      Set.of(
          VirtualRouter.STARTING,
          VirtualRouter.RESUMING,
          VirtualRouterLoop.AGENT_STOPPED,
          DELAY_AFTER_BOOT);

  private final Node node;
  private final Consumer<VrrpInstance> onStatus;
  private final Map<HealthCheck, AutoCloseable> runners = new LinkedHashMap<>();
  private final Map<String, CheckState> checks = new LinkedHashMap<>();
  private final Map<String, String> faultDetails = new LinkedHashMap<>();

  /** What has been said since the last change of state, so that a flood fills no log. */
  private final Set<String> warned = new HashSet<>();

  private final Map<InetAddress, ChecksumForm> checksumForms = new HashMap<>();
  private final AdvertTransport transport;
  private final Holdings holdings;
  private final Announcer announcer;
  private final LinkStates links;
  private final Speakers speakers = new Speakers();

  private InstanceConfig config;
  private VirtualRouter router;
  private SyncGroupMembers group;
  private String joined;
  private List<Problem> refused = List.of();
  private Long refusedGeneration;
  private List<Problem> noted = List.of();
  private String bindFault;
  private long bindFaultUntil = State.NEVER;
  private long bindRetry = BIND_RETRY_MIN;
  private long bootDelayUntil = State.NEVER;
  private boolean addressListWarned;
  private boolean checksFail;
  private boolean looked;
  private List<String> strays = List.of();
  private HandOver asked;
  private long releaseAt = State.NEVER;
  private String cause;
  private Instant since;
  private Instant stepBegan;
  private Duration took;
  private long transitions;

  /**
   * An instance that does nothing before it is {@linkplain #start started}.
   *
   * @param resumes whether an earlier life on this node was master and is so still
   */
  VrrpInstance(InstanceConfig config, boolean resumes, Node node, Consumer<VrrpInstance> onStatus) {
    this.config = config;
    this.node = node;
    this.onStatus = onStatus;
    since = node.clock().instant();
    transport = new AdvertTransport(node);
    holdings = new Holdings(node);
    announcer = new Announcer(node);
    router =
        resumes
            ? VirtualRouter.resume(config.router(), config.priority())
            : VirtualRouter.create(config.router(), config.priority());
    cause = resumes ? VirtualRouter.RESUMING : VirtualRouter.STARTING;
    group = new SyncGroupMembers(List.of());
    links = new LinkStates(node.network());
    node.recorder().started(config.name(), router);
  }

  /**
   * Makes it a member of its sync group, possibly of nobody else.
   *
   * @return whether it was a member of another group, or of none
   */
  boolean join(SyncGroupMembers members) {
    boolean comes = !Objects.equals(joined, config.syncGroup());
    joined = config.syncGroup();
    group = members;
    return comes;
  }

  Holdings holdings() {
    return holdings;
  }

  VirtualRouter router() {
    return router;
  }

  /** Whether something stands in the way of this router, the other members aside. */
  boolean hasOwnFaults() {
    return faultDetails.keySet().stream().anyMatch(f -> !f.startsWith(VirtualRouter.SYNC_GROUP));
  }

  /** Opens what it will listen by, as far as that can be opened. */
  void open(long now) {
    var link = node.network().link(config.interfaceName());
    faults(link, link == null ? null : transport.source(config, link), now);
  }

  /** Whether a check of weight 0 keeps this router from its full priority or from taking part. */
  boolean checksFail() {
    return checksFail;
  }

  /** Whether it only waits for its own checks. */
  boolean isPending() {
    return hasOwnFaults()
        && faultDetails.keySet().stream()
            .allMatch(f -> f.startsWith(VirtualRouter.SYNC_GROUP) || isNoFault(f));
  }

  /** Whether it knows what stands in its way. */
  boolean hasLooked() {
    return looked;
  }

  /**
   * Starts the checks and, if nothing stands in the way, listens. A member of a sync group does so
   * when it is {@linkplain #evaluate told} after it has {@linkplain #join joined}.
   */
  void start(long now) {
    warnWithoutLinkLocal();
    startChecks();
    if (config.syncGroup() == null) {
      evaluate(now);
    }
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

  /** When {@link #onDeadline} is due. */
  long deadline() {
    return Math.min(
        Math.min(Math.min(router.deadline(), announcer.deadline()), releaseAt),
        Math.min(
            Math.min(bindFaultUntil, bootDelayUntil),
            Math.min(links.deadline(), speakers.deadline())));
  }

  /** Does what is due. */
  void onDeadline(long now) {
    if (deadline() <= now) {
      node.metrics().late(config.name(), now - deadline());
    }
    if (router.deadline() <= now) {
      boolean waits = config.syncGroup() != null && router.state() instanceof State.Backup;
      on(waits ? new Wish() : new TimerExpired(), now);
    }
    if (releaseAt <= now) {
      release();
    }
    if (speakers.deadline() <= now && speakers.forget(now)) {
      onStatus.accept(this);
    }
    if (announcer.deadline() <= now) {
      announcer.announceDue(config, now);
    }
    if (bindFaultUntil <= now) {
      bindFault = null;
      bindFaultUntil = State.NEVER;
      evaluate(now);
    }
    if (links.deadline() <= now || bootDelayUntil <= now) {
      evaluate(now);
    }
  }

  /** Whether a datagram on a link is for this virtual router. */
  boolean takes(int linkIndex, Datagram datagram) {
    return transport.takes(config, linkIndex, datagram);
  }

  void onDatagram(Datagram datagram, long now) {
    var expected =
        new Expected(
            config.router().version(),
            config.router().advertInterval(),
            config.password(),
            router.source(),
            transport.peers(config));
    switch (AdvertisementCodec.decode(datagram, expected)) {
      case Rejected rejected -> rejected(rejected.reason(), datagram.source(), now);
      case Accepted accepted -> {
        noteChecksumForm(datagram);
        accepted(accepted.advertisement(), datagram.source(), now);
      }
    }
  }

  /** Says once for each peer which checksum it sends; a router of the other kind is deaf to us. */
  private void noteChecksumForm(Datagram datagram) {
    var source = datagram.source();
    if (config.router().version() == Version.V2
        || config.ipv6()
        || checksumForms.size() >= PEERS_NOTED_MAX && !checksumForms.containsKey(source)) {
      return;
    }
    var form = AdvertisementCodec.checksumForm(datagram);
    if (form != checksumForms.put(source, form)) {
      LOG.info(
          "peer_checksum vip={} source={} covers={} ours={}",
          config.name(),
          IpPrefix.text(source),
          form,
          config.checksum());
    }
  }

  private void rejected(Decoded.Reason reason, InetAddress source, long now) {
    noteSpeaker(source, reason.name(), now);
    node.metrics().rejected(config.name(), reason.name());
    if (warned.add(reason.name())) {
      LOG.warn(
          "advert_rejected vip={} reason={} source={} (more are only counted for now)",
          config.name(),
          reason,
          IpPrefix.text(source));
    }
  }

  private void noteSpeaker(InetAddress source, String reason, long now) {
    if (speakers.heard(source, reason, now)) {
      onStatus.accept(this);
    }
  }

  private void accepted(Advertisement advert, InetAddress source, long now) {
    node.metrics().received(config.name(), advert.priority());
    var theirs = Set.copyOf(advert.addresses());
    boolean differs = !theirs.equals(Set.copyOf(config.advertised()));
    if (differs) {
      node.metrics().differs(config.name());
    }
    if (differs && !addressListWarned) {
      LOG.warn(
          "advert_lists_other_addresses vip={} source={} theirs={} ours={}",
          config.name(),
          IpPrefix.text(source),
          theirs,
          config.advertised());
    }
    addressListWarned = differs;
    noteSpeaker(source, differs ? Speakers.OTHER_ADDRESSES : null, now);
    warnOfTwoOwners(advert, source);
    if (releaseAt != State.NEVER && advert.priority() > 0) {
      release();
    }
    if (isLastResort(advert) && router.state() instanceof State.Backup backup) {
      // As good as resigned: neither a preempt delay nor nopreempt is meant to keep it. Its adverts
      // must not put off again and again what the first has begun.
      if (backup.takeover() != Takeover.MasterResigned) {
        on(new AdvertisementReceived(0, advert.interval(), source), now);
      }
      return;
    }
    on(new AdvertisementReceived(advert.priority(), advert.interval(), source), now);
  }

  private void warnOfTwoOwners(Advertisement advert, InetAddress source) {
    boolean owners =
        config.priority() == VirtualRouterConfig.OWNER
            && advert.priority() == VirtualRouterConfig.OWNER;
    if (owners && warned.add("TwoOwners")) {
      LOG.warn(
          "two_owners vip={} source={} action=\"give priority 255 to one router at most\"",
          config.name(),
          IpPrefix.text(source));
    }
  }

  /** Whether an advert is that of a master with failed checks, and ours are good. */
  private boolean isLastResort(Advertisement advert) {
    return keepsMaster()
        && advert.priority() == EffectivePriority.LAST_RESORT
        && router.priority() > EffectivePriority.LAST_RESORT;
  }

  private boolean keepsMaster() {
    return config.keepMaster() && group.keepMaster();
  }

  /** A report of the kernel that the node's view has taken in already. */
  void onNetwork(NetworkEvent event, long now) {
    if (event instanceof AddressRemoved
        || event instanceof RouteRemoved
        || event instanceof RuleRemoved) {
      if (router.state() instanceof Active && holdings.lost(event)) {
        node.metrics().restored(config.name());
        LOG.warn("removed_by_others vip={} what={} action=put_back", config.name(), event);
        bind(now);
        announcer.start(config, now);
      }
    }
    evaluate(now);
    if (event instanceof Overrun && router.state() instanceof Active) {
      holdings.doubt();
      bind(now);
    }
  }

  void onCheck(CheckState state, long now) {
    if (!checks.containsKey(state.name())) {
      return;
    }
    checks.put(state.name(), state);
    node.metrics().check(config.name(), state);
    LOG.info(
        "check vip={} check={} verdict={} detail=\"{}\"",
        config.name(),
        state.name(),
        state.verdict(),
        state.detail());
    evaluate(now);
    onStatus.accept(this);
  }

  /** Takes over a configuration that {@linkplain InstanceConfig#continues continues} this one. */
  void update(InstanceConfig next, long now) {
    if (next.equals(config)) {
      return;
    }
    config = next;
    bindRetry = BIND_RETRY_MIN;
    bindFaultUntil = bindFault == null ? State.NEVER : now;
    addressListWarned = false;
    warned.clear();
    startChecks();
    on(new ConfigChanged(next.router()), now);
    evaluate(now);
    onStatus.accept(this);
  }

  /**
   * A newer version of the object is not run.
   *
   * @param generation its generation, if known
   * @param problems what is wrong with it; empty if the newest version runs
   */
  void refuse(Long generation, List<Problem> problems) {
    if (!problems.equals(refused)) {
      refused = List.copyOf(problems);
      refusedGeneration = problems.isEmpty() ? null : generation;
      onStatus.accept(this);
    }
  }

  /** What users should know, though it keeps nothing from running. */
  void note(List<Problem> problems) {
    if (!problems.equals(noted)) {
      noted = List.copyOf(problems);
      onStatus.accept(this);
    }
  }

  /**
   * Takes in what this node is asked to do: to hand over if it is master, and to be no more than a
   * last resort from then on. Asked again at another time it hands over again.
   *
   * @param request null if it is not asked any more
   */
  void ask(HandOver request, long now) {
    boolean anew =
        request != null && (asked == null || !Objects.equals(asked.since(), request.since()));
    asked = request;
    evaluate(now);
    if (anew) {
      on(new Resign("HandedOver(" + request.reason() + ")"), now);
    }
  }

  /** Ends; a master says so to its peers first. */
  void stop(String reason, long now) {
    stopChecks(Set.of());
    on(new Shutdown(reason), now);
  }

  /** Starts checks that are new and stops those that are gone; the others go on as they are. */
  private void startChecks() {
    stopChecks(Set.copyOf(config.healthChecks()));
    boolean takesPart =
        !(router.state() instanceof Initialize) || cause.equals(VirtualRouter.RESUMING);
    for (var check : config.healthChecks()) {
      if (!runners.containsKey(check)) {
        // A check added to a router that takes part, or that its earlier life has passed a moment
        // ago, is no reason to stop until it has told.
        checks.put(
            check.name(),
            takesPart
                ? CheckState.of(check, check.reverse() ? Verdict.Failed : Verdict.Good, "")
                : CheckState.initial(check));
        runners.put(check, node.checks().start(config.name(), check));
      }
    }
  }

  private void stopChecks(Set<HealthCheck> kept) {
    var stopped = new HashSet<>(runners.keySet());
    stopped.removeAll(kept);
    for (var check : stopped) {
      try {
        runners.remove(check).close();
      } catch (Exception e) {
        LOG.warn("check_not_stopped vip={} check={}", config.name(), check.name(), e);
      }
      checks.remove(check.name());
      node.metrics().forgetCheck(config.name(), check.name());
    }
  }

  /** Looks at the node and tells the router what has changed. */
  void evaluate(long now) {
    var link = node.network().link(config.interfaceName());
    var source = link == null ? null : transport.source(config, link);
    if (source != null && !source.equals(router.source())) {
      on(new SourceChanged(source), now);
    }
    boolean checksFailed = checksFail;
    var effective = effectivePriority(now);
    int priority = asked == null ? effective.priority() : asked.limit(effective.priority());
    if (priority != router.priority()) {
      changePriority(priority, now);
    }
    var details = faults(link, source, now);
    effective
        .faults()
        .forEach(
            f ->
                details.put(
                    f.toString(),
                    f instanceof CheckGood
                        ? "check " + f.name() + " is good, and reverse is set"
                        : checks.get(f.name()).detail()));
    for (var other : group.faultyOthers(this)) {
      var name = other.config().name();
      if (other.isPending()) {
        details.put(GROUP_PENDING + "(" + name + ")", "");
      } else {
        details.put(
            VirtualRouter.SYNC_GROUP + "(" + name + ")", "VirtualIP " + name + " is at fault");
      }
    }
    boolean detailsChanged = !details.equals(faultDetails);
    boolean had = hasOwnFaults();
    boolean pended = isPending();
    boolean first = !looked;
    looked = true;
    faultDetails.clear();
    faultDetails.putAll(details);
    var reasons = List.copyOf(details.keySet());
    if (group.allHaveLooked() && (!reasons.isEmpty() || router.state() instanceof Initialize)) {
      on(new FaultsChanged(reasons), now);
    }
    var strayed = strays();
    if (!strayed.equals(strays)) {
      LOG.warn("stray_addresses vip={} addresses={}", config.name(), strayed);
    }
    if (detailsChanged || !strayed.equals(strays)) {
      strays = strayed;
      onStatus.accept(this);
    }
    if (first || hasOwnFaults() != had || isPending() != pended || checksFail != checksFailed) {
      group.faultsChanged(this, now);
    }
  }

  private EffectivePriority effectivePriority(long now) {
    var effective = EffectivePriority.of(config.priority(), weighed(now));
    checksFail = !effective.faults().isEmpty();
    return keepsMaster() ? effective.keepingMaster(group.checksOfOthersFail(this)) : effective;
  }

  private void changePriority(int priority, long now) {
    on(new PriorityChanged(priority), now);
    if (keepsMaster()
        && priority == EffectivePriority.LAST_RESORT
        && router.state() instanceof Active) {
      // Nobody is served meanwhile: who can take over should not wait for the next regular advert.
      transport.send(config, priority, router.source());
    }
    onStatus.accept(this);
  }

  /**
   * Checks and tracked NICs that count for the priority. Members of a sync group have none with a
   * weight, as in keepalived: their priorities would drift apart.
   */
  private List<CheckState> weighed(long now) {
    var weighed = new ArrayList<CheckState>();
    checks.values().stream()
        .filter(check -> check.weight() == 0 || config.syncGroup() == null)
        .forEach(weighed::add);
    if (config.syncGroup() == null) {
      for (var tracked : config.trackInterfaces()) {
        if (tracked.weight() != 0) {
          boolean up = links.up(tracked.name(), config.linkDebounce(), now);
          weighed.add(
              new CheckState(
                  tracked.name(),
                  tracked.weight(),
                  tracked.reverse(),
                  up ? Verdict.Good : Verdict.Failed,
                  ""));
        }
      }
    }
    return weighed;
  }

  /** What stands in the way apart from checks: reason and detail, in the order of discovery. */
  private Map<String, String> faults(Link advertLink, InetAddress source, long now) {
    var faults = new LinkedHashMap<String, String>();
    long ready = node.bootedAt() + config.delayAfterBoot();
    boolean early = router.state() instanceof Initialize && now < ready;
    bootDelayUntil = early ? ready : State.NEVER;
    if (early) {
      faults.put(
          DELAY_AFTER_BOOT,
          "it takes part " + config.delayAfterBoot() / SECOND + " s after the boot");
    }
    for (var nic : config.interfaces().entrySet()) {
      var name = nic.getKey();
      var link = node.network().link(name);
      if (link == null) {
        faults.put(
            "InterfaceNotFound(" + name + ")",
            "%s: there is no NIC %s on this node (it has %s): correct the name"
                .formatted(nic.getValue(), name, String.join(", ", node.network().linkNames())));
      } else if (!links.up(name, config.linkDebounce(), now)) {
        faults.put("LinkDown(" + name + ")", name + " is down or has no carrier");
      } else if (link.up()) {
        openPort(link, faults);
      }
    }
    if (advertLink != null) {
      transportFaults(advertLink, source, faults);
    }
    if (config.missingSecret() != null) {
      var secret = config.missingSecret();
      faults.put(
          "SecretNotFound(" + secret.name() + "/" + secret.key() + ")",
          "create the Secret " + secret.name() + " with the key " + secret.key());
    }
    if (bindFault != null) {
      faults.put("BindFailed", bindFault);
    }
    return faults;
  }

  private void transportFaults(Link link, InetAddress source, Map<String, String> faults) {
    if (source == null) {
      faults.put(
          "NoAddress(" + link.name() + ")",
          "%s has no %s address of its own to send adverts from"
              .formatted(
                  link.name(),
                  config.ipv6() ? config.unicast() ? "IPv6" : "IPv6 link-local" : "IPv4"));
    } else if (link.up()) {
      try {
        transport.open(config, link, source);
      } catch (IOException e) {
        faults.put("TransportFailed(" + link.name() + ")", e.getMessage());
      }
    }
    transport.addFaults(config, link, faults);
  }

  private void openPort(Link link, Map<String, String> faults) {
    try {
      node.ports().open(link);
    } catch (IOException e) {
      faults.put("CaptureFailed(" + link.name() + ")", e.getMessage());
    }
  }

  /** Makes a step, performs its effects, and then tells the sync group. */
  void on(Event event, long now) {
    stepBegan = node.clock().instant();
    var before = router;
    var step = router.step(event, now);
    router = step.router();
    node.recorder().stepped(config.name(), now, event, step.effects());
    long begun = System.nanoTime();
    boolean takesOver = router.state() instanceof Active && !(before.state() instanceof Active);
    for (var effect : step.effects()) {
      if (!perform(event, effect, now)) {
        return;
      }
      if (takesOver) {
        measure(effect, System.nanoTime() - begun);
      }
    }
    if (config.syncGroup() != null) {
      group.stepped(this, before, step, now);
    }
  }

  /** How far a takeover is; what takes long here is time without service. */
  private void measure(Effect effect, long nanos) {
    var part =
        switch (effect) {
          case SendAdvertisement _ -> Part.Advert;
          case BindAddresses _ -> Part.Bound;
          case AnnounceAddresses _ -> Part.Announced;
          case RenewLeases _, UnbindAddresses _, StateChanged _ -> null;
        };
    if (part != null) {
      node.metrics().takeover(config.name(), part, nanos);
    }
  }

  /** Performs an effect; false if the rest no longer applies. */
  private boolean perform(Event event, Effect effect, long now) {
    switch (effect) {
      case SendAdvertisement advert -> transport.send(config, advert.priority(), router.source());
      case BindAddresses _ -> {
        return bind(now);
      }
      case RenewLeases _ -> {
        return !holdings.renewalDue(now, config) || bind(now);
      }
      case UnbindAddresses _ -> {
        announcer.stop();
        releaseAt = event instanceof Resign && sharesLeases() ? successionEnd(now) : now;
        if (releaseAt <= now) {
          release();
        }
      }
      case AnnounceAddresses _ -> announcer.start(config, now);
      case StateChanged changed -> stateChanged(changed);
    }
    return true;
  }

  /**
   * A master that hands over in good health serves on until its successor says that it is there:
   * the peers wait for their skew time, and in between somebody should answer. Nobody who comes
   * later than that is waited for.
   */
  private long successionEnd(long now) {
    var router = config.router();
    long skew = Timers.skewTime(router.version(), 1, router.advertInterval());
    return now + Math.max(skew, SUCCESSION_MIN);
  }

  /** Whether two nodes may have the addresses for a moment. */
  private boolean sharesLeases() {
    return config.router().leasePolicy() == LeasePolicy.Overlap;
  }

  private void release() {
    releaseAt = State.NEVER;
    holdings.release(config);
  }

  /** Makes the node hold what is configured; a refusal is a fault, never a silent master. */
  private boolean bind(long now) {
    var error = holdings.hold(config, now);
    if (error == null) {
      bindRetry = BIND_RETRY_MIN;
      node.metrics().renewed(config.name());
      return true;
    }
    node.metrics().bindFailed(config.name());
    bindFault = error;
    bindFaultUntil = now + bindRetry;
    // Each try may cost a good master its place for nothing: try ever more seldom.
    bindRetry = Math.min(2 * bindRetry, BIND_RETRY_MAX);
    LOG.error("bind_failed vip={} error={}", config.name(), error);
    evaluate(now);
    return false;
  }

  private void stateChanged(StateChanged changed) {
    switch (changed.state()) {
      case State.Backup _ -> {}
      case Active _ -> releaseAt = State.NEVER;
      case Initialize _ -> {
        if (releaseAt != State.NEVER) {
          release();
        }
      }
    }
    // Waiting for a while or for the first check results was no fault to recover from.
    boolean waited = Stream.of(cause.split(", ")).allMatch(VrrpInstance::isNoFault);
    cause =
        waited && changed.cause().equals(VirtualRouter.RECOVERED)
            ? VirtualRouter.STARTED
            : changed.cause();
    since = node.clock().instant();
    took = Duration.between(stepBegan, since);
    warned.clear();
    transitions++;
    node.metrics().transition(config.name(), stateName().name(), cause);
    LOG.info(
        "state vip={} state={} priority={} took={} cause=\"{}\"",
        config.name(),
        stateName(),
        router.priority(),
        tookText(),
        cause);
    onStatus.accept(this);
  }

  VirtualIpStatus.State stateName() {
    return switch (router.state()) {
      case State.Backup _ -> VirtualIpStatus.State.Backup;
      case Active _ -> VirtualIpStatus.State.Master;
      case Initialize initialize ->
          initialize.reasons().stream().allMatch(VrrpInstance::isNoFault)
              ? VirtualIpStatus.State.Init
              : VirtualIpStatus.State.Fault;
    };
  }

  /** Null before the first state was entered. */
  private String tookText() {
    return took == null ? null : "%.1fms".formatted(took.toNanos() / 1e6);
  }

  private static boolean isNoFault(String reason) {
    return NOT_A_FAULT.contains(reason)
        || reason.startsWith(CHECK_PENDING)
        || reason.startsWith(GROUP_PENDING);
  }

  NodeStatus status() {
    var messages = new ArrayList<String>();
    refused.forEach(problem -> messages.add("not run: " + problem));
    faultDetails.values().stream().filter(detail -> !detail.isEmpty()).forEach(messages::add);
    checks.values().stream()
        .filter(check -> check.verdict() == Verdict.Failed && !check.reverse())
        .filter(check -> !faultDetails.containsKey(new CheckFailed(check.name()).toString()))
        .forEach(check -> messages.add("check " + check.name() + ": " + check.detail()));
    if (asked == null && keepsMaster() && router.priority() == EffectivePriority.LAST_RESORT) {
      messages.add("priority 1 until checks are good (whenAllFail: KeepMaster)");
    }
    noted.forEach(problem -> messages.add(problem.toString()));
    var counting = speakers.counting();
    var strayed = strays();
    return new NodeStatus(
        stateName(),
        router.priority(),
        since.truncatedTo(ChronoUnit.MILLIS).toString(),
        cause,
        messages.isEmpty() ? null : messages.stream().collect(Collectors.joining("; ")),
        config.generation(),
        refusedGeneration,
        transitions,
        router.source() == null ? null : IpPrefix.text(router.source()),
        counting.isEmpty() ? null : counting,
        strayed.isEmpty() ? null : strayed,
        tookText());
  }

  /**
   * What this node has of the addresses though it is not master, bound by somebody else: clients
   * may end up here. An address owner has them anyway.
   */
  private List<String> strays() {
    boolean may = router.state() instanceof Active || releaseAt != State.NEVER;
    if (may || config.priority() == VirtualRouterConfig.OWNER) {
      return List.of();
    }
    return config.addresses().stream()
        .filter(
            address -> {
              var link = node.network().link(address.interfaceName());
              var ip = address.prefix().address();
              return link != null && node.network().hasFromOthers(link.index(), ip);
            })
        .map(address -> address.prefix() + " dev " + address.interfaceName())
        .toList();
  }
}
