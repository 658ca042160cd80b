package dev.virtualip.agent;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkChanged;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.LinkRemoved;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.Conflicts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that owns all virtual routers of the node. Everything that happens comes in
 * through its queue; binding and announcing are done in it, all else is handed on.
 */
final class VirtualRouterLoop implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualRouterLoop.class);

  /** Reason of routers whose agent ends. */
  static final String AGENT_STOPPED = "AgentStopped";

  /** Reason of routers that this node does not run any more. */
  static final String DELETED = "Deleted";

  /** Longest time between two turns, so that a hung loop shows. Nanoseconds. */
  static final long TICK = 1_000_000_000L;

  /** A flood of packets can fill so much memory and no more. */
  private static final int QUEUE_MAX = 4_096;

  /** Inputs taken in one turn, so that a flood cannot hold up deadlines. */
  private static final int TURN_MAX = 64;

  /** What comes in. */
  sealed interface Input {
    /** Nothing but a reason to look whether the loop is to stop. */
    record WokenUp() implements Input {}

    /** A frame with IP protocol 112. */
    record FrameReceived(int linkIndex, byte[] frame) implements Input {}

    /** A report of the kernel. */
    record NetworkChanged(NetworkEvent event) implements Input {}

    /** A check has another verdict. */
    record CheckChanged(String virtualIp, CheckState state) implements Input {}

    /** What the node should run has changed. */
    record DesiredChanged(Desired desired) implements Input {}

    /** Something about a VirtualIP that users should know, though it keeps nothing from running. */
    record Noted(String virtualIp, List<Problem> problems) implements Input {}
  }

  /** Is told what happens, on the loop's thread: must not block. */
  interface Listener {
    /** A virtual router has another status. */
    void changed(String virtualIp, NodeStatus status);

    /** This node no longer has anything to do with a VirtualIP. */
    void removed(String virtualIp);

    /** This node runs these versions of these objects from now on. */
    void accepted(Desired desired, Map<String, VirtualIp> running);

    /** This node is now master of these. */
    void masters(Map<String, MasterRecord.Master> masters);
  }

  /** Something that has come in, and when; System.nanoTime. */
  private record Arrival(Input input, long at) {
    Arrival(Input input) {
      this(input, System.nanoTime());
    }
  }

  private final BlockingQueue<Arrival> inputs = new LinkedBlockingQueue<>(QUEUE_MAX);
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final Map<String, VrrpInstance> instances = new TreeMap<>();
  private final Map<String, VirtualIp> running = new TreeMap<>();
  private Map<String, MasterRecord.Master> earlier;
  private Map<String, MasterRecord.Master> masters = Map.of();
  private final String nodeName;
  private final Node node;
  private final Listener listener;
  private volatile Map<String, NodeStatus> statuses = Map.of();
  private volatile long turnedAt = System.nanoTime();
  private volatile boolean configured;
  private Desired lastDesired;
  private boolean anyRefused;
  private volatile boolean stopping;

  /**
   * A loop that a thread has to run.
   *
   * @param earlier what this node was master of when an earlier life of the agent ended
   */
  VirtualRouterLoop(
      String nodeName, Map<String, MasterRecord.Master> earlier, Node node, Listener listener) {
    this.nodeName = nodeName;
    this.earlier = earlier;
    this.node = node;
    this.listener = listener;
  }

  /** Hands in a frame; one too many is dropped, as the network might have done. */
  void offerFrame(int linkIndex, byte[] frame) {
    if (!inputs.offer(new Arrival(new Input.FrameReceived(linkIndex, frame)))) {
      node.metrics().rejected("", "Flood");
    }
  }

  /** Hands in anything else; waits while the queue is full. */
  void put(Input input) {
    try {
      inputs.put(new Arrival(input));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Status of every VirtualIP this node has to do with. */
  Map<String, NodeStatus> statuses() {
    return statuses;
  }

  /** Whether the loop has turned lately. */
  boolean alive() {
    return System.nanoTime() - turnedAt < 5 * TICK;
  }

  /** Whether the node has been told what to run. */
  boolean configured() {
    return configured;
  }

  /** Hands everything over to the peers and ends the loop; waits for it at most this long. */
  void stop(long timeoutMillis) {
    stopping = true;
    inputs.offer(new Arrival(new Input.WokenUp()));
    try {
      if (!stopped.await(timeoutMillis, TimeUnit.MILLISECONDS)) {
        LOG.error("hand_over_incomplete leases=will_end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    try {
      if (earlier.isEmpty()) {
        clearLeftOvers();
      }
      while (!stopping) {
        turn();
      }
      instances.values().forEach(instance -> instance.stop(AGENT_STOPPED, System.nanoTime()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      node.ports().close();
      stopped.countDown();
    }
  }

  /**
   * Takes off what an earlier life of the agent has left on the node and this one does not hold.
   */
  private void clearLeftOvers() {
    try {
      var holdings = instances.values().stream().map(VrrpInstance::holdings).toList();
      var changes = new ArrayList<Change>();
      node.addresses().rules().stream()
          .filter(rule -> holdings.stream().noneMatch(held -> held.holds(rule)))
          .forEach(rule -> changes.add(new DeleteRule(rule)));
      node.addresses().routes().stream()
          .filter(route -> holdings.stream().noneMatch(held -> held.holds(route)))
          .forEach(route -> changes.add(new DeleteRoute(route)));
      node.addresses().addresses().stream()
          .filter(address -> address.protocol() == AddressPort.PROTOCOL)
          .filter(address -> holdings.stream().noneMatch(held -> held.holds(address)))
          .forEach(a -> changes.add(new DeleteAddress(a.linkIndex(), a.prefix())));
      if (!changes.isEmpty()) {
        var failures = node.addresses().apply(changes);
        LOG.warn("left_overs_removed changes={} failures={}", changes, failures);
      }
    } catch (IOException e) {
      LOG.error("left_overs_not_removed error=\"{}\"", e.getMessage());
    }
  }

  private void turn() throws InterruptedException {
    long now = System.nanoTime();
    turnedAt = now;
    long wait = Math.min(deadline(now) - now, TICK);
    var arrival = inputs.poll(Math.max(0, wait), TimeUnit.NANOSECONDS);
    // Masters first: one that slept too long lets go before it acts on anything else.
    meetDeadlines(true);
    for (int i = 0; arrival != null && i < TURN_MAX; i++) {
      var input = arrival.input();
      node.stopwatch().since(arrival.at(), () -> handle(input));
      arrival = i + 1 < TURN_MAX ? inputs.poll() : null;
    }
    // Backups last: an advert that is here already keeps them from taking over.
    meetDeadlines(false);
  }

  private long deadline(long now) {
    long first = now + TICK;
    for (var instance : instances.values()) {
      first = Math.min(first, instance.deadline());
    }
    return first;
  }

  private void meetDeadlines(boolean mastersOnly) {
    long now = System.nanoTime();
    for (var instance : instances.values()) {
      // Few are due in a turn: no more than this is done for the others.
      if (instance.deadline() <= now
          && (!mastersOnly || instance.stateName() == VirtualIpStatus.State.Master)) {
        guarded(instance, () -> instance.onDeadline(System.nanoTime()));
      }
    }
  }

  private void handle(Input input) {
    switch (input) {
      case Input.WokenUp _ -> {}
      case Input.FrameReceived received -> frameReceived(received);
      case Input.NetworkChanged changed -> networkChanged(changed.event());
      case Input.CheckChanged changed -> {
        var instance = instances.get(changed.virtualIp());
        if (instance != null) {
          guarded(instance, () -> instance.onCheck(changed.state(), System.nanoTime()));
        }
      }
      case Input.DesiredChanged changed -> apply(changed.desired());
      case Input.Noted noted -> {
        var instance = instances.get(noted.virtualIp());
        if (instance != null) {
          instance.note(noted.problems());
        }
      }
    }
  }

  private void frameReceived(Input.FrameReceived received) {
    var datagram = Frames.vrrp(received.frame());
    if (datagram.isEmpty()) {
      node.metrics().rejected("", "Damaged");
      return;
    }
    var takers =
        instances.values().stream()
            .filter(instance -> instance.takes(received.linkIndex(), datagram.get()))
            .toList();
    if (takers.isEmpty()) {
      node.metrics().rejected("", "UnknownVrid");
    }
    for (var instance : takers) {
      guarded(instance, () -> instance.onDatagram(datagram.get(), System.nanoTime()));
    }
  }

  private void networkChanged(NetworkEvent event) {
    try {
      if (!node.network().apply(event)) {
        // Our own renewals: a report for each address every second or so, and news to nobody.
        return;
      }
    } catch (IOException e) {
      LOG.error("network_not_read error=\"{}\"", e.getMessage());
    }
    switch (event) {
      case LinkRemoved removed -> node.ports().close(removed.linkIndex());
      case LinkChanged changed when !changed.link().up() ->
          node.ports().close(changed.link().index());
      case LinkChanged _ when anyRefused -> apply(lastDesired);
      default -> {}
    }
    instances.values().forEach(i -> guarded(i, () -> i.onNetwork(event, System.nanoTime())));
  }

  /** Makes the instances match what is wanted. */
  private void apply(Desired desired) {
    lastDesired = desired;
    var acceptance = Acceptance.decide(desired, running, node.network());
    var configs =
        acceptance.run().values().stream()
            .map(vip -> InstanceConfig.from(vip, nodeName, desired.secrets(), desired.nodes()))
            .collect(Collectors.toMap(InstanceConfig::name, c -> c, (a, _) -> a, TreeMap::new));
    listener.accepted(desired, Map.copyOf(acceptance.run()));
    // Removals first: what one object gives up another may take in the same edit.
    for (var name : List.copyOf(instances.keySet())) {
      var next = configs.get(name);
      var instance = instances.get(name);
      if (next == null || !next.continues(instance.config())) {
        instances.remove(name);
        instance.stop(next == null ? DELETED : "Reconfigured", System.nanoTime());
      }
    }
    var resumable = resumable(configs);
    configs.values().forEach(config -> runInstance(config, resumable.contains(config.name())));
    joinGroups();
    if (!earlier.isEmpty()) {
      earlier = Map.of();
      clearLeftOvers();
    }
    desired.virtualIps().forEach(this::passOnRequest);
    running.clear();
    running.putAll(acceptance.run());
    showRefused(desired, acceptance.refused());
    configured = true;
    LOG.info(
        "configured objects={} run={} refused={}",
        desired.virtualIps().size(),
        running.keySet(),
        acceptance.refused().keySet());
  }

  private void passOnRequest(VirtualIp vip) {
    var instance = instances.get(vip.getMetadata().getName());
    var asked =
        vip.getStatus() == null || vip.getStatus().handOvers() == null
            ? null
            : vip.getStatus().handOvers().get(nodeName);
    if (instance != null) {
      guarded(instance, () -> instance.ask(asked, System.nanoTime()));
    }
  }

  /** What an earlier life was master of and nobody can have taken over; groups as a whole. */
  private Set<String> resumable(Map<String, InstanceConfig> configs) {
    if (earlier.isEmpty()) {
      return Set.of();
    }
    try {
      var bound = node.addresses().addresses();
      var still =
          configs.values().stream()
              .filter(config -> MasterRecord.isStillMaster(config, earlier, bound, node.network()))
              .map(InstanceConfig::name)
              .collect(Collectors.toSet());
      return still.stream()
          .filter(
              name ->
                  configs.values().stream()
                      .filter(configs.get(name)::isInGroupWith)
                      .allMatch(other -> still.contains(other.name())))
          .collect(Collectors.toSet());
    } catch (IOException e) {
      LOG.warn("not_resumed error=\"{}\"", e.getMessage());
      return Set.of();
    }
  }

  private void joinGroups() {
    instances.values().stream()
        .collect(Collectors.groupingBy(VirtualRouterLoop::group))
        .values()
        .forEach(members -> SyncGroupMembers.join(members, System.nanoTime()));
    instances.values().forEach(i -> guarded(i, () -> i.evaluate(System.nanoTime())));
  }

  /** Name of the sync group; outside of groups one that no group has. */
  private static String group(VrrpInstance instance) {
    var config = instance.config();
    return config.syncGroup() != null ? config.syncGroup() : "/" + config.name();
  }

  private void runInstance(InstanceConfig config, boolean resumes) {
    var instance = instances.get(config.name());
    if (instance == null) {
      var created = new VrrpInstance(config, resumes, node, this::publish);
      instances.put(config.name(), created);
      created.open(System.nanoTime());
      // Only now, as opening captures takes a cold JVM a while.
      created.start(System.nanoTime());
      publish(created);
    } else {
      guarded(instance, () -> instance.update(config, System.nanoTime()));
    }
  }

  private void showRefused(Desired desired, Map<String, List<Problem>> refused) {
    var generations = new HashMap<String, Long>();
    desired
        .virtualIps()
        .forEach(v -> generations.put(v.getMetadata().getName(), v.getMetadata().getGeneration()));
    instances.forEach(
        (name, i) -> i.refuse(generations.get(name), refused.getOrDefault(name, List.of())));
    anyRefused = !refused.isEmpty();
    statuses.keySet().stream()
        .filter(name -> !refused.containsKey(name) && !instances.containsKey(name))
        .forEach(this::forget);
    refused.forEach(
        (name, problems) -> {
          if (!instances.containsKey(name)) {
            var message =
                problems.stream().map(Problem::toString).collect(Collectors.joining("; "));
            LOG.warn("not_run vip={} problems=\"{}\"", name, message);
            boolean conflict = problems.stream().anyMatch(Conflicts::isConflict);
            var reason = conflict ? "Conflict" : "InvalidSpec";
            publish(name, refusedStatus(name, reason, message, generations.get(name)));
          }
        });
  }

  private NodeStatus refusedStatus(String name, String reason, String message, Long generation) {
    var before = statuses.get(name);
    boolean same = before != null && message.equals(before.message());
    var since = same ? before.since() : Timeline.text(node.clock().instant());
    return new NodeStatus(
        VirtualIpStatus.State.Fault, null, since, reason, message, null, generation, 0L);
  }

  /** A defect in one instance must not take the others down; its leases end if it hangs on. */
  private void guarded(VrrpInstance instance, Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      LOG.error("defect vip={} action=continue", instance.config().name(), e);
    }
  }

  private void publish(VrrpInstance instance) {
    var now = new TreeMap<String, MasterRecord.Master>();
    instances.values().stream()
        .filter(i -> i.stateName() == VirtualIpStatus.State.Master)
        .forEach(i -> now.put(i.config().name(), MasterRecord.Master.of(i.config())));
    if (!now.equals(masters)) {
      masters = Map.copyOf(now);
      listener.masters(masters);
    }
    publish(instance.config().name(), instance.status());
  }

  private void publish(String name, NodeStatus status) {
    var next = new TreeMap<>(statuses);
    if (status.equals(next.put(name, status))) {
      return;
    }
    statuses = Map.copyOf(next);
    node.metrics().status(name, status);
    listener.changed(name, status);
  }

  private void forget(String name) {
    var next = new TreeMap<>(statuses);
    next.remove(name);
    statuses = Map.copyOf(next);
    node.metrics().forget(name);
    listener.removed(name);
  }
}
