package dev.virtualip.agent;

import dev.virtualip.agent.check.CheckMeans;
import dev.virtualip.agent.check.CheckRunner;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.EarlyCause;
import dev.virtualip.agent.check.IdleConnections;
import dev.virtualip.agent.check.PodReadiness;
import dev.virtualip.agent.check.RememberedReadiness;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.cli.RunOptions;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.disk.KeyRecord;
import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.disk.ServiceRecord;
import dev.virtualip.agent.disk.Snapshot;
import dev.virtualip.agent.instance.Input;
import dev.virtualip.agent.instance.Node;
import dev.virtualip.agent.instance.NodeMachine;
import dev.virtualip.agent.instance.Recorder;
import dev.virtualip.agent.instance.ServerCheck;
import dev.virtualip.agent.instance.Stopwatch;
import dev.virtualip.agent.kube.Heartbeat;
import dev.virtualip.agent.kube.KubernetesSource;
import dev.virtualip.agent.kube.StatusReporter;
import dev.virtualip.agent.kube.TransitionEvents;
import dev.virtualip.agent.linux.BfdSockets;
import dev.virtualip.agent.linux.Ipvs;
import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.linux.NetlinkMonitor;
import dev.virtualip.agent.linux.Nft;
import dev.virtualip.agent.linux.Pcap4jPacketPort;
import dev.virtualip.agent.linux.Pinger;
import dev.virtualip.agent.linux.ProcessExits;
import dev.virtualip.agent.linux.RawSocket;
import dev.virtualip.agent.loop.BfdLoop;
import dev.virtualip.agent.loop.EgressLoop;
import dev.virtualip.agent.loop.FileRecorder;
import dev.virtualip.agent.loop.Planning;
import dev.virtualip.agent.loop.VirtualRouterLoop;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.metrics.BfdMetrics;
import dev.virtualip.agent.metrics.VirtualServerMetrics;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.net.PacketPorts;
import dev.virtualip.agent.notify.KeepalivedState;
import dev.virtualip.agent.notify.Notifier;
import dev.virtualip.agent.plan.KeyRings;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.report.AgentHttp;
import dev.virtualip.agent.report.MetricsHttp;
import dev.virtualip.agent.report.Systemd;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.source.ManifestSource;
import dev.virtualip.agent.train.WarmUp;
import dev.virtualip.agent.vrrp.KeyRing;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.log.Defects;
import dev.virtualip.log.LineEncoder;
import dev.virtualip.memory.OldGeneration;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent of a node: runs its virtual routers until SIGTERM. */
final class Agent {
  private static final Logger LOG = LoggerFactory.getLogger(Agent.class);
  private static final long PODS_SAVED_SECONDS = 5;
  private static final Duration EVENTS_WAIT = Duration.ofMillis(500);

  private final RunOptions options;
  private final CountDownLatch done = new CountDownLatch(1);

  /**
   * @param options without a {@link RunOptions#problem}
   */
  Agent(RunOptions options) {
    this.options = options;
  }

  /** Returns after SIGTERM. */
  void run() throws IOException, InterruptedException {
    System.setProperty(LineEncoder.NODE, options.nodeName());
    LOG.info("start source={} listen={}", source(), options.listen());
    var record = options.record();
    try (var netlink = new Netlink();
        var ipvs = new Ipvs();
        var statistics = new Ipvs();
        var client = options.manifests() == null ? ApiServer.of(options.kubeconfig()) : null;
        var recorder = record == null ? null : FileRecorder.to(record, FileRecorder.SIZE_MAX)) {
      run(netlink, ipvs, statistics, client, recorder);
    }
  }

  private String source() {
    return options.manifests() != null ? options.manifests().toString() : "kubernetes";
  }

  private void run(
      Netlink netlink, Ipvs ipvs, Ipvs statistics, ApiServer client, FileRecorder recorder)
      throws IOException, InterruptedException {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    AgentMetrics.process(registry);
    var metrics = new AgentMetrics(registry);
    registry
        .getPrometheusRegistry()
        .register(new VirtualServerMetrics(metrics, statistics::statistics));
    Defects.countBy(metrics::defect);
    var wiring = new Wiring(client, registry, metrics);
    registry
        .getPrometheusRegistry()
        .register(new BfdMetrics(wiring.bfd::snapshot, System::nanoTime));
    var node =
        new Node(
            new NodeNetwork(netlink),
            netlink,
            ipvs,
            new PacketPorts(
                Pcap4jPacketPort::open,
                (link, frame) -> wiring.loop.offerFrame(link, frame),
                RawSocket::open,
                Pcap4jPacketPort::openToProbe),
            wiring,
            wiring.bfd::watch,
            wiring.egress,
            metrics,
            recorder == null ? Recorder.NONE : recorder,
            new Stopwatch(System::nanoTime),
            bootedAt(),
            Clock.systemUTC());
    wiring.loop =
        new VirtualRouterLoop(wiring.earlierMasters(), wiring.earlierServices(), node, wiring);
    var systemd = Systemd.of(System.getenv());
    var shutdown = shutdown(wiring, systemd, recorder);
    Thread.setDefaultUncaughtExceptionHandler(shutdown::threadEnded);
    var thread = Thread.ofPlatform().name("vrrp").unstarted(wiring.loop);
    thread.setPriority(Thread.MAX_PRIORITY);
    try (var _ = NetlinkMonitor.ofTheAgent(e -> wiring.loop.put(new Input.NetworkChanged(e)));
        var _ =
            new AgentHttp(
                options.listenAddress(),
                options.nodeName(),
                wiring.loop::alive,
                wiring.loop::configured,
                wiring.loop::statuses,
                wiring::files,
                registry);
        var _ = openMetrics(registry)) {
      thread.start();
      Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(shutdown::run));
      try {
        wiring.startSource();
      } catch (IOException | RuntimeException e) {
        shutdown.failed();
        throw e;
      }
      OldGeneration.watch();
      systemd.follow(wiring.loop::configured, wiring.loop::alive);
      done.await();
    }
  }

  private static Shutdown shutdown(Wiring wiring, Systemd systemd, FileRecorder recorder) {
    return new Shutdown(
        millis -> {
          systemd.stopping();
          wiring.loop.stop(millis);
        },
        wiring.parts(recorder),
        Runtime.getRuntime()::halt);
  }

  /** Time of the boot on the clock of {@link System#nanoTime}, whose origin is arbitrary. */
  private static long bootedAt() throws IOException {
    var uptimeSeconds = Files.readString(Path.of("/proc/uptime")).split(" ")[0];
    return System.nanoTime() - (long) (Double.parseDouble(uptimeSeconds) * 1e9);
  }

  private MetricsHttp openMetrics(PrometheusMeterRegistry registry) {
    var address = options.metricsAddress();
    return address == null ? null : MetricsHttp.start(address, registry::scrape, System::nanoTime);
  }

  /** Connects source, checks, status and snapshot to the event loop. */
  private final class Wiring implements NodeMachine.Listener, Planning.Listener, Node.Checks {
    private final KubernetesSource kubernetes;
    private final StatusReporter reporter;
    private final EventWriter events;
    private final TransitionEvents transitions;
    private volatile Heartbeat heartbeat;
    private final Snapshot snapshot;
    private final ApiServer client;
    private final AgentMetrics metrics;
    private final MasterRecord masterRecord;
    private final ServiceRecord serviceRecord;
    private final KeyRecord keyRecord;
    private final PodReadiness pods;
    private final Pinger pinger = new Pinger();
    private final BfdLoop bfd;
    private final EgressLoop egress = new EgressLoop(new Nft(), this::isAlive);
    private final IdleConnections connections = new IdleConnections(IdleConnections.MAX);
    private final ProcessExits exits = new ProcessExits();
    private final Notifier notifier;
    private final Planning planning;
    private final ExecutorService disk =
        Executors.newSingleThreadExecutor(Thread.ofVirtual().name("disk").factory());
    private final Executor diskLater =
        CompletableFuture.delayedExecutor(PODS_SAVED_SECONDS, TimeUnit.SECONDS, disk);

    /** Of the thread vrrp alone. */
    private boolean rehearsed;

    private final AtomicReference<Desired> unsaved = new AtomicReference<>();
    private volatile Desired desired;
    private Desired accepted;
    private VirtualRouterLoop loop;

    /**
     * @param client null if VirtualIPs come from manifests; then no status is written
     */
    Wiring(ApiServer client, MeterRegistry registry, AgentMetrics metrics) throws IOException {
      bfd = new BfdLoop(new BfdSockets(), this::neighbourChanged, new SecureRandom());
      this.client = client;
      this.metrics = metrics;
      kubernetes =
          client == null
              ? null
              : new KubernetesSource(
                  client, options.nodeName(), options.namespace(), this::desired);
      reporter =
          client == null
              ? null
              : StatusReporter.start(client, options.nodeName(), kubernetes::status);
      events =
          client == null
              ? null
              : EventWriter.start(client::send, "virtualip-agent", options.nodeName(), EVENTS_WAIT);
      transitions =
          client == null
              ? null
              : new TransitionEvents(events, options.nodeName(), System::nanoTime);
      var state = options.stateDir();
      snapshot = client == null || state == null ? null : Snapshot.in(state, options.nodeName());
      masterRecord = state == null ? null : MasterRecord.in(state);
      serviceRecord = state == null ? null : ServiceRecord.in(state);
      keyRecord = client == null || state == null ? null : KeyRecord.in(state);
      var live = client == null ? null : kubernetes.pods();
      pods = live == null || state == null ? live : RememberedReadiness.in(state, live);
      notifier =
          new Notifier(
              options.nodeName(),
              options.scripts(),
              registry,
              (virtualIp, problems) -> loop.put(new Input.Noted(virtualIp, problems)));
      planning =
          new Planning(
              new Plan(options.nodeName(), earlierKeys()),
              this,
              change -> loop.put(new Input.PlanChanged(change)));
    }

    private KeyRings earlierKeys() {
      return client == null
          ? KeyRings.untold()
          : KeyRings.of(options.nodeName(), keyRecord == null ? Map.of() : keyRecord.read());
    }

    Map<String, MasterRecord.Master> earlierMasters() {
      return masterRecord == null ? Map.of() : masterRecord.read();
    }

    Set<ServiceKey> earlierServices() {
      return serviceRecord == null ? Set.of() : serviceRecord.read();
    }

    void startSource() throws IOException {
      Thread.ofPlatform().daemon().name("plan").start(planning);
      if (kubernetes == null) {
        ManifestSource.start(
            options.manifests(), options.secrets(), options.nodeName(), this::desired);
        return;
      }
      if (snapshot != null) {
        Defects.contain(() -> snapshot.read().ifPresent(this::desired));
      }
      kubernetes.start(reporter::statusChanged);
      heartbeat =
          Heartbeat.start(
              client,
              options.nodeName(),
              options.namespace(),
              options.pod(),
              loop::alive,
              reporter::heartbeat);
    }

    private boolean isAlive() {
      return loop.alive();
    }

    private boolean neighbourChanged(BfdLoop.News news) {
      return loop.offer(new Input.NeighbourChanged(news.neighbour(), news.state()));
    }

    /** What the files say; null before they are read, or where an API server has it. */
    List<VirtualIp> files() {
      var read = desired;
      return read == null || kubernetes != null ? null : read.virtualIps();
    }

    private void desired(Desired desired) {
      this.desired = desired;
      if (transitions != null) {
        transitions.objects(desired.virtualIps());
      }
      planning.desired(desired);
    }

    @Override
    public AutoCloseable start(String virtualIp, ScheduledCheck check) {
      return CheckRunner.start(
          List.of(check),
          new CheckMeans(pods, options.scripts(), pinger::ping, connections, exits::watch),
          new CheckRunner.Listener() {
            @Override
            public void changed(CheckState state) {
              loop.put(new Input.CheckChanged(virtualIp, state));
            }

            @Override
            public void ran(String name, boolean good, Duration took) {
              metrics.checked(virtualIp, ServerCheck.label(name), good, took);
            }

            @Override
            public void early(String name, EarlyCause cause) {
              metrics.checkedEarly(virtualIp, cause.name());
            }
          });
    }

    @Override
    public void changed(String virtualIp, NodeStatus status) {
      if (!rehearsed) {
        rehearsed = true;
        WarmUp.rehearse();
      }
      Defects.contain(() -> notifier.changed(virtualIp, KeepalivedState.of(status), status));
      if (reporter != null) {
        Defects.contain(() -> reporter.report(virtualIp, status, status.state() == State.Master));
        Defects.contain(() -> transitions.changed(virtualIp, status));
      }
    }

    @Override
    public void removed(String virtualIp) {
      Defects.contain(() -> notifier.removed(virtualIp));
      if (reporter != null) {
        Defects.contain(() -> reporter.remove(virtualIp));
        Defects.contain(() -> transitions.removed(virtualIp));
      }
    }

    /**
     * The snapshot has the versions that run: a restart without the API server must not begin with
     * a bad edit.
     */
    @Override
    public void accepted(
        Desired desired, Map<String, VirtualIp> running, Map<String, KeyRing> keys) {
      Defects.contain(() -> notifier.running(running, desired.tellableSecrets()));
      if (kubernetes != null) {
        kubernetes.running(running.values());
      }
      if (keyRecord != null) {
        disk.execute(() -> keyRecord.write(keys));
      }
      if (snapshot != null) {
        var good =
            new Desired(
                List.copyOf(running.values()),
                desired.self(),
                desired.nodes(),
                desired.pods(),
                desired.secrets(),
                Map.of(),
                List.of(),
                desired.tellable());
        save(good);
      }
    }

    /** Pods may come and go many times a second: they alone are no reason to write as often. */
    private void save(Desired good) {
      boolean onlyPods = accepted != null && accepted.isButForPods(good);
      accepted = good;
      boolean waits = unsaved.getAndSet(good) != null;
      if (!onlyPods) {
        disk.execute(this::saveNewest);
      } else if (!waits) {
        diskLater.execute(this::saveNewest);
      }
    }

    private void saveNewest() {
      var newest = unsaved.getAndSet(null);
      if (newest != null) {
        snapshot.write(newest);
      }
    }

    @Override
    public void nics(Nics nics) {
      planning.nics(nics);
    }

    @Override
    public void masters(Map<String, MasterRecord.Master> masters) {
      if (masterRecord != null) {
        disk.execute(() -> masterRecord.write(masters));
      }
    }

    @Override
    public void services(Set<ServiceKey> keys) {
      if (serviceRecord != null) {
        disk.execute(() -> serviceRecord.write(keys));
      }
    }

    /** The parts that have something to finish before the agent ends. */
    List<Shutdown.Part> parts(FileRecorder recorder) {
      var parts = new ArrayList<Shutdown.Part>(List.of(bfd::close, egress::close, notifier::close));
      if (client != null) {
        parts.addAll(List.of(_ -> closeHeartbeat(), reporter::close, events::close));
      }
      if (recorder != null) {
        parts.add(recorder::close);
      }
      return parts;
    }

    private void closeHeartbeat() {
      if (heartbeat != null) {
        heartbeat.close();
      }
    }
  }
}
