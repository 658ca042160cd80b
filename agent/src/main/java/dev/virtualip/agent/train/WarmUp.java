package dev.virtualip.agent.train;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.instance.Node;
import dev.virtualip.agent.instance.Recorder;
import dev.virtualip.agent.instance.Stopwatch;
import dev.virtualip.agent.instance.SyncGroupMembers;
import dev.virtualip.agent.instance.VrrpInstance;
import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.linux.Pcap4jPacketPort;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutAddress;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.net.PacketPort;
import dev.virtualip.agent.net.PacketPorts;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import dev.virtualip.log.Logs;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Rehearses a few changes of state of a virtual router on a node that exists only in memory. The
 * JVM loads and links code when it first runs, so without this the first real failover takes 10 to
 * 15 ms longer.
 */
public final class WarmUp {
  private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);

  private static final String VIP =
      """
      {"metadata": {"name": "rehearsal", "generation": 1},
       "spec": {"vrid": 1, "interface": "rehearsal",
         "addresses": [{"address": "192.0.2.10/24"},
                       {"address": "2001:db8::10/64", "advertised": false}],
         "routes": [{"to": "default", "via": "192.0.2.1"},
                    {"to": "default", "via": "2001:db8::1"}],
         "healthChecks": [{"name": "check", "tcp": {"port": 80}}]}}
      """;
  private static final long SECOND = 1_000_000_000L;
  private static final InetAddress PEER = InetAddress.ofLiteral("192.0.2.3");
  private static final Link LINK =
      new Link(1, "rehearsal", true, new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 1}), 1500);

  private final List<State> states = new ArrayList<>();
  private final InstanceConfig config;
  private final VrrpInstance instance;
  private long now = System.nanoTime();

  private WarmUp(VirtualIp virtualIp) throws IOException {
    config = InstanceConfig.from(virtualIp, "rehearsal", Map.of(), List.of());
    var nowhere = new Nowhere();
    var node =
        new Node(
            new NodeNetwork(nowhere),
            nowhere,
            IpvsPort.NONE,
            new PacketPorts((_, _) -> nowhere, (_, _) -> {}, null),
            (_, _) -> () -> {},
            new AgentMetrics(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT)),
            Recorder.NONE,
            new Stopwatch(System::nanoTime),
            0,
            Clock.systemUTC());
    node.network().reload();
    instance = new VrrpInstance(config, false, node, i -> states.add(i.status().state()));
    instance.join(new SyncGroupMembers(List.of(instance)));
  }

  /** Loads on a thread of its own what the start waits for. Any failure is only logged. */
  public static void load() {
    start(
        () -> {
          read();
          Pcap4jPacketPort.load();
          rehearseNetlink();
        });
  }

  /** Rehearses on a thread of its own, where the start is over. Any failure is only logged. */
  public static void rehearse() {
    start(WarmUp::play);
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void start(Work work) {
    Thread.ofPlatform()
        .daemon()
        .name("rehearsal")
        .start(
            () -> {
              try {
                work.run();
              } catch (IOException | RuntimeException e) {
                LOG.warn("rehearsal_failed", e);
              }
            });
  }

  /** By the mapper of the source of VirtualIPs, which has learned the types then. */
  private static VirtualIp read() throws IOException {
    return Manifests.lenientVirtualIp(new JsonMapper().readTree(VIP), new ArrayList<>());
  }

  /** Sends changes on a link that no node has, which the kernel all refuses. */
  private static void rehearseNetlink() throws IOException {
    int link = Integer.MAX_VALUE;
    var address = IpPrefix.parse("192.0.2.1/32");
    var route = new InstalledRoute(link, address, null, null, 254, 0, false);
    try (var netlink = new Netlink()) {
      netlink.apply(
          List.of(
              new PutAddress(link, address, 1),
              new PutRoute(route),
              new DeleteRoute(route),
              new DeleteAddress(link, address)));
    }
  }

  /**
   * Rehearses.
   *
   * @return the states that the router went through
   */
  static List<State> play() throws IOException {
    MDC.put(Logs.REHEARSAL, "true");
    try {
      var rehearsal = new WarmUp(read());
      rehearsal.moves();
      return rehearsal.states;
    } finally {
      MDC.remove(Logs.REHEARSAL);
    }
  }

  private void moves() {
    instance.start(now);
    check(Verdict.Good);
    hear(200);
    // The master resigns: this router takes over, renews its leases, and answers a lower master.
    hear(0);
    expire();
    expire();
    hear(50);
    check(Verdict.Failed);
    check(Verdict.Good);
    expire();
    hear(200);
    instance.stop(Reason.of(Kind.AgentStopped), now);
  }

  private void check(Verdict verdict) {
    instance.onCheck(new CheckState("check", 0, false, verdict, ""), now);
  }

  private void expire() {
    now = instance.deadline();
    instance.onDeadline(now);
  }

  private void hear(int priority) {
    var advert = new Advertisement(Version.V3, 1, priority, SECOND, config.advertised());
    var payload = AdvertisementCodec.encode(advert, null, PEER, Frames.GROUP, config.checksum());
    Frames.vrrp(Frames.advertisement(LINK.mac(), PEER, 1, payload))
        .filter(datagram -> instance.takes(LINK.index(), datagram))
        .ifPresent(datagram -> instance.onDatagram(datagram, now));
  }

  /** A node with one NIC, on which every change succeeds and has no effect. */
  private static final class Nowhere implements AddressPort, PacketPort {
    @Override
    public List<Link> links() {
      return List.of(LINK);
    }

    @Override
    public List<BoundAddress> addresses() {
      return List.of(new BoundAddress(LINK.index(), IpPrefix.parse("192.0.2.2/24"), 0, 0));
    }

    @Override
    public List<InstalledRoute> routes() {
      return List.of();
    }

    @Override
    public List<PolicyRule> rules() {
      return List.of();
    }

    @Override
    public List<InstalledRoute> taken(List<InstalledRoute> routes) {
      return List.of();
    }

    @Override
    public Set<InetAddress> gateways() {
      return Set.of();
    }

    @Override
    public String virtualLinkObstacle(boolean ipv4) {
      return null;
    }

    @Override
    public boolean takesIpv6(Link link) {
      return true;
    }

    @Override
    public boolean forwardsIpv6(Link link) {
      return false;
    }

    @Override
    public void restrictArp(Link link) {}

    @Override
    public void openTunnel(Link link) {}

    @Override
    public List<Failure> apply(List<Change> changes) {
      return List.of();
    }

    @Override
    public void send(byte[] frame) {}

    @Override
    public void join(InetAddress source) {}

    @Override
    public void close() {}
  }
}
