package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Proc;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/**
 * Measures whether edits of a VirtualIP of other nodes delay an agent's deadlines. Two agents run
 * many VirtualIPs with fast adverts, the cluster has many more, and one of these is edited ten
 * times a second.
 */
final class Edits implements AutoCloseable {
  private static final int FOREIGN = 750;
  private static final Duration BETWEEN_EDITS = Duration.ofMillis(100);
  private static final Duration START = Duration.ofMinutes(2);

  /**
   * Time after which the maxima in the agents' metrics no longer include the start: they last 40 s
   * to a minute.
   */
  private static final Duration SETTLE = Duration.ofMinutes(1);

  /**
   * Interval of scrapes: short enough to see every maximum, long enough that thousands of series
   * cost the agent little time.
   */
  private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(10);

  private static final Duration BETWEEN_QUESTIONS = Duration.ofSeconds(1);

  private static final String NAMESPACE = "virtualip-system";
  private static final Setup OWN = Setup.fastRouters(250);
  private static final String LATENESS = "virtualip_deadline_lateness_seconds";
  private static final String TURN = "virtualip_turn_seconds";
  private static final String WITHIN_10_MS = "le=\"0.01\"";

  /**
   * The results.
   *
   * @param agent launcher of the agents
   * @param apiServer kind of the API server, in words
   * @param virtualIps number of VirtualIPs
   * @param own number of those that the agents run
   * @param advertMillis advert interval of those, in ms
   * @param phases the phase without edits, then the one with edits
   */
  record Figures(
      String agent,
      String apiServer,
      int virtualIps,
      int own,
      int advertMillis,
      List<Phase> phases) {}

  /**
   * A phase with or without edits.
   *
   * @param what description
   * @param edits number of edits made
   * @param seconds length of the phase
   * @param loadAverage load of the machine in the last minute: above the number of cores, other
   *     programs took a part
   * @param mastersChanged VirtualIPs whose state changed on one of the nodes
   * @param nodes the nodes by name, that of the master first
   */
  record Phase(
      String what,
      int edits,
      double seconds,
      double loadAverage,
      int mastersChanged,
      List<OnNode> nodes) {}

  /**
   * One agent in a phase. The longest times are those of the phase or of the minute before it.
   *
   * @param node its name
   * @param masterOf how many VirtualIPs it was master of in the end
   * @param latenessMillis how late a deadline was at most
   * @param deadlines how many there were
   * @param lateDeadlines how many of these were more than 10 ms late
   * @param turns turns of its loop, 0 if this version does not count them
   * @param longTurns how many of these took more than 10 ms
   * @param cpu processor time, in percent of one core
   */
  record OnNode(
      String node,
      long masterOf,
      double latenessMillis,
      long deadlines,
      long lateDeadlines,
      long turns,
      long longTurns,
      double cpu) {}

  private final ClassicPair pair;
  private final ApiServer api;
  private final Path program;
  private final Consumer<String> say;
  private final List<Agent> agents = new ArrayList<>();

  private Edits(Lab lab, Path program, Consumer<String> say) {
    this.program = program;
    this.say = say;
    pair = ClassicPair.build(lab);
    api = ApiServer.start(lab, ClassicPair.CONTROL);
  }

  /**
   * Measures with the available kind of API server.
   *
   * @param program launcher of the agents
   * @param time length of each phase
   */
  static Figures measure(Lab lab, Path program, Duration time, Consumer<String> say) {
    try (var edits = new Edits(lab, program, say)) {
      return edits.measure(time);
    }
  }

  private Figures measure(Duration time) {
    say.accept("creating %d VirtualIPs".formatted(OWN.routers() + FOREIGN));
    create();
    pair.nodes().forEach(node -> agents.add(new Agent(node, start(node))));
    agents.forEach(Agent::awaitMetrics);
    // One by one: a takeover of all VirtualIPs at once is not the subject.
    Footprint.create(api.client(), OWN);
    awaitMaster();
    say.accept("at rest for %d s".formatted(SETTLE.plus(time).toSeconds()));
    Failover.sleep(SETTLE);
    var rest = phase("at rest", () -> rest(time));
    say.accept("editing one for %d s".formatted(time.toSeconds()));
    var edited = phase("edited", () -> edit(time));
    return new Figures(
        program.toString(),
        api.kind(),
        OWN.routers() + FOREIGN,
        OWN.routers(),
        OWN.advertMillis(),
        List.of(rest, edited));
  }

  private void create() {
    var client = api.client();
    api.installCrd();
    client
        .resource(new NamespaceBuilder().withNewMetadata().withName(NAMESPACE).and().build())
        .create();
    for (var node : pair.nodes()) {
      client
          .resource(new NodeBuilder().withNewMetadata().withName(node.name()).and().build())
          .create();
    }
    Footprint.inParallel(FOREIGN, number -> Footprint.createForeign(client, number));
  }

  /**
   * Returns after some time even without a master: an agent that cannot stay master is measured
   * too.
   */
  private void awaitMaster() {
    long endNanos = System.nanoTime() + START.toNanos();
    var master = agents.getFirst();
    while (master.masterOf() < OWN.routers()) {
      if (System.nanoTime() > endNanos) {
        say.accept("%s is not master of all, and they are measured so".formatted(master.node));
        return;
      }
      Failover.sleep(BETWEEN_QUESTIONS);
    }
  }

  private Proc start(Host node) {
    return node.start(
        "virtualip-agent",
        Map.of(),
        program.toString(),
        "run",
        "--node=" + node.name(),
        "--kubeconfig=" + api.kubeconfig());
  }

  /**
   * Watches the agents during an action.
   *
   * @param doing makes edits, and returns their number
   */
  private Phase phase(String what, IntSupplier doing) {
    agents.forEach(Agent::begin);
    long fromNanos = System.nanoTime();
    int edits;
    double seconds;
    try (var clock = Executors.newSingleThreadScheduledExecutor()) {
      long period = BETWEEN_LOOKS.toMillis();
      var looks =
          clock.scheduleAtFixedRate(
              () -> agents.forEach(Agent::look), period, period, TimeUnit.MILLISECONDS);
      edits = doing.getAsInt();
      seconds = (System.nanoTime() - fromNanos) / 1e9;
      if (looks.state() == Future.State.FAILED) {
        throw new AssertionError(looks.exceptionNow());
      }
    }
    var nodes = agents.stream().map(Agent::end).toList();
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    var changed = new HashSet<String>();
    agents.forEach(agent -> changed.addAll(agent.changed()));
    return new Phase(what, edits, tenths(seconds), tenths(load), changed.size(), nodes);
  }

  private static int rest(Duration time) {
    Failover.sleep(time);
    return 0;
  }

  /** Makes edits at a fixed rate. A late edit does not shorten the interval to the next one. */
  private int edit(Duration time) {
    long now = System.nanoTime();
    long endNanos = now + time.toNanos();
    int edits = 0;
    for (long due = now; due < endNanos; due = Math.max(due + BETWEEN_EDITS.toNanos(), now)) {
      Failover.sleep(Duration.ofNanos(Math.max(0, due - now)));
      var spec = "{\"spec\": {\"garp\": {\"refresh\": \"%ds\"}}}".formatted(60 + edits % 2);
      Footprint.patchForeign(api.client(), 0, "", spec);
      edits++;
      now = System.nanoTime();
    }
    return edits;
  }

  private static double tenths(double value) {
    return Math.round(10 * value) / 10.0;
  }

  /** A running agent, and its metrics since the beginning of a phase. */
  private static final class Agent {
    private final Host node;
    private final Proc proc;
    private long cpuFromNanos;
    private double cpuBefore;
    private Scrape before;
    private Scrape now;
    private double lateness;

    Agent(Host node, Proc proc) {
      this.node = node;
      this.proc = proc;
    }

    void awaitMetrics() {
      Await.until(node + " answers", START, () -> !scrape().series().isEmpty());
    }

    long masterOf() {
      return Math.round(scrape().sum("virtualip_state", "state=\"Master\""));
    }

    Scrape scrape() {
      var url = "http://127.0.0.1:9405/metrics";
      return Scrape.of(node.sh("curl -sf --max-time 10 %s".formatted(url)));
    }

    void begin() {
      before = scrape();
      lateness = 0;
      cpuFromNanos = System.nanoTime();
      cpuBefore = Load.cpuNanos(proc);
    }

    synchronized void look() {
      now = scrape();
      lateness = Math.max(lateness, now.max(LATENESS + "_max").orElse(0));
    }

    synchronized OnNode end() {
      double cpu = 100 * (Load.cpuNanos(proc) - cpuBefore) / (System.nanoTime() - cpuFromNanos);
      look();
      double all = count(LATENESS + "_count", "");
      double inTime = count(LATENESS + "_bucket", WITHIN_10_MS);
      double turns = count(TURN + "_count", "");
      double shortTurns = count(TURN + "_bucket", WITHIN_10_MS);
      return new OnNode(
          node.name(),
          Math.round(now.sum("virtualip_state", "state=\"Master\"")),
          tenths(1_000 * lateness),
          Math.round(all),
          Math.round(all - inTime),
          Math.round(turns),
          Math.round(turns - shortTurns),
          tenths(cpu));
    }

    private double count(String metric, String label) {
      return now.sum(metric, label) - before.sum(metric, label);
    }

    /** VirtualIPs whose state has changed here. */
    Set<String> changed() {
      return now.counted("virtualip_transitions_total", before);
    }
  }

  @Override
  public void close() {
    agents.forEach(agent -> agent.proc.close());
    api.close();
    pair.close();
  }
}
