package dev.virtualip.e2e.bench;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.Cluster;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.LabNode;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Measures operator and agent with many VirtualIPs on a real API server. Ten nodes exist as objects
 * only, and this class has their heartbeats and reports written. An eleventh node is real, with
 * {@value #OWN} VirtualIPs.
 */
final class OperatorScale implements AutoCloseable {
  private static final int VIRTUAL_IPS = 1_000;
  private static final int OWN = 10;
  private static final int NODES = 10;
  private static final List<String> NODE_NAMES =
      IntStream.range(0, NODES).mapToObj(i -> "simulated-" + i).toList();
  private static final int EDITS = 200;
  private static final int WRITERS = 4;
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final Duration REST = Duration.ofSeconds(30);
  private static final String VIRTUAL_IP =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: vip-%d}
      spec:
        vrid: %d
        interface: eth%d
        addresses: [{address: 10.%d.%d.%d/32}]
        nodes: {selector: {matchLabels: {%s: "true"}}}
      """;
  private static final String REAL = "{\"metadata\": {\"labels\": {\"real\": \"true\"}}}";
  private static final Pattern REQUESTS =
      Pattern.compile("(?m)^apiserver_request_total\\{(.*)} (\\S+)$");
  private static final Pattern COUNTED =
      Pattern.compile("resource=\"(virtualips|daemonsets|pods|nodes|events|deployments)\"");

  /**
   * The results. Times are in milliseconds, from the request that creates or edits to the watch
   * event in which the new generation is Accepted.
   *
   * @param virtualIps number of VirtualIPs
   * @param nodes number of nodes that report, without the real one
   * @param allAtOnce times when all are created at once
   * @param p99AllAtOnce 99th percentile of these
   * @param oneByOne times of edits at rest, one after the other
   * @param p99OneByOne 99th percentile of these
   * @param requestsPerEdit requests of the operator to the API server for an edit, without watches
   * @param operatorHeapMib smallest heap in use at rest
   * @param operatorMib resident memory
   * @param operatorCpu processor time at rest, in percent of one core
   * @param agentHeapMib heap of a real agent, which runs few of the VirtualIPs
   * @param agentMib resident memory of that agent
   * @param agentCpu its processor time at rest, in percent of one core
   */
  record Figures(
      int virtualIps,
      int nodes,
      Stats allAtOnce,
      double p99AllAtOnce,
      Stats oneByOne,
      double p99OneByOne,
      double requestsPerEdit,
      double operatorHeapMib,
      double operatorMib,
      double operatorCpu,
      double agentHeapMib,
      double agentMib,
      double agentCpu) {}

  private final Consumer<String> say;
  private final ClassicPair pair;
  private final Cluster cluster;
  private SimulatedNodes simulated;

  /** When a generation of a VirtualIP was requested, by {@link #key}. */
  private final Map<String, Long> sentNanos = new ConcurrentHashMap<>();

  /** When it was seen to be Accepted. */
  private final Map<String, Long> acceptedNanos = new ConcurrentHashMap<>();

  private OperatorScale(Lab lab, Consumer<String> say) {
    this.say = say;
    pair = ClassicPair.build(lab);
    cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL));
  }

  /** Measures; only with {@link ApiServer#realAvailable}. */
  static Figures measure(Lab lab, Consumer<String> say) {
    try (var scale = new OperatorScale(lab, say)) {
      return scale.measure();
    }
  }

  private Figures measure() {
    cluster.startWorkers();
    cluster.startOperator();
    client()
        .nodes()
        .withName(pair.nodeA().name())
        .patch(PatchContext.of(PatchType.JSON_MERGE), REAL);
    simulated = SimulatedNodes.start(client(), NODE_NAMES);
    client().resources(VirtualIp.class).inform(new Accepted());
    say.accept("creating %d VirtualIPs".formatted(VIRTUAL_IPS));
    inParallel(VIRTUAL_IPS, this::create);
    var created = IntStream.range(0, VIRTUAL_IPS).mapToObj(i -> tookMillis(key(i, 1))).toList();
    say.accept("reporting from %d nodes".formatted(NODES));
    inParallel(VIRTUAL_IPS - OWN, this::report);
    Await.until("all are served", LONG, this::reportedAll);
    say.accept("at rest for %d s".formatted(REST.toSeconds()));
    var operator = cluster.leader();
    var agent = cluster.node(pair.nodeA().name());
    var operatorRest = new Rest(operator, Cluster.OPERATOR, 9406);
    var agentRest = new Rest(agent, Cluster.AGENT, 9405);
    for (int i = 0; i < REST.toSeconds(); i++) {
      Failover.sleep(Duration.ofSeconds(1));
      operatorRest.look();
      agentRest.look();
    }
    double operatorCpu = operatorRest.cpu();
    double agentCpu = agentRest.cpu();
    double operatorMib = Load.mib(operator.proc(Cluster.OPERATOR));
    double agentMib = Load.mib(agent.proc(Cluster.AGENT));
    say.accept("editing %d of them".formatted(EDITS));
    double before = requests();
    IntStream.range(OWN, OWN + EDITS).forEach(this::edit);
    var edited = IntStream.range(OWN, OWN + EDITS).mapToObj(i -> tookMillis(key(i, 2))).toList();
    double requests = (requests() - before - EDITS) / EDITS;
    return new Figures(
        VIRTUAL_IPS,
        NODES,
        Stats.of(created),
        p99(created),
        Stats.of(edited),
        p99(edited),
        Math.round(100 * requests) / 100.0,
        operatorRest.heapMib,
        operatorMib,
        operatorCpu,
        agentRest.heapMib,
        agentMib,
        agentCpu);
  }

  /** A program that has nothing to do. */
  private static final class Rest {
    private final LabNode node;
    private final String program;
    private final int port;
    private final long fromNanos = System.nanoTime();
    private final double cpuBefore;
    private double heapMib = Double.MAX_VALUE;

    Rest(LabNode node, String program, int port) {
      this.node = node;
      this.program = program;
      this.port = port;
      cpuBefore = Load.cpuNanos(node.proc(program));
    }

    void look() {
      heapMib = Math.min(heapMib, heap(node.host()));
    }

    private double heap(Host host) {
      var metrics = host.sh("curl -s http://127.0.0.1:" + port + "/metrics");
      double bytes =
          metrics
              .lines()
              .filter(line -> line.startsWith("jvm_memory_used_bytes{area=\"heap\""))
              .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
              .sum();
      return Math.round(bytes / 1024 / 102.4) / 10.0;
    }

    double cpu() {
      double percent = 100.0 / (System.nanoTime() - fromNanos);
      double used = Load.cpuNanos(node.proc(program)) - cpuBefore;
      return Math.round(100 * used * percent) / 100.0;
    }
  }

  private final class Accepted implements ResourceEventHandler<VirtualIp> {
    @Override
    public void onAdd(VirtualIp vip) {
      onUpdate(vip, vip);
    }

    @Override
    public void onUpdate(VirtualIp before, VirtualIp vip) {
      var status = vip.getStatus();
      var generation = vip.getMetadata().getGeneration();
      if (status != null
          && status.conditions() != null
          && generation.equals(status.observedGeneration())
          && status.conditions().stream()
              .anyMatch(c -> c.getType().equals("Accepted") && c.getStatus().equals("True"))) {
        acceptedNanos.putIfAbsent(
            vip.getMetadata().getName() + "/" + generation, System.nanoTime());
      }
    }

    @Override
    public void onDelete(VirtualIp vip, boolean unknown) {}
  }

  private KubernetesClient client() {
    return cluster.client();
  }

  private void inParallel(int count, IntConsumer request) {
    try (var threads = Executors.newFixedThreadPool(WRITERS)) {
      var begun =
          IntStream.range(0, count).mapToObj(i -> threads.submit(() -> request.accept(i))).toList();
      for (var one : begun) {
        one.get();
      }
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /** Creates a VirtualIP; the first few select the real node. */
  private void create(int number) {
    var yaml =
        VIRTUAL_IP.formatted(
            number,
            1 + number % 255,
            number < OWN ? 0 : number / 255,
            100 + number / 65_536,
            number / 256 % 256,
            number % 256,
            number < OWN ? "real" : "simulated");
    sentNanos.put(key(number, 1), System.nanoTime());
    client().resource(Serialization.unmarshal(yaml, VirtualIp.class)).create();
  }

  private static String key(int number, long generation) {
    return "vip-" + number + "/" + generation;
  }

  private void report(int number) {
    simulated.report("vip-" + (OWN + number), 1, NODE_NAMES.getFirst());
  }

  private void edit(int number) {
    var spec = "{\"spec\": {\"priority\": 101}}";
    sentNanos.put(key(number, 2), System.nanoTime());
    SimulatedNodes.patch(client(), "vip-" + number, spec);
    tookMillis(key(number, 2));
  }

  /** From the request until it was Accepted. */
  private double tookMillis(String key) {
    var accepted =
        Await.until(key + " is Accepted", LONG, () -> acceptedNanos.get(key), Objects::nonNull);
    return (accepted - sentNanos.get(key)) / 1e6;
  }

  /** Whether all are Ready; reports that the operator does not believe are written again. */
  private boolean reportedAll() {
    var missing =
        client().resources(VirtualIp.class).list().getItems().stream()
            .filter(vip -> !isReady(vip))
            .map(vip -> Integer.parseInt(vip.getMetadata().getName().substring("vip-".length())))
            .toList();
    missing.stream().filter(number -> number >= OWN).forEach(number -> report(number - OWN));
    Failover.sleep(Duration.ofSeconds(missing.isEmpty() ? 0 : 2));
    return missing.isEmpty();
  }

  private static boolean isReady(VirtualIp vip) {
    return vip.getStatus() != null
        && vip.getStatus().conditions() != null
        && vip.getStatus().conditions().stream()
            .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  /** Number of requests so far about the operator's objects, without heartbeats and watches. */
  private double requests() {
    return REQUESTS
        .matcher(client().raw("/metrics"))
        .results()
        .filter(line -> COUNTED.matcher(line.group(1)).find())
        .filter(line -> !line.group(1).contains("verb=\"WATCH\""))
        .mapToDouble(line -> Double.parseDouble(line.group(2)))
        .sum();
  }

  private static double p99(List<Double> figures) {
    var sorted = figures.stream().sorted().toList();
    return sorted.get((int) Math.ceil(0.99 * sorted.size()) - 1);
  }

  @Override
  public void close() {
    if (simulated != null) {
      simulated.close();
    }
    cluster.close();
    pair.close();
  }
}
