package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.e2e.bench.SimulatedNodes;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Probe;
import dev.virtualip.e2e.lab.Program;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * 1,000 Services on ten simulated and three real agents, with an operator of {@code -Xmx128m}; then
 * the node of a lane's master is cut off. It prints how long all of it takes, which the machine
 * decides, and so runs on request. {@code -Ddocs.rewrite=true} writes it into docs/services.md.
 */
@InLab
@EnabledIfSystemProperty(named = "virtualip.services.many", matches = "true")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ManyServicesIT {
  private static final int MANY = 1_000;
  private static final int WRITERS = 8;
  private static final int MORE = 100;
  private static final int SIMULATED = 10;
  private static final int LANES = 4;
  private static final String ONE = "10.77.7.250";
  private static final Duration LATER = Duration.ofMinutes(2);
  private static final Duration LATEST = Duration.ofMinutes(4);
  private static final List<String> REAL = List.of("node-a", "node-b", "node-c");
  private static final String POOL =
      """
      metadata: {name: lan}
      spec:
        addresses: [10.77.0.0/21]
        networks: [10.77.0.0/21]
        interfaces: [eth0, eth1]
        vrids: ["1-%d"]
        services: {interface: eth1, lanes: %d}
      """
          .formatted(LANES + 1, LANES);

  /** When a Service was created, and when it was seen with an address, by name. */
  private final Map<String, Long> sentNanos = new ConcurrentHashMap<>();

  private final Map<String, Long> hadNanos = new ConcurrentHashMap<>();
  private final AtomicLong heap = new AtomicLong();
  private final List<String> said = new ArrayList<>();
  private volatile List<String> passes = List.of();
  private List<Host> hosts;
  private Cluster cluster;

  private void start(Lab lab, ClassicPair pair) {
    var third =
        lab.host("node-c")
            .plug("eth0", lab.wire("internal"), "10.0.0.13/24")
            .plug("eth1", lab.wire("public"));
    Nginx.start(third);
    hosts = List.of(pair.nodeA(), pair.nodeB(), third);
    lab.host("router").route("10.77.0.0/21 dev eth0");
    cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL));
    cluster.setOperator("SERVICES_WITHOUT_CLASS=true", "JAVA_OPTS=-Xmx128m");
    for (int i = 0; i < hosts.size(); i++) {
      hosts.get(i).ip("addr add 203.0.113.1%d/24 dev eth1".formatted(i + 1));
      hosts.get(i).route("198.51.100.0/24 via 203.0.113.1");
      cluster.join(hosts.get(i), "10.0.0.1" + (i + 1), Map.of(), Program.built());
    }
    cluster.startOperator();
    cluster.client().resource(Serialization.unmarshal(POOL, VirtualIpPool.class)).create();
    cluster.client().services().inNamespace("default").inform(new Seen());
  }

  private final class Seen implements ResourceEventHandler<Service> {
    @Override
    public void onAdd(Service service) {
      onUpdate(service, service);
    }

    @Override
    public void onUpdate(Service before, Service service) {
      var ingress = service.getStatus().getLoadBalancer().getIngress();
      if (ingress != null && !ingress.isEmpty()) {
        hadNanos.putIfAbsent(service.getMetadata().getName(), System.nanoTime());
      }
    }

    @Override
    public void onDelete(Service service, boolean unknown) {}
  }

  /** The priority that spreading gives a node in the virtual router of a lane. */
  private static int priority(int vrid, String node) {
    var yaml =
        "metadata: {name: lane}\nspec: {vrid: %d, interface: eth1, nodes: {spread: true}}"
            .formatted(vrid);
    return Serialization.unmarshal(yaml, VirtualIp.class).getSpec().priorityOn(node);
  }

  /**
   * Names that hashing puts behind two real nodes in each lane: else lanes would be moved there.
   */
  private static List<String> simulatedNames() {
    return Stream.iterate(0, i -> i + 1)
        .map("simulated-%d"::formatted)
        .filter(
            name ->
                IntStream.rangeClosed(1, LANES)
                    .allMatch(vrid -> priority(vrid, name) < second(vrid)))
        .limit(SIMULATED)
        .toList();
  }

  private static int second(int vrid) {
    return REAL.stream()
        .map(node -> priority(vrid, node))
        .sorted(Comparator.reverseOrder())
        .toList()
        .get(1);
  }

  private List<VirtualIp> lanes() {
    return cluster
        .client()
        .resources(VirtualIp.class)
        .withLabel(PoolServices.LABEL)
        .list()
        .getItems();
  }

  /** What an agent of each simulated node would report soon after an edit. */
  private void reportAll(SimulatedNodes simulated, String one) {
    for (var lane : lanes()) {
      var status = lane.getStatus();
      var report = status == null || status.nodes() == null ? null : status.nodes().get(one);
      var generation = lane.getMetadata().getGeneration();
      if (report == null || !generation.equals(report.acceptedGeneration())) {
        simulated.report(lane.getMetadata().getName(), generation, null);
      }
    }
  }

  private void lookAtTheHeap() {
    var metrics = cluster.leader().host().sh("curl -s http://127.0.0.1:9406/metrics");
    double used =
        metrics
            .lines()
            .filter(line -> line.startsWith("jvm_memory_used_bytes{area=\"heap\""))
            .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
            .sum();
    passes =
        metrics
            .lines()
            .filter(line -> line.startsWith("virtualip_operator_passes_seconds"))
            .toList();
    heap.accumulateAndGet(Math.round(used / (1 << 20)), Math::max);
  }

  private void create(String name) {
    var yaml =
        """
        metadata: {name: %s, namespace: default}
        spec: {type: LoadBalancer, ports: [{port: 80}], selector: {app: web}}
        """;
    sentNanos.put(name, System.nanoTime());
    cluster
        .client()
        .resource(Serialization.unmarshal(yaml.formatted(name), Service.class))
        .create();
  }

  private String master(String vip) {
    return Objects.requireNonNullElse(cluster.status(vip).master(), "");
  }

  @Test
  void aThousandServicesGetAddressesAndANodeThatDiesMovesItsLanesOnce() throws IOException {
    assumeTrue(ApiServer.realAvailable(), "KUBEBUILDER_ASSETS names no API server");
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var others = Executors.newScheduledThreadPool(2)) {
      start(lab, pair);
      var names = simulatedNames();
      try (var simulated = SimulatedNodes.start(cluster.client(), names)) {
        Runnable report = () -> reportAll(simulated, names.getFirst());
        others.scheduleWithFixedDelay(ignoring(report), 0, 500, TimeUnit.MILLISECONDS);
        others.scheduleWithFixedDelay(ignoring(this::lookAtTheHeap), 1, 1, TimeUnit.SECONDS);
        manyAtOnce();
        oneAfterTheOther();
        aNodeDies(pair);
        say("operator's passes: %s", String.join(", ", passes));
        say("operator: most heap in use %d MiB of 128, seen once a second", heap.get());
        theOperatorHasNotBeenRestarted();
        write();
      } finally {
        others.shutdownNow();
        cluster.close();
      }
    }
  }

  /** An executor would end it with the first conflict or time-out. */
  private static Runnable ignoring(Runnable work) {
    return () -> {
      try {
        work.run();
      } catch (RuntimeException e) {
        System.out.println("again: " + e);
      }
    };
  }

  private void write() throws IOException {
    if (Boolean.getBoolean("docs.rewrite")) {
      said.addFirst("```");
      said.addLast("```");
      new GeneratedTable(Lab.root().resolve("docs/services.md"), "services").write(said);
    }
  }

  private void say(String format, Object... values) {
    said.add(format.formatted(values));
    System.out.println("services: " + said.getLast());
  }

  private void manyAtOnce() {
    long begun = System.nanoTime();
    try (var writers = Executors.newFixedThreadPool(WRITERS)) {
      IntStream.range(0, MANY)
          .mapToObj("many-%04d"::formatted)
          .forEach(name -> writers.submit(() -> create(name)));
    }
    long made = System.nanoTime();
    Await.until("all have one", LATEST, () -> hadNanos.size() == MANY);
    long had = hadNanos.values().stream().mapToLong(Long::longValue).max().orElseThrow();
    say(
        "%d made within %d ms, all with addresses %d ms after the first and %d ms after the last",
        MANY, millis(made - begun), millis(had - begun), millis(had - made));
    Await.until("all lanes serve", LATER, () -> lanesHave(vip -> !master(vip).isEmpty()));
    say("lanes serve after %d ms", millis(System.nanoTime() - begun));
    Await.until("all are with their best nodes", LATER, () -> lanesHave(this::isWithItsBest));
  }

  private static long millis(long nanos) {
    return nanos / 1_000_000;
  }

  private boolean lanesHave(Predicate<VirtualIp> what) {
    var lanes = lanes();
    return lanes.size() == LANES && lanes.stream().allMatch(what);
  }

  private static String master(VirtualIp vip) {
    return vip.getStatus() == null ? "" : Objects.requireNonNullElse(vip.getStatus().master(), "");
  }

  private boolean isWithItsBest(VirtualIp lane) {
    return lane.getSpec().vrid() != null && master(lane).equals(best(lane.getSpec().vrid()));
  }

  private static String best(int vrid) {
    return REAL.stream().max(Comparator.comparing(node -> priority(vrid, node))).orElseThrow();
  }

  private void oneAfterTheOther() {
    var took =
        IntStream.range(0, MORE)
            .mapToObj("more-%03d"::formatted)
            .map(
                name -> {
                  create(name);
                  var had = Await.until(name, LATER, () -> hadNanos.get(name), Objects::nonNull);
                  return millis(had - sentNanos.get(name));
                })
            .sorted()
            .toList();
    say(
        "%d more, one after the other: median %d ms, p99 %d ms, most %d ms",
        MORE, took.get(MORE / 2), took.get(MORE * 99 / 100 - 1), took.getLast());
  }

  /** The switches drop all of its frames. A VirtualIP with one address has the same master. */
  private void aNodeDies(ClassicPair pair) {
    var dies = master("lan-0");
    var host = hosts.get(REAL.indexOf(dies));
    cluster.apply(single(dies));
    Await.until("it serves", LATER, () -> cluster.isReady("one", dies));
    Await.until("all agents have the newest lanes", LATER, this::allHaveAcceptedAll);
    var before = new TreeMap<String, Long>();
    var probes = new TreeMap<String, Probe>();
    lanes()
        .forEach(lane -> before.put(lane.getMetadata().getName(), lane.getStatus().transitions()));
    probes.put("one", Probe.start(pair.client(), "http://" + ONE + "/"));
    var moving = lanes().stream().filter(lane -> dies.equals(lane.getStatus().master())).toList();
    for (var lane : moving) {
      var address = lane.getSpec().addresses().getLast().address().replaceFirst("/.*", "");
      probes.put(
          lane.getMetadata().getName(), Probe.start(pair.client(), "http://" + address + "/"));
    }
    probes.forEach((name, probe) -> probe.awaitServedBy(dies, LATER));
    var since = Instant.now();
    host.cut("eth1");
    host.cut("eth0");
    probes.forEach(
        (name, probe) ->
            Await.until(
                name + " has moved",
                LATER,
                () -> !probe.servedBy().equals(dies) && master(name).equals(probe.servedBy())));
    say(
        "%s dies: %s",
        dies,
        probes.entrySet().stream()
            .map(e -> e.getKey() + " away for " + outage(e.getValue(), since) + " ms")
            .collect(Collectors.joining(", ")));
    for (var lane : lanes()) {
      var name = lane.getMetadata().getName();
      long moves = probes.containsKey(name) ? 1 : 0;
      assertEquals(before.get(name) + moves, lane.getStatus().transitions(), name);
    }
    say(
        "lanes of %s addresses",
        lanes().stream().map(lane -> "" + lane.getSpec().addresses().size()).toList());
    probes.values().forEach(Probe::close);
  }

  private static long outage(Probe probe, Instant since) {
    return probe.longestOutage(since, since.plusSeconds(20)).toMillis();
  }

  private static String single(String master) {
    return """
    metadata: {name: one}
    spec:
      vrid: %d
      interface: eth1
      pool: lan
      addresses: [{address: %s/32}]
      nodes: {overrides: [{name: %s, priority: 254}], spread: true}
    """
        .formatted(LANES + 1, ONE, master);
  }

  private boolean allHaveAcceptedAll() {
    return lanes().stream()
        .allMatch(
            lane ->
                REAL.stream()
                    .allMatch(
                        node ->
                            lane.getMetadata()
                                .getGeneration()
                                .equals(lane.getStatus().nodes().get(node).acceptedGeneration())));
  }

  private void theOperatorHasNotBeenRestarted() {
    var pods =
        cluster
            .client()
            .pods()
            .inNamespace(Cluster.NAMESPACE)
            .withLabel("app.kubernetes.io/name", Cluster.OPERATOR)
            .list()
            .getItems();
    assertEquals(1, pods.size());
    var container = pods.getFirst().getStatus().getContainerStatuses().getFirst();
    assertEquals(0, container.getRestartCount());
    assertTrue(container.getReady());
  }
}
