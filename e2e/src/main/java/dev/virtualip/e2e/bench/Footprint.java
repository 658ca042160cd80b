package dev.virtualip.e2e.bench;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Proc;
import dev.virtualip.kube.ApiCall;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Measures what one program needs on a node on which it is master of everything: memory, processor
 * time, and time to start. The programs are the agent with an API server, the agent with manifests,
 * and keepalived, in turn.
 */
final class Footprint {
  private static final String NAMESPACE = "virtualip-system";
  private static final Duration SETTLE = Duration.ofSeconds(20);
  private static final int STARTS = 5;
  private static final int FOREIGN = 990;
  private static final int WRITERS = 4;
  private static final Setup ONE = Setup.classic(2, 1_000);
  private static final Setup MANY = Setup.routers(250);
  private static final Setup FEW = Setup.routers(10);

  /**
   * The results. Memory is in MiB, for the program and its children.
   *
   * @param what the VirtualIPs
   * @param who the program, and the source of its configuration
   * @param start from the start of the process until its log says that all are Backup, in ms
   * @param resident resident memory (RSS)
   * @param proportional the same with shared pages divided among the processes that share them
   *     (PSS)
   * @param anonymous private memory that is not backed by a file
   * @param cpu processor time while nothing happens, in percent of one core
   */
  record Figures(
      String what,
      String who,
      Stats start,
      double resident,
      double proportional,
      double anonymous,
      double cpu) {}

  private final Host node;
  private final Duration time;
  private final Consumer<String> say;
  private final List<Figures> figures = new ArrayList<>();

  private Footprint(Host node, Duration time, Consumer<String> say) {
    this.node = node;
    this.time = time;
    this.say = say;
  }

  /**
   * Measures; without a real API server only the programs that need none.
   *
   * @param time how long processor time is counted
   */
  static List<Figures> measure(Lab lab, Duration time, Consumer<String> say) {
    try (var pair = ClassicPair.build(lab)) {
      var footprint = new Footprint(pair.nodeA(), time, say);
      for (var setup : List.of(ONE, MANY)) {
        for (var contender : Contender.ALIKE) {
          footprint.measure(
              setup,
              setup.name(),
              contender.toString(),
              () -> contender.start(pair.nodeA(), setup));
        }
      }
      if (ApiServer.realAvailable()) {
        footprint.measureWith(ApiServer.real(lab, ClassicPair.CONTROL));
      } else {
        say.accept("SKIPPED: with an API server; set KUBEBUILDER_ASSETS to a folder with one");
      }
      return List.copyOf(footprint.figures);
    }
  }

  private void measureWith(ApiServer api) {
    var client = api.client();
    api.installCrd();
    client
        .resource(new NamespaceBuilder().withNewMetadata().withName(NAMESPACE).and().build())
        .create();
    client
        .resource(new NodeBuilder().withNewMetadata().withName(node.name()).and().build())
        .create();
    client
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName("vip-auth")
                .withNamespace(NAMESPACE)
                .endMetadata()
                .addToStringData("web", Setup.PASSWORD)
                .build())
        .create();
    var who = Contender.OURS + " with Kubernetes";
    for (var setup : List.of(ONE, MANY)) {
      apply(client, setup);
      measure(setup, setup.name(), who, () -> start(api));
    }
    apply(client, FEW);
    inParallel(FOREIGN, number -> createForeign(client, number));
    measure(FEW, "10 of 1,000 VirtualIPs", who, () -> start(api));
    api.close();
  }

  private static void apply(KubernetesClient client, Setup setup) {
    client.resources(VirtualIp.class).delete();
    create(client, setup);
  }

  /** The VirtualIPs of a setup, one by one. */
  static void create(KubernetesClient client, Setup setup) {
    var objects = setup.manifest().split("(?m)^---$");
    Arrays.stream(objects)
        .map(yaml -> Serialization.unmarshal(yaml, VirtualIp.class))
        .forEach(vip -> client.resource(vip).create());
  }

  /** A VirtualIP of other nodes, of which ten have reported. */
  static void createForeign(KubernetesClient client, int number) {
    var name = "foreign-" + number;
    var yaml =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: %s}
        spec:
          vrid: %d
          interface: eth%d
          addresses: [{address: 10.100.%d.%d/32}]
          nodes: {selector: {matchLabels: {foreign: "true"}}}
        """
            .formatted(name, 1 + number % 255, 2 + number / 255, number / 256, number % 256);
    client.resource(Serialization.unmarshal(yaml, VirtualIp.class)).create();
    var nodes =
        IntStream.range(0, 10)
            .mapToObj(
                i ->
                    """
                    "foreign-%d": {"state": "%s", "priority": 100, "reason": "Started",
                     "since": "2026-01-01T00:00:00Z", "acceptedGeneration": 1}"""
                        .formatted(i, i == 0 ? "Master" : "Backup"))
            .collect(Collectors.joining(","));
    var status = "{\"status\": {\"master\": \"foreign-0\", \"nodes\": {%s}}}".formatted(nodes);
    patchForeign(client, number, "/status", status);
  }

  /** Patches a VirtualIP of other nodes. */
  static void patchForeign(KubernetesClient client, int number, String subresource, String body) {
    patch(client, "foreign-" + number + subresource, body);
  }

  /**
   * Patches with one request, whereas fabric8's patch reads the object first.
   *
   * @param what name of the VirtualIP, with its subresource
   */
  static void patch(KubernetesClient client, String what, String body) {
    var path = "apis/virtualip.dev/v1alpha1/virtualips/" + what;
    try {
      var answer = ApiCall.send(client, "PATCH", path, ApiCall.MERGE_PATCH, body);
      if (!answer.ok()) {
        throw new IllegalStateException(path + ": " + answer);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(path, e);
    }
  }

  static void inParallel(int count, Consumer<Integer> request) {
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

  private Proc start(ApiServer api) {
    return node.start(
        "virtualip-agent",
        Map.of(),
        AgentProgram.PROGRAM.toString(),
        "run",
        "--node=" + node.name(),
        "--kubeconfig=" + api.kubeconfig());
  }

  private void measure(Setup setup, String what, String who, Supplier<Proc> program) {
    var starts = new ArrayList<Double>();
    for (int i = 1; i < STARTS; i++) {
      try (var proc = program.get()) {
        starts.add(toBackupMillis(proc, setup));
        proc.kill();
      }
    }
    try (var proc = program.get()) {
      starts.add(toBackupMillis(proc, setup));
      Failover.sleep(SETTLE);
      double before = Load.cpuNanos(proc);
      long from = System.nanoTime();
      Failover.sleep(time);
      double cpu = 100 * (Load.cpuNanos(proc) - before) / (System.nanoTime() - from);
      var one =
          new Figures(
              what,
              who,
              Stats.of(starts),
              Load.mib(proc),
              mib(proc, "Pss"),
              mib(proc, "Anonymous"),
              Math.round(100 * cpu) / 100.0);
      figures.add(one);
      say.accept(
          "%s: %s starts in %.0f ms, %.1f MiB (%.1f proportional, %.1f anonymous), %.2f %% of a core"
              .formatted(
                  what,
                  who,
                  one.start().median(),
                  one.resident(),
                  one.proportional(),
                  one.anonymous(),
                  one.cpu()));
    }
    node.sh("ip addr flush dev eth1; ip route flush dev eth1");
  }

  private static double toBackupMillis(Proc proc, Setup setup) {
    long from = System.nanoTime();
    (proc.name().endsWith("keepalived") ? Contender.KEEPALIVED : Contender.OURS)
        .awaitBackup(proc, setup);
    return Math.round((System.nanoTime() - from) / 1e5) / 10.0;
  }

  /** A memory figure of the kernel, summed over the program and its children. */
  private static double mib(Proc proc, String field) {
    var line = Pattern.compile("(?m)^" + field + ": +(\\d+) kB$");
    double kib =
        Load.tree(proc.pid()).stream()
            .map(pid -> line.matcher(Load.read("/proc/" + pid + "/smaps_rollup")))
            .filter(matcher -> matcher.find())
            .mapToDouble(matcher -> Double.parseDouble(matcher.group(1)))
            .sum();
    return Math.round(kib / 102.4) / 10.0;
  }
}
