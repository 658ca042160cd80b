package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.NeighbourState;
import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.holding.SharedRoutes;
import dev.virtualip.agent.instance.Input.CheckChanged;
import dev.virtualip.agent.instance.Input.FrameReceived;
import dev.virtualip.agent.instance.Input.NeighbourChanged;
import dev.virtualip.agent.instance.Input.NetworkChanged;
import dev.virtualip.agent.instance.Input.PlanChanged;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.AddressPut;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.Overrun;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.net.PacketPort;
import dev.virtualip.agent.net.PacketPorts;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** A simulated node: its kernel, and the production {@link NodeMachine} while its agent lives. */
final class SimNode {
  /** More VirtualIPs than any simulation has. */
  private static final int VIPS_MAX = 4;

  private static final long MS = 1_000_000L;

  /** Within 10 s of a reading for a loss the next one may wait, and that reading for 0.25 s. */
  private static final long CALM = 11_000 * MS;

  private static final Clock WALL = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
  private static final AgentMetrics METRICS = new AgentMetrics(new CompositeMeterRegistry());

  /** What the world is told. */
  interface World {
    /** A frame has left by eth0, or by eth2. */
    void sent(SimNode from, int slot, byte[] frame);

    /** An address was announced by eth1. */
    void announced(SimNode from, byte[] frame);

    /** A node asks by a NIC who has an address. */
    void probed(SimNode from, int slot, byte[] frame);

    /** A turn is over. */
    void turned(SimNode node);

    /** What is wanted now. */
    List<SimVip> wanted();
  }

  final int number;
  final String name;
  final SimKernel kernel;
  final Map<String, Boolean> checkGood = new HashMap<>();

  /** Labels that it lacks, so that VirtualIPs do not select it. */
  final Set<String> deselected = new HashSet<>();

  /** When the agent began, woke up, or was told something new: timers may count from there. */
  long freshAt;

  /** When its agent was killed last. */
  long killedAt;

  /** When the machine was told last that something has been removed or changed. */
  private long lossToldAt = Long.MIN_VALUE / 2;

  /** Roles of the sync daemons that an earlier life has left. */
  Set<SyncRole> inherited = Set.of();

  /** When it last woke up after it had been frozen. */
  long wokeAt = Long.MIN_VALUE / 2;

  /** What its kernel translates, as the last life wanted it. */
  final FakeEgress egress = new FakeEgress();

  /** How long it slept then, in nanoseconds. */
  long slept;

  private final SimAgenda agenda;
  private final SplittableRandom random;
  private final World world;
  private final long clockOffset;
  private final Queue<Input> inbox = new ArrayDeque<>();
  private final Map<String, String> checksRunning = new TreeMap<>();
  private List<InetAddress> asked = List.of();
  private NodeMachine machine;
  private Plan plan;
  private Nics nics;
  private boolean wakes;
  private long wakesAt = State.NEVER;
  private int life;
  private final Set<Integer> captures = new HashSet<>();

  /** Links on which it hears the answers to probes. */
  private final Set<Integer> probed = new HashSet<>();

  private long pausedUntil;
  private int idleTurns;
  private Map<String, MasterRecord.Master> recorded = Map.of();
  private Set<ServiceKey> recordedServices = Set.of();

  /** Not null while it quits. */
  private Runnable onEnd;

  /** Probability that a frame cannot be sent. */
  double sendFailure;

  /** When one last could not. */
  long sendFailedAt = Long.MIN_VALUE / 2;

  SimNode(int number, SimAgenda agenda, SplittableRandom random, World world) {
    this.number = number;
    this.agenda = agenda;
    this.random = random;
    this.world = world;
    name = "n" + number;
    clockOffset = random.nextLong(1L << 50);
    kernel = new SimKernel(agenda, random, number, this::reported);
  }

  boolean live() {
    return machine != null;
  }

  /** Whether it has got SIGTERM. */
  boolean quits() {
    return onEnd != null;
  }

  boolean paused() {
    return agenda.now() < pausedUntil;
  }

  Map<String, NodeStatus> statuses() {
    return machine == null ? Map.of() : machine.statuses();
  }

  boolean isMaster(String vip) {
    var status = statuses().get(vip);
    return status != null && status.state() == VirtualIpStatus.State.Master;
  }

  VrrpInstance instance(String vip) {
    return machine == null ? null : machine.instance(vip);
  }

  /** Whether it has nothing to do in a further turn at this time. */
  boolean isSettled() {
    return machine != null && machine.deadline() > clock();
  }

  boolean configured() {
    return machine != null && machine.configured();
  }

  /** Whether it is less than this time ago that the kernel has lost something, or said so. */
  boolean hasJustLost(long nanos) {
    // It may have slept while it waited for the end of the losses.
    long last = Math.max(wokeAt, Math.max(kernel.disturbedAt, lossToldAt));
    return agenda.now() - last < nanos;
  }

  boolean hasWaiting() {
    return !inbox.isEmpty();
  }

  /** The agent starts; what an earlier life on this boot was master of is on its disk. */
  void start() {
    life++;
    int ofLife = life;
    freshAt = agenda.now();
    inherited = Set.copyOf(kernel.ipvs.daemons.keySet());
    captures.clear();
    probed.clear();
    checksRunning.clear();
    asked = List.of();
    inbox.clear();
    plan = new Plan(name);
    nics = null;
    wakesAt = State.NEVER;
    idleTurns = 0;
    var network = new NodeNetwork(kernel);
    var ports = new PacketPorts(this::open, (_, _) -> {}, null, this::openToProbe);
    var stopwatch = new Stopwatch(this::clock);
    var node =
        new Node(
            network,
            kernel,
            new SharedRoutes(),
            new OwnServices(kernel.ipvs),
            ports,
            (vip, check) -> startCheck(vip, check.check(), ofLife),
            new Neighbours(network, nics -> watch(nics, ofLife)),
            egress,
            METRICS,
            Recorder.NONE,
            stopwatch,
            new Turn(stopwatch),
            new Allowance(1 + life % 4),
            clock() - 3_600_000 * MS,
            WALL);
    machine = new NodeMachine(recorded, recordedServices, node, new Ears(ofLife));
    machine.start();
    planSoon();
  }

  /** The agent is killed: the kernel keeps what it has. */
  void crash() {
    killedAt = agenda.now();
    machine = null;
    onEnd = null;
    life++;
    pausedUntil = 0;
  }

  /**
   * SIGTERM.
   *
   * @param ended run when the process has ended
   */
  void stop(Runnable ended) {
    onEnd = ended;
    machine.quit(clock());
    world.turned(this);
    endIfQuit();
    sleep();
  }

  private void endIfQuit() {
    if (onEnd != null && machine.hasQuit()) {
      machine.stop(clock());
      world.turned(this);
      recorded = Map.of();
      var then = onEnd;
      crash();
      then.run();
    }
  }

  void reboot() {
    crash();
    recorded = Map.of();
    recordedServices = Set.of();
    kernel.ipvs.services.clear();
    egress.wanted = null;
    kernel.reboot(number);
  }

  /** It does nothing for a while: a frozen container, or a machine that is. */
  void pause(long nanos) {
    pausedUntil = agenda.now() + nanos;
    int ofLife = life;
    agenda.after(
        nanos,
        () -> {
          if (life == ofLife) {
            freshAt = agenda.now();
            wokeAt = agenda.now();
            slept = nanos;
            wake();
          }
        });
  }

  /** Its own clock, by which its timers go. */
  long clock() {
    return agenda.now() + clockOffset;
  }

  private PacketPort open(Link link, PacketPort.Receiver receiver) {
    if (receiver != null) {
      captures.add(link.index());
    }
    return new PacketPort() {
      @Override
      public void send(byte[] frame) throws IOException {
        if (!kernel.works(link.index()) || random.nextDouble() < sendFailure) {
          sendFailedAt = agenda.now();
          throw new IOException("ENOBUFS");
        }
        int slot = kernel.slot(link.index());
        if (slot != SimKernel.ETH1 && Frames.vrrp(frame).isPresent()) {
          world.sent(SimNode.this, slot, frame);
        } else {
          world.announced(SimNode.this, frame);
        }
      }

      @Override
      public void join(InetAddress source) {}

      @Override
      public void close() {
        captures.remove(link.index());
      }
    };
  }

  private PacketPort openToProbe(Link link, PacketPort.Receiver receiver) {
    probed.add(link.index());
    return new PacketPort() {
      @Override
      public void send(byte[] frame) throws IOException {
        if (!kernel.works(link.index())) {
          throw new IOException("ENETDOWN");
        }
        world.probed(SimNode.this, kernel.slot(link.index()), frame);
      }

      @Override
      public void join(InetAddress source) {}

      @Override
      public void close() {
        probed.remove(link.index());
      }
    };
  }

  private void watch(Map<Integer, Nic> nics, int ofLife) {
    if (life == ofLife) {
      asked = nics.values().stream().flatMap(nic -> nic.asked().keySet().stream()).toList();
    }
  }

  /** Whether it has a session of BFD with a node, or would like to. */
  boolean asks(SimNode other) {
    return live() && asked.contains(other.kernel.own());
  }

  /** The session of BFD with a node ends by the other's silence. */
  void lose(SimNode other) {
    take(
        new NeighbourChanged(
            new Neighbour(SimKernel.ETH0, other.kernel.own()), NeighbourState.Lost));
  }

  private AutoCloseable startCheck(String vip, HealthCheck check, int ofLife) {
    checksRunning.put(vip, check.name());
    agenda.after(random.nextLong(MS, 50 * MS), () -> tellCheck(vip, check.weight(), ofLife));
    return () -> checksRunning.remove(vip);
  }

  /** The result of a check reaches the agent. */
  void tellCheck(String vip, int weight) {
    tellCheck(vip, weight, life);
  }

  private void tellCheck(String vip, int weight, int ofLife) {
    if (life == ofLife) {
      boolean good = checkGood.getOrDefault(vip, true);
      tellCheck(vip, weight, good ? Verdict.Good : Verdict.Failed);
    }
  }

  /** What is checked serves for its last moments. */
  void tellLeaving(String vip, int weight) {
    tellCheck(vip, weight, Verdict.Leaving);
  }

  private void tellCheck(String vip, int weight, Verdict verdict) {
    if (checksRunning.containsKey(vip)) {
      take(new CheckChanged(vip, new CheckState("c", weight, false, verdict, "refused")));
    }
  }

  private void reported(NetworkEvent event) {
    take(new NetworkChanged(event));
  }

  /** A frame with an advert comes in by a NIC. */
  boolean receive(int slot, byte[] frame) {
    return receive(slot, frame, captures);
  }

  /** An answer to a probe comes in by a NIC. */
  boolean receiveAnswer(int slot, byte[] frame) {
    return receive(slot, frame, probed);
  }

  private boolean receive(int slot, byte[] frame, Set<Integer> listening) {
    var link = kernel.link(slot);
    if (machine == null || link == null || !link.up() || !listening.contains(link.index())) {
      return false;
    }
    take(new FrameReceived(link.index(), frame));
    return true;
  }

  private void take(Input input) {
    if (machine != null) {
      inbox.add(input);
      if (!wakes) {
        wakes = true;
        int ofLife = life;
        agenda.after(
            random.nextLong(1_000, 300_000),
            () -> {
              wakes = false;
              if (life == ofLife) {
                wake();
              }
            });
      }
    }
  }

  /** What should run is planned anew, a moment later and on another thread. */
  void planSoon() {
    int ofLife = life;
    agenda.after(
        random.nextLong(MS, 20 * MS),
        () -> {
          if (life != ofLife || nics == null) {
            return;
          }
          var objects = world.wanted().stream().map(SimVip::object).toList();
          var desired = new Desired(objects, facts(), List.of(), Map.of(), Map.of());
          var change = plan.change(desired, nics);
          if (!change.isEmpty() || !machine.configured()) {
            freshAt = agenda.now();
            take(new PlanChanged(change));
          }
        });
  }

  private NodeFacts facts() {
    var labels = new TreeMap<String, String>();
    world.wanted().stream()
        .filter(vip -> !deselected.contains(vip.label()))
        .forEach(vip -> labels.put(vip.label(), "yes"));
    return new NodeFacts(name, labels, true);
  }

  private void wake() {
    if (machine == null || paused()) {
      return;
    }
    long time = clock();
    if (wakesAt <= agenda.now()) {
      wakesAt = State.NEVER;
    }
    boolean idle = inbox.isEmpty();
    boolean overrun = false;
    var name = "";
    while ((name = machine.dueForMaster(name, time)) != null) {}
    for (var input = inbox.poll(); input != null; input = inbox.poll()) {
      if (input instanceof NetworkChanged(var event) && !(event instanceof AddressPut)) {
        overrun |= event instanceof Overrun && isCalm();
        lossToldAt = agenda.now();
      }
      machine.handle(input, time);
    }
    name = "";
    while ((name = machine.dueForOne(name, time, time)) != null) {}
    machine.begin(time);
    if (overrun && kernel.readAt != agenda.now()) {
      throw new AssertionError(this.name + " has lost reports and does not read");
    }
    // An advert and an announcement may be due at once, and what each holds is to be compared.
    idleTurns = idle && machine.deadline() <= time ? idleTurns + 1 : 0;
    if (idleTurns > 2 + VIPS_MAX) {
      throw new AssertionError(this.name + " turns without progress");
    }
    world.turned(this);
    endIfQuit();
    sleep();
  }

  /** Whether there was no cause to read for so long that the next one is acted on at once. */
  private boolean isCalm() {
    long cause = Math.max(lossToldAt, Math.max(kernel.failedAt, kernel.refusedAt));
    return agenda.now() - cause > CALM;
  }

  private void sleep() {
    if (machine == null || machine.deadline() == State.NEVER) {
      return;
    }
    long at = Math.max(agenda.now(), machine.deadline() - clockOffset);
    if (at < wakesAt) {
      wakesAt = at;
      int ofLife = life;
      agenda.after(
          at - agenda.now(),
          () -> {
            if (life == ofLife && wakesAt == at) {
              wake();
            }
          });
    }
  }

  private final class Ears implements NodeMachine.Listener {
    private final int ofLife;

    Ears(int ofLife) {
      this.ofLife = ofLife;
    }

    @Override
    public void changed(String virtualIp, NodeStatus status) {}

    @Override
    public void removed(String virtualIp) {}

    @Override
    public void masters(Map<String, MasterRecord.Master> masters) {
      // The disk is written by another thread, and may be late.
      agenda.after(
          random.nextLong(10_000, 3 * MS),
          () -> {
            if (life == ofLife) {
              recorded = masters;
            }
          });
    }

    @Override
    public void services(Set<ServiceKey> keys) {
      if (life == ofLife) {
        recordedServices = keys;
      }
    }

    @Override
    public void nics(Nics present) {
      boolean first = nics == null;
      nics = present;
      if (first || plan.isAnyRefused()) {
        planSoon();
      }
    }
  }

  /** The VRID and priority of an advert, and the NIC that it goes by. */
  static int[] advert(int slot, byte[] frame) {
    var payload = Frames.vrrp(frame).orElseThrow().payload();
    return new int[] {payload[1] & 0xFF, payload[2] & 0xFF, slot};
  }

  @Override
  public String toString() {
    var held = new ArrayList<String>();
    kernel.addresses().stream()
        .filter(a -> a.leaseSeconds() > 0)
        .forEach(a -> held.add(a.prefix() + ":" + a.leaseSeconds() + "s"));
    var states = new TreeMap<String, String>();
    statuses()
        .forEach(
            (vip, s) ->
                states.put(
                    vip,
                    s.state()
                        + "/"
                        + s.priority()
                        + "/"
                        + s.reason()
                        + (s.priority() == null ? " " + s.message() : "")));
    return name + (live() ? paused() ? " paused " : " " : " dead ") + states + " " + held;
  }
}
