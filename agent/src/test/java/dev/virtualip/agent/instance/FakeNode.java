package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.instance.Input.PlanChanged;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.Change.DeleteVirtualLink;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRule;
import dev.virtualip.agent.net.AddressPort.Change.PutVirtualLink;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.net.PacketPort;
import dev.virtualip.agent.net.PacketPorts;
import dev.virtualip.agent.net.UnicastPort;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A node in memory: two NICs, eth0 with 10.0.0.11/24 and eth1 without an address. */
public final class FakeNode implements AddressPort {
  /** Half an hour ago. */
  static final long BOOTED_AT = -1_800_000_000_000L;

  final Map<String, Link> links = new LinkedHashMap<>();
  final Map<IpPrefix, BoundAddress> bound = new LinkedHashMap<>();
  final Set<InstalledRoute> installed = new LinkedHashSet<>();
  final Set<PolicyRule> rules = new LinkedHashSet<>();
  final Set<InstalledRoute> foreignRoutes = new LinkedHashSet<>();
  final Set<PolicyRule> foreignRules = new LinkedHashSet<>();
  final Map<String, List<byte[]>> sent = new TreeMap<>();
  final Set<String> checksRunning = new TreeSet<>();
  final List<String> log = new ArrayList<>();
  final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  final List<byte[]> packets = new ArrayList<>();
  final Set<String> joined = new LinkedHashSet<>();
  final Set<String> broken = new LinkedHashSet<>();
  final Set<InetAddress> unreachable = new LinkedHashSet<>();
  Runnable opening = () -> {};

  /** The clock that is measured by: each frame and each batch of changes takes a millisecond. */
  long ticks;

  /** The next change of this address is the agent's defect. */
  String defectAt;

  final FakeIpvs ipvs = new FakeIpvs(log);
  Set<InetAddress> gateways = Set.of();
  boolean takesIpv6 = true;
  boolean forwardsIpv6;
  boolean keepsMarks = true;

  /** What keeps it from having a virtual MAC. */
  String virtualMacObstacle;

  String refusal;

  /** The one address that is refused for it; null for all. */
  String refusedPrefix;

  /** How often {@link #defectAt} is met, if more than once. */
  int defects;

  /** Number of writes to the kernel. */
  long writes;

  public Node node;

  final FakeEgress egress = new FakeEgress();

  /** What sessions of BFD are asked for. */
  Map<Integer, Nic> watched = Map.of();

  public FakeNode() {
    this(false);
  }

  /**
   * @param probes whether its addresses can be probed
   */
  FakeNode(boolean probes) {
    link("eth0", 2, true);
    link("eth1", 3, true);
    bind(2, "10.0.0.11/24", 0);
    try {
      node =
          new Node(
              new NodeNetwork(this),
              this,
              ipvs,
              new PacketPorts(
                  (link, _) -> {
                    opening.run();
                    return new FakePort(link.name(), false);
                  },
                  (_, _) -> {},
                  (link, _) -> new FakeUnicastPort(link.name()),
                  probes ? (link, _) -> new FakePort(link.name(), true) : null),
              this::startCheck,
              nics -> watched = nics,
              egress,
              new AgentMetrics(registry),
              Recorder.NONE,
              new Stopwatch(() -> ticks),
              BOOTED_AT,
              Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC));
      node.network().reload();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  void link(String name, int index, boolean up) {
    link(name, index, up, 2, 0, 0, 0, 0, index);
  }

  void link(String name, int index, boolean up, int... mac) {
    var bytes = new byte[mac.length];
    for (int i = 0; i < mac.length; i++) {
      bytes[i] = (byte) mac[i];
    }
    links.put(name, new Link(index, name, up, new HardwareAddress(bytes), 1500));
  }

  void bind(int link, String prefix, int protocol) {
    var parsed = IpPrefix.parse(prefix);
    bound.put(parsed, new BoundAddress(link, parsed, 0, protocol));
  }

  /** Brings the loop's view up to date, as the kernel's reports would. */
  void report() {
    try {
      node.network().reload();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private AutoCloseable startCheck(String vip, ScheduledCheck scheduled) {
    var name = scheduled.check().name();
    checksRunning.add(name);
    return () -> checksRunning.remove(name);
  }

  static CheckState good(String name) {
    return new CheckState(name, 0, false, Verdict.Good, "");
  }

  static CheckState failed(String name, String detail) {
    return new CheckState(name, 0, false, Verdict.Failed, detail);
  }

  private final class FakePort implements PacketPort {
    private final String nic;
    private final boolean probes;

    FakePort(String nic, boolean probes) {
      this.nic = nic;
      this.probes = probes;
    }

    @Override
    public void send(byte[] frame) throws IOException {
      if (broken.contains(nic)) {
        throw new IOException("ENOBUFS");
      }
      ticks += 1_000_000;
      if (probes) {
        log.add("probe " + nic);
        return;
      }
      sent.computeIfAbsent(nic, _ -> new ArrayList<>()).add(frame);
      var datagram = Frames.vrrp(frame);
      log.add(
          datagram.isPresent()
              ? "advert " + (datagram.get().payload()[2] & 0xFF) + " " + nic
              : (frame[12] == 8 ? "arp " : "na ") + nic);
    }

    @Override
    public void join(InetAddress source) {
      joined.add(nic + " " + IpPrefix.text(source));
    }

    @Override
    public void close() {}
  }

  private final class FakeUnicastPort implements UnicastPort {
    private final String nic;

    FakeUnicastPort(String nic) {
      this.nic = nic;
    }

    @Override
    public void send(InetAddress destination, byte[] packet) throws IOException {
      if (unreachable.contains(destination)) {
        throw new IOException("EHOSTUNREACH");
      }
      log.add("unicast " + IpPrefix.text(destination) + " " + nic);
      packets.add(packet);
    }

    @Override
    public void close() {}
  }

  /** VRIDs of the adverts sent on a NIC. */
  List<Integer> advertsOn(String nic) {
    return sent.getOrDefault(nic, List.of()).stream()
        .flatMap(frame -> Frames.vrrp(frame).stream())
        .map(datagram -> AdvertisementCodec.vrid(datagram.payload()))
        .toList();
  }

  @Override
  public List<Link> links() {
    return List.copyOf(links.values());
  }

  @Override
  public List<BoundAddress> addresses() {
    return List.copyOf(bound.values());
  }

  @Override
  public List<InstalledRoute> routes() {
    return List.copyOf(installed);
  }

  @Override
  public List<PolicyRule> rules() {
    return List.copyOf(rules);
  }

  @Override
  public List<InstalledRoute> taken(List<InstalledRoute> routes) {
    return routes.stream()
        .filter(route -> foreignRoutes.stream().anyMatch(route::hasPlaceOf))
        .toList();
  }

  @Override
  public boolean keepsAddressMarks() {
    return keepsMarks;
  }

  @Override
  public Set<InetAddress> gateways() {
    return gateways;
  }

  @Override
  public String virtualLinkObstacle(boolean ipv4) {
    return virtualMacObstacle;
  }

  @Override
  public boolean takesIpv6(Link link) {
    return takesIpv6;
  }

  @Override
  public boolean forwardsIpv6(Link link) {
    return forwardsIpv6;
  }

  @Override
  public void restrictArp(Link link) {
    log.add("restrict ARP of " + link.name());
  }

  @Override
  public void openTunnel(Link link) {
    log.add("open tunnel " + link.name());
  }

  @Override
  public List<Failure> apply(List<Change> changes) {
    var failures = new ArrayList<Failure>();
    ticks += 1_000_000;
    writes++;
    for (var change : changes) {
      if (refusal != null
          && (change instanceof PutAddress || change instanceof PutRoute)
          && (refusedPrefix == null || change.subject().contains(refusedPrefix))) {
        failures.add(new Failure(change, refusal));
        continue;
      }
      if (change instanceof PutRule put && foreignRules.contains(put.rule())) {
        failures.add(new Failure(change, "EEXIST: somebody else has added the very same rule"));
        continue;
      }
      switch (change) {
        case PutAddress put -> {
          if (put.prefix().toString().equals(defectAt)) {
            defectAt = --defects > 0 ? defectAt : null;
            throw new IllegalStateException("a defect");
          }
          bound.put(
              put.prefix(),
              new BoundAddress(
                  put.linkIndex(), put.prefix(), put.leaseSeconds(), keepsMarks ? PROTOCOL : 0));
          log.add("put " + put.prefix() + " lease " + put.leaseSeconds());
        }
        case DeleteAddress delete -> {
          bound.remove(delete.prefix());
          log.add("delete " + delete.prefix());
        }
        case PutRoute put -> {
          installed.removeIf(put.route()::replaces);
          installed.add(put.route());
          boolean ipv6 = put.route().to().isIpv6();
          log.add("put route " + put.route().to() + (ipv6 ? " lease " + put.leaseSeconds() : ""));
        }
        case DeleteRoute delete -> {
          installed.remove(delete.route());
          log.add("delete route " + delete.route().to());
        }
        case PutRule put -> {
          rules.add(put.rule());
          log.add("put rule " + put.rule());
        }
        case PutVirtualLink put -> {
          int index = 100 + links.size();
          links.putIfAbsent(
              put.name(),
              new Link(
                  index,
                  put.name(),
                  true,
                  put.mac(),
                  1500,
                  List.of(),
                  0,
                  new Link.Virtual(put.parent(), PROTOCOL, true)));
          log.add("make " + put.name() + " " + put.mac());
        }
        case DeleteVirtualLink delete -> {
          links.remove(delete.name());
          log.add("remove " + delete.name());
        }
        case DeleteRule delete -> {
          rules.remove(delete.rule());
          log.add("delete rule " + delete.rule());
        }
      }
    }
    return failures;
  }

  /** Has a machine of this node run exactly these VirtualIPs, as its plan says. */
  void want(NodeMachine machine, Plan plan, NodeFacts self, long now, String... yaml) {
    var vips = Stream.of(yaml).map(text -> Serialization.unmarshal(text, VirtualIp.class)).toList();
    var desired = new Desired(vips, self, List.of(self), Map.of(), Map.of());
    machine.handle(new PlanChanged(plan.change(desired, node.network().nics())), now);
    machine.begin(now);
  }

  /** Has a machine do what is due until a time, and returns that time. */
  static long passUntil(NodeMachine machine, long now, long time) {
    long turn = now;
    while (machine.deadline() <= time) {
      turn = Math.max(turn, machine.deadline());
      var name = "";
      while ((name = machine.dueForOne(name, turn, turn)) != null) {}
      machine.begin(turn);
    }
    return time;
  }
}
