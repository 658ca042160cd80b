package dev.virtualip.agent.instance;

import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.holding.AcceptedAddresses;
import dev.virtualip.agent.holding.Holdings;
import dev.virtualip.agent.instance.Input.CheckChanged;
import dev.virtualip.agent.instance.Input.FrameReceived;
import dev.virtualip.agent.instance.Input.NeighbourChanged;
import dev.virtualip.agent.instance.Input.NetworkChanged;
import dev.virtualip.agent.instance.Input.Noted;
import dev.virtualip.agent.instance.Input.PlanChanged;
import dev.virtualip.agent.metrics.VirtualServerMetrics.Owner;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Failure;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.PlanChange;
import dev.virtualip.agent.plan.PlanChange.Refused;
import dev.virtualip.agent.plan.PlanChange.Run;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All VirtualIPs of a node as one deterministic machine. Each input comes with its time, and the
 * same inputs at the same times have the same effects on the node. The machine has no thread,
 * clock, file or socket of its own. Times are nanoseconds of the caller's clock.
 */
public final class NodeMachine {
  private static final Logger LOG = LoggerFactory.getLogger(NodeMachine.class);

  private static final long SECOND = 1_000_000_000L;
  private static final long RESTART_MAX = 64 * SECOND;

  /** How often the network is read when no report gives cause to. */
  private static final long READ_PERIOD = 5 * SECOND;

  /** How long it has to be quiet after a loss that follows another, and how long that may take. */
  private static final long QUIET = SECOND / 4;

  private static final long CALM = 10 * SECOND;

  /** How many compare with what was read in a turn, some 20 µs each. */
  private static final int COMPARED_MAX = 32;

  /** Receives what happens, on the machine's thread; must not block. */
  public interface Listener {
    /** A virtual router has another status. */
    void changed(String virtualIp, NodeStatus status);

    /** This node no longer has anything to do with a VirtualIP. */
    void removed(String virtualIp);

    /** This node is now master of exactly these VirtualIPs, by name. */
    void masters(Map<String, MasterRecord.Master> masters);

    /** The node's NICs or their addresses have changed. */
    void nics(Nics nics);

    /** What IPVS has by exactly these keys is this agent's. */
    void services(Set<ServiceKey> keys);
  }

  private final NavigableMap<String, VrrpInstance> instances = new TreeMap<>();
  private final Map<String, Run> runs = new TreeMap<>();

  /** Instances by VRID, so that an advert is not shown to all; null since one came or went. */
  private Map<Integer, List<VrrpInstance>> byVrid;

  /** By VirtualIP, problems that were noted; perhaps before its instance began. */
  private final Map<String, List<Problem>> notes = new HashMap<>();

  private final Restarts restarts = new Restarts(SECOND, RESTART_MAX);
  private final Node node;
  private final Listener listener;
  private final EarlierLife earlierLife;
  private final AcceptedAddresses accepted;
  private final IpvsSettings ipvsSettings;
  private final EgressSettings egressSettings;
  private final Queue<PlanChange> opened = new ArrayDeque<>();

  /** What this node is not selected for any more, and serves until a successor is there. */
  private final Set<String> leaving = new TreeSet<>();

  /** Masters that have been handled in this pass, and may have leases to renew. */
  private final List<VrrpInstance> renewing = new ArrayList<>();

  private Map<String, MasterRecord.Master> masters = Map.of();
  private Nics toldNics;
  private boolean configured;
  private boolean networkIsNew;

  /** Whether a state or a configuration has changed since IPVS was settled. */
  private boolean unsettled;

  /** Names of instances that have still to compare what they hold with what was read. */
  private final Queue<String> toCompare = new ArrayDeque<>();

  private long readAt = State.NEVER;

  /** When to read because of reports that may mean a loss, and when that was done last. */
  private long lossAt = State.NEVER;

  private long lossReadAt = Long.MIN_VALUE / 2;

  /** Time of the input, or of the deadline, that is being handled. */
  private long now;

  private final Map<String, NodeStatus> statuses = new ConcurrentHashMap<>();

  private boolean quits;

  /**
   * A machine to be {@linkplain #start started}.
   *
   * @param earlier what this node was master of when an earlier life of the agent ended
   * @param services keys of the virtual services that an earlier life may have put
   */
  public NodeMachine(
      Map<String, MasterRecord.Master> earlier,
      Set<ServiceKey> services,
      Node node,
      Listener listener) {
    this.node = node;
    this.listener = listener;
    node.services().recall(services);
    earlierLife = new EarlierLife(node, earlier);
    accepted = new AcceptedAddresses(node.network(), node.addresses());
    ipvsSettings = new IpvsSettings(node.services().port(), node.network());
    egressSettings = new EgressSettings(node);
    node.turn().onDefect((instance, defect) -> abandon(instance, defect));
  }

  /** Status of each VirtualIP that this node runs or refuses, by name. Callable from any thread. */
  public Map<String, NodeStatus> statuses() {
    return Collections.unmodifiableMap(statuses);
  }

  /** The running instance of a VirtualIP, or null. */
  VrrpInstance instance(String virtualIp) {
    return instances.get(virtualIp);
  }

  /** Whether the first plan has been carried out. */
  public boolean configured() {
    return configured;
  }

  /**
   * Reads the network for the first time. The caller has to subscribe to its reports before, so
   * that no change between the two is lost.
   */
  public void start() {
    try {
      node.network().reload();
    } catch (IOException e) {
      LOG.error("network_not_read error=\"{}\"", e.getMessage());
    }
    accepted.adopt();
    clearLeftOvers();
    tellNics();
  }

  /**
   * When {@link #dueForMaster}, {@link #dueForOne} or {@link #begin} has something to do, or {@link
   * State#NEVER}.
   */
  public long deadline() {
    if (!opened.isEmpty() || networkIsNew || !toCompare.isEmpty() || unsettled) {
      return now;
    }
    boolean reads = !instances.isEmpty() || !accepted.isEmpty();
    long first = Math.min(restarts.deadline(), reads ? nextReadAt() : State.NEVER);
    for (var instance : instances.values()) {
      first = Math.min(first, instance.deadline());
    }
    return first;
  }

  /**
   * Meets the deadlines of one master. Masters come before inputs: a master that slept too long has
   * to let go before it acts on anything else. The caller reads the clock for each one, as the work
   * for the one before may have taken long.
   *
   * @param after name of the VirtualIP handled before, or an empty text for the first
   * @return the name of the VirtualIP handled, or null if no master after that name has anything
   *     due
   */
  public String dueForMaster(String after, long time) {
    now = time;
    if (after.isEmpty()) {
      node.renewals().refill();
    }
    for (var entry : instances.tailMap(after, false).entrySet()) {
      var instance = entry.getValue();
      if (instance.masterDeadline() <= now) {
        instance.onDeadlineButRenewals(now);
        renewing.add(instance);
        return entry.getKey();
      }
    }
    renewTogether();
    return null;
  }

  /** One write to the kernel for the leases of all masters that have just been handled. */
  private void renewTogether() {
    var parts = new LinkedHashMap<VrrpInstance, List<Change>>();
    for (var instance : renewing) {
      if (instance.renewsNow(now)) {
        node.turn().run(instance, () -> parts.put(instance, instance.renewals(now)));
      }
    }
    renewing.clear();
    if (parts.isEmpty()) {
      return;
    }
    try {
      var changes = new ArrayList<Change>();
      parts.values().forEach(changes::addAll);
      var failures = node.addresses().apply(changes);
      parts.forEach(
          (instance, part) -> {
            var refused = failures.isEmpty() ? null : refused(part, changes, failures);
            instance.renewed(refused, now);
          });
    } catch (IOException e) {
      parts.keySet().forEach(instance -> instance.renewed(e.getMessage(), now));
    } catch (RuntimeException | AssertionError _) {
      // A defect is the one's whose change meets it alone.
      parts.forEach(
          (instance, part) -> node.turn().run(instance, () -> renewAlone(instance, part)));
    }
  }

  /** What was refused of a part; also what nobody asked for, made for a route that several have. */
  private static String refused(List<Change> part, List<Change> all, List<Failure> failures) {
    return Holdings.refused(
        failures.stream()
            .filter(f -> part.contains(f.change()) || !all.contains(f.change()))
            .toList());
  }

  private void renewAlone(VrrpInstance instance, List<Change> part) {
    try {
      instance.renewed(Holdings.refused(node.addresses().apply(part)), now);
    } catch (IOException e) {
      instance.renewed(e.getMessage(), now);
    }
  }

  /**
   * Meets the deadlines of one VirtualIP, of those until a time before which all adverts that had
   * arrived have been handled. A timer that ends later waits: its advert may have come meanwhile.
   *
   * @param after name of the VirtualIP handled before, or an empty text for the first
   * @return the name of the VirtualIP handled, or null if none after that name has anything due
   */
  public String dueForOne(String after, long until, long time) {
    now = time;
    for (var entry : instances.tailMap(after, false).entrySet()) {
      var instance = entry.getValue();
      // Few are due in a turn, so all others must cost no more than this comparison.
      if (instance.deadline() <= until) {
        var master = instance.awaitedMaster();
        instance.onDeadline(now);
        if (master != null && instance.awaitedMaster() == null) {
          missed(master);
        }
        return entry.getKey();
      }
    }
    return null;
  }

  /** Whoever is missed in one virtual router is gone in all. */
  private void missed(InetAddress master) {
    List.copyOf(instances.values()).forEach(instance -> instance.masterSilent(master, now));
  }

  /**
   * Acts on changes of the network, starts instances that have been opened, and restarts those
   * whose wait after a defect is over.
   */
  public void begin(long time) {
    now = time;
    followNetwork();
    if (restarts.deadline() <= now) {
      restart();
    }
    endLeft();
    completeOpened();
    if (unsettled) {
      settle(false);
    }
    settleEgress();
    endProbes();
    node.neighbours().settle(instances.values());
  }

  /** After all that moves addresses: copies of connections can wait for that. */
  private void settle(boolean again) {
    unsettled = false;
    if (ipvsSettings.settle(instances.values(), again)) {
      instances.keySet().forEach(this::note);
    }
  }

  /** Not before it is known who resumes: what an earlier life has left goes on until then. */
  private void settleEgress() {
    if (!earlierLife.isOpen()) {
      egressSettings.settle(instances.values()).forEach(this::note);
    }
  }

  private void endProbes() {
    if (node.ports().areProbing()) {
      var links = new HashSet<Integer>();
      instances.values().forEach(instance -> links.addAll(instance.probedLinks()));
      node.ports().retainProbers(links);
    }
  }

  private void completeOpened() {
    while (!opened.isEmpty()) {
      complete(opened.poll());
    }
  }

  /** Handles one input, and all that follows from it. */
  public void handle(Input input, long time) {
    now = time;
    completeOpened();
    switch (input) {
      case FrameReceived received -> frameReceived(received);
      case NetworkChanged changed -> networkChanged(changed.event());
      case CheckChanged changed -> {
        var instance = instances.get(changed.virtualIp());
        if (instance != null) {
          instance.onCheck(changed.state(), now);
        }
      }
      case NeighbourChanged changed -> neighbourChanged(changed);
      case PlanChanged changed -> {
        if (!quits) {
          planChanged(changed.change());
        }
      }
      case Noted noted -> {
        notes.put(noted.virtualIp(), noted.problems());
        note(noted.virtualIp());
      }
    }
  }

  private void neighbourChanged(NeighbourChanged changed) {
    var neighbour = changed.neighbour();
    boolean fails = node.neighbours().take(neighbour, changed.state());
    for (var instance : List.copyOf(instances.values())) {
      if (instance.config().bfd() != null) {
        instance.neighbourChanged(neighbour, fails, now);
      }
    }
  }

  /**
   * The agent is about to end: masters resign to their peers, and serve on for their successors.
   * Nothing begins any more.
   */
  public void quit(long time) {
    now = time;
    // First, so that nobody takes for a failure what is a hand-over.
    node.neighbours().end();
    quits = true;
    opened.clear();
    restarts.clear();
    instances.values().forEach(instance -> instance.quit(now));
    settleEgress();
  }

  /** Whether nothing serves on any more, so that it may {@link #stop}. */
  public boolean hasQuit() {
    return instances.values().stream().noneMatch(VrrpInstance::servesOn);
  }

  /** Stops all instances; masters resign to their peers. */
  public void stop(long time) {
    now = time;
    node.neighbours().end();
    List.copyOf(instances.values())
        .forEach(instance -> instance.stop(Reason.of(Kind.AgentStopped), now));
    Holdings.clearVirtualLinks(node.network(), node.addresses());
    ipvsSettings.stop();
    egressSettings.stop();
  }

  private void frameReceived(FrameReceived received) {
    var claim = Frames.claim(received.frame());
    if (claim.isPresent()) {
      List.copyOf(instances.values())
          .forEach(instance -> instance.claimed(received.linkIndex(), claim.get(), now));
      return;
    }
    var datagram = Frames.vrrp(received.frame());
    if (datagram.isEmpty()) {
      node.metrics().rejected("", "Damaged");
      return;
    }
    var known = withVrid(AdvertisementCodec.vrid(datagram.get().payload()));
    var takers =
        known.stream()
            .filter(instance -> instance.takes(received.linkIndex(), datagram.get()))
            .toList();
    if (takers.isEmpty()) {
      boolean strays =
          known.stream()
              .anyMatch(instance -> instance.strays(received.linkIndex(), datagram.get()));
      node.metrics().rejected("", strays ? "OtherInterface" : "UnknownVrid");
    }
    takers.forEach(instance -> instance.onDatagram(received.linkIndex(), datagram.get(), now));
  }

  private List<VrrpInstance> withVrid(int vrid) {
    if (byVrid == null) {
      byVrid =
          instances.values().stream()
              .collect(Collectors.groupingBy(instance -> instance.config().router().vrid()));
    }
    return byVrid.getOrDefault(vrid, List.of());
  }

  /** Only notes the report: {@link #followNetwork} acts once on all reports of a turn. */
  private void networkChanged(NetworkEvent event) {
    if (!node.network().apply(event)) {
      // A report of our own renewals, which come about every second for each address.
      return;
    }
    networkIsNew = true;
    node.neighbours().doubt();
    switch (event) {
      case LinkRemoved removed -> node.ports().close(removed.linkIndex());
      case LinkChanged changed when !changed.link().up() ->
          node.ports().close(changed.link().index());
      default -> {}
    }
    boolean loses = false;
    boolean mayLose = event instanceof Overrun;
    for (var instance : instances.values()) {
      loses |= instance.loses(event);
      mayLose |= instance.mayLose(event);
    }
    // A report that is only a hint, as of our own removals, must not make what is lost wait longer.
    if (loses || mayLose && lossAt == State.NEVER) {
      lossAt = now - lossReadAt > CALM ? now : Math.min(now + QUIET, lossReadAt + CALM);
    }
  }

  /**
   * A report may be lost, or be older than our latest change. So the kernel's own tables are read
   * when a report gives cause to, and every few seconds. While somebody removes one thing after the
   * other, that waits until it is quiet: who puts back in between keeps a flush from ending. Then
   * masters put back what is missing, and what no instance holds is removed.
   */
  private void followNetwork() {
    if (readAt == State.NEVER) {
      readAt = now + READ_PERIOD;
    }
    if (node.network().takeDoubt()) {
      lossAt = now;
    }
    boolean read = nextReadAt() <= now && read();
    if (read) {
      // Before anybody lets go: what is released now was there when it was read.
      clearLeftOvers();
    }
    if (networkIsNew) {
      networkIsNew = false;
      List.copyOf(instances.values()).forEach(instance -> instance.networkChanged(now));
      tellNics();
    }
    if (read) {
      keepAccepted();
      settle(true);
      toCompare.clear();
      toCompare.addAll(instances.keySet());
    }
    compare();
  }

  /**
   * One that puts back is the last of a turn, as that must not keep the others' adverts waiting.
   */
  private void compare() {
    boolean acted = false;
    for (int i = 0; i < COMPARED_MAX && !acted && !toCompare.isEmpty(); i++) {
      var next = instances.get(toCompare.poll());
      acted = next != null && next.networkRead(now);
    }
  }

  /**
   * The addresses of an earlier life stay until it is known which virtual routers resume as master.
   */
  private void clearLeftOvers() {
    if (!earlierLife.isOpen()) {
      var holders = instances.values().stream().map(VrrpInstance::holdings).toList();
      Holdings.clearLeftOvers(node.network(), node.addresses(), holders, accepted);
      var held = new HashSet<ServiceKey>();
      holders.forEach(holder -> held.addAll(holder.services()));
      node.services().clear(held);
    }
  }

  private void keepAccepted() {
    if (accepted.keep(now)) {
      instances.keySet().forEach(this::note);
    }
  }

  /** Tells a VirtualIP what keeps it from nothing but its users should know. */
  private void note(String name) {
    var instance = instances.get(name);
    if (instance != null) {
      var all = new ArrayList<>(notes.getOrDefault(name, List.of()));
      var config = instance.config();
      if (ipvsSettings.problem() != null && config.connectionSync() != null) {
        all.add(new Problem("spec.connectionSync", ipvsSettings.problem()));
      }
      if (egressSettings.problem(name) != null) {
        all.add(new Problem("spec.egress", egressSettings.problem(name)));
      }
      if (accepted.problem(name) != null) {
        all.add(new Problem("spec.virtualServers", accepted.problem(name)));
      }
      instance.note(all);
    }
  }

  private long nextReadAt() {
    return lossAt == State.NEVER ? readAt : lossAt;
  }

  private boolean read() {
    lossReadAt = lossAt == State.NEVER ? lossReadAt : now;
    lossAt = State.NEVER;
    try {
      if (node.network().reload()) {
        networkIsNew = true;
        node.neighbours().doubt();
      }
      readServices();
      node.ports().retain(node.network().linkIndexes());
      readAt = now + READ_PERIOD;
      return true;
    } catch (IOException e) {
      readAt = now + SECOND;
      LOG.error("network_not_read error=\"{}\" retry_s=1", e.getMessage());
      return false;
    }
  }

  private void readServices() throws IOException {
    var wanted = new HashSet<ServiceKey>();
    runs.values().forEach(run -> wanted.addAll(run.config().serviceKeys()));
    if (node.services().read(wanted)) {
      // A key is free that was somebody else's, or the kernel has IPVS now: that was a fault.
      networkIsNew = true;
      var keys = node.services().keys();
      tell(() -> listener.services(keys));
    }
    node.metrics().services(owners(node.services().keys()));
  }

  /** Which virtual server each of these virtual services is of. */
  private Map<ServiceKey, Owner> owners(Set<ServiceKey> own) {
    var owners = new HashMap<ServiceKey, Owner>();
    for (var run : runs.values()) {
      for (var server : run.config().virtualServers()) {
        server.keys().stream()
            .filter(own::contains)
            .forEach(key -> owners.put(key, new Owner(run.config().name(), server.name())));
      }
    }
    return owners;
  }

  private void tellNics() {
    var nics = node.network().nics();
    if (!nics.equals(toldNics)) {
      toldNics = nics;
      tell(() -> listener.nics(nics));
    }
  }

  /** Makes the instances match the plan. */
  private void planChanged(PlanChange change) {
    // Removals come first: another object may take what one gives up in the same edit.
    change
        .stop()
        .forEach(
            name -> {
              runs.remove(name);
              restarts.forget(name);
              end(name, Kind.Deleted);
            });
    change.leave().forEach(this::leave);
    endLeft();
    unsettled = true;
    node.neighbours().doubt();
    leaving.removeAll(change.run().keySet());
    runs.putAll(change.run());
    expectVirtual();
    try {
      readServices();
    } catch (IOException e) {
      LOG.error("services_not_read error=\"{}\" retry_s=5", e.getMessage());
    }
    change
        .run()
        .forEach(
            (name, run) -> {
              var instance = instances.get(name);
              if (instance != null && !run.config().continues(instance.config())) {
                end(name, Kind.Reconfigured);
              }
            });
    if (change.realServerSides() != null) {
      accepted.want(change.realServerSides());
    }
    var configs = runs.values().stream().map(Run::config).toList();
    var resumable = earlierLife.resumable(configs);
    change.run().forEach((name, run) -> run(run.config(), resumable.contains(name)));
    opened.add(change);
  }

  /**
   * Starts the instances that have been opened. Opening may have taken a while, and their timers
   * must count from now.
   */
  private void complete(PlanChange change) {
    for (var name : change.run().keySet()) {
      var instance = instances.get(name);
      if (instance != null) {
        instance.start(now);
      }
    }
    joinGroups();
    if (!configured || change.realServerSides() != null) {
      keepAccepted();
    }
    if (earlierLife.isOpen()) {
      earlierLife.end();
      if (read()) {
        clearLeftOvers();
      }
    }
    for (var name : change.run().keySet()) {
      pass(change.run().get(name));
      if (instances.containsKey(name)) {
        publish(instances.get(name));
      }
    }
    change.forget().stream().filter(name -> !leaving.contains(name)).forEach(this::forget);
    change.refused().forEach(this::refuse);
    configured = true;
  }

  /** The owner's addresses are its node's own. */
  private void expectVirtual() {
    var virtual = new HashSet<InetAddress>();
    runs.values().stream()
        .map(Run::config)
        .filter(config -> config.priority() != VirtualRouterConfig.OWNER)
        .forEach(config -> virtual.addAll(config.virtual()));
    node.network().expectVirtual(virtual);
  }

  private void leave(String name) {
    runs.remove(name);
    restarts.forget(name);
    if (instances.containsKey(name)) {
      leaving.add(name);
      instances.get(name).leave(now);
    }
  }

  /** Ends what this node is not selected for any more, and does not serve any longer. */
  private void endLeft() {
    for (var name : List.copyOf(leaving)) {
      var instance = instances.get(name);
      if (instance == null || !instance.servesOn()) {
        leaving.remove(name);
        end(name, Kind.Deselected);
        forget(name);
      }
    }
  }

  private void end(String name, Kind reason) {
    var instance = instances.remove(name);
    byVrid = null;
    if (instance != null) {
      node.neighbours().doubt();
      instance.stop(Reason.of(reason), now);
    }
  }

  private void run(InstanceConfig config, boolean resumes) {
    var instance = instances.get(config.name());
    if (instance != null) {
      instance.update(config, now);
    } else {
      // An edit may cure a defect, so an instance that waits after one begins at once.
      restarts.forget(config.name());
      begin(config, resumes);
    }
  }

  private void begin(InstanceConfig config, boolean resumes) {
    var created = new VrrpInstance(config, resumes, node, this::publish);
    instances.put(config.name(), created);
    byVrid = null;
    if (!resumes && earlierLife.wasMaster(config)) {
      created.adopt(now);
    }
    created.open(now);
    note(config.name());
  }

  /** Passes on what the plan says about an instance beyond its configuration. */
  private void pass(Run run) {
    var instance = instances.get(run.config().name());
    if (instance != null) {
      instance.ask(run.handOver(), now);
      var refused = run.refused();
      instance.refuse(
          refused == null ? null : refused.generation(),
          refused == null ? List.of() : refused.problems());
    }
  }

  private void joinGroups() {
    instances.values().stream()
        .collect(Collectors.groupingBy(NodeMachine::group, TreeMap::new, Collectors.toList()))
        .values()
        .forEach(members -> SyncGroupMembers.join(members, now));
    List.copyOf(instances.values()).forEach(instance -> instance.evaluate(now));
  }

  /** Name of the sync group. A VirtualIP without one gets a name that no group can have. */
  private static String group(VrrpInstance instance) {
    var config = instance.config();
    return config.syncGroup() != null ? config.syncGroup() : "/" + config.name();
  }

  /**
   * A defect must neither take down other VirtualIPs nor leave a master in half a state. So the
   * instance and its sync group give up, and restart after a while.
   */
  private void abandon(VrrpInstance failed, Throwable defect) {
    var name = failed.config().name();
    LOG.error("defect vip={} action=restart", name, defect);
    node.metrics().defect(name, "vrrp");
    for (var instance : List.copyOf(instances.values())) {
      if (instance == failed || instance.config().isInGroupWith(failed.config())) {
        abandon(instance);
      }
    }
  }

  private void abandon(VrrpInstance instance) {
    var config = instance.config();
    instances.remove(config.name(), instance);
    byVrid = null;
    record(instance);
    node.turn().forget(instance);
    try {
      instance.abandon();
    } catch (RuntimeException | AssertionError e) {
      LOG.error("defect vip={} leases=will_end", config.name(), e);
    }
    restarts.plan(config.name(), now);
    publish(
        config.name(),
        new NodeStatus(
            VirtualIpStatus.State.Fault,
            null,
            Timeline.text(node.clock().instant()),
            Kind.Defect.name(),
            "a defect of the agent, see its log: it begins anew in a moment",
            null,
            config.generation(),
            0L));
  }

  private void restart() {
    var again = new TreeMap<String, Run>();
    for (var name : restarts.due(now)) {
      var run = runs.get(name);
      if (run != null) {
        again.put(name, run);
        begin(run.config(), false);
      }
    }
    opened.add(new PlanChange(again, Set.of(), Set.of(), Map.of(), Set.of(), null));
  }

  private void refuse(String name, Refused refused) {
    var problems = refused.problems();
    var message = problems.stream().map(Problem::toString).collect(Collectors.joining("; "));
    LOG.warn("not_run vip={} problems=\"{}\"", name, message);
    var kind =
        switch (problems.isEmpty() ? Problem.Kind.Invalid : problems.getFirst().kind()) {
          case Conflict -> Kind.Conflict;
          case OutsidePools -> Kind.OutsidePools;
          case Invalid, InterfaceNotFound, NoNodeSelected -> Kind.InvalidSpec;
        };
    var before = statuses.get(name);
    boolean same = before != null && message.equals(before.message());
    publish(
        name,
        new NodeStatus(
            VirtualIpStatus.State.Fault,
            null,
            same ? before.since() : Timeline.text(node.clock().instant()),
            kind.name(),
            message,
            null,
            refused.generation(),
            0L));
  }

  private void publish(VrrpInstance instance) {
    unsettled = true;
    node.neighbours().doubt();
    record(instance);
    publish(instance.config().name(), instance.status());
  }

  /** With many instances only one of them is looked at: each change of each comes here. */
  private void record(VrrpInstance instance) {
    var name = instance.config().name();
    boolean isMaster =
        instances.get(name) == instance && instance.stateName() == VirtualIpStatus.State.Master;
    var present = isMaster ? EarlierLife.master(instance.config()) : null;
    if (!Objects.equals(present, masters.get(name))) {
      var next = new TreeMap<>(masters);
      if (isMaster) {
        next.put(name, present);
      } else {
        next.remove(name);
      }
      masters = next;
      tell(() -> listener.masters(next));
    }
  }

  private void publish(String name, NodeStatus status) {
    if (status.equals(statuses.put(name, status))) {
      return;
    }
    node.metrics().status(name, status);
    tell(() -> listener.changed(name, status));
  }

  /**
   * Calls the listener. A defect there is logged and counted, but is no reason to move an address.
   */
  private void tell(Runnable telling) {
    try {
      telling.run();
    } catch (RuntimeException e) {
      LOG.error("defect in=listener action=continue", e);
      node.metrics().defect("vrrp");
    }
  }

  private void forget(String name) {
    notes.remove(name);
    if (statuses.remove(name) != null) {
      node.metrics().forget(name);
      tell(() -> listener.removed(name));
    }
  }
}
