package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.LabNode;
import dev.virtualip.e2e.lab.Probe;
import dev.virtualip.e2e.lab.Proc;
import dev.virtualip.e2e.lab.Program;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.regex.Pattern;

/**
 * The classic nginx + keepalived set-up with Kubernetes objects, from an empty cluster to the
 * deletion of the VirtualIP. A client requests a page every 10 ms all the time. The scenario
 * narrates each step, and measures each move.
 */
public final class Scenario {
  private static final String VIP_NAME = "web";
  private static final Pattern ROOT_READ_ONLY = Pattern.compile("^\\S+ / \\S+ ro,");
  private static final String SECOND_VIP = "203.0.113.20";
  private static final Duration START = Duration.ofSeconds(120);
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final Duration SHOWN = Duration.ofSeconds(30);

  /** A takeover in the timeline: the total, and the time of each part. */
  private static final Pattern TAKEOVER =
      Pattern.compile(
          "([0-9.]+)ms: decided ([0-9.]+)ms, advert ([0-9.]+)ms, bound ([0-9.]+)ms,"
              + " announced ([0-9.]+)ms");

  /** Longest time of a request: an outage is known only after it. */
  private static final Duration REQUEST_MAX = Duration.ofMillis(1_200);

  /**
   * A line of the table at the end.
   *
   * @param what the event
   * @param master name of the master after it
   * @param outage longest time for which the client was not served
   */
  public record Move(String what, String master, Duration outage) {}

  private final Narration narration;
  private final List<Move> moves = new ArrayList<>();
  private final Cluster cluster;
  private final ClassicPair pair;
  private final Probe probe;

  private Scenario(
      Lab lab,
      BiFunction<Lab, String, ApiServer> api,
      Map<String, Program> programs,
      PrintStream out) {
    narration = new Narration(out, MOVE);
    narration.say("two nodes, a router, a client behind it; nginx on both nodes");
    pair = ClassicPair.build(lab);
    cluster = Cluster.install(lab, pair, api.apply(lab, ClassicPair.CONTROL));
    cluster.run(programs);
    narration.say("API server: " + cluster.api().kind());
    probe = Probe.start(pair.client(), ClassicPair.URL);
  }

  /**
   * Plays the whole scenario.
   *
   * @param lab an empty lab
   * @param api starts an API server at an address of the control host
   * @param programs programs for the images of operator and agents
   * @param out receives the narration
   * @return the moves, in order
   * @throws AssertionError at the first failed expectation
   */
  public static List<Move> play(
      Lab lab,
      BiFunction<Lab, String, ApiServer> api,
      Map<String, Program> programs,
      PrintStream out) {
    var scenario = new Scenario(lab, api, programs, out);
    try {
      scenario.start();
      scenario.nginxFails();
      scenario.agentEnds();
      scenario.edit();
      scenario.delete();
      return List.copyOf(scenario.moves);
    } finally {
      scenario.probe.close();
      scenario.cluster.close();
      scenario.pair.close();
    }
  }

  private void start() {
    narration.stage("Install the operator, join two nodes, apply samples/01-active-standby.yaml");
    cluster.startOperator();
    narration.say("operator ready, by its Deployment and under its own ServiceAccount");
    cluster.startWorkers();
    cluster.createSecret("vip-auth", "web", "s3cret");
    cluster.apply(sample());
    narration.say("kubectl apply -f samples/01-active-standby.yaml");
    awaitMaster(pair.nodeA(), pair.nodeB(), START);
    narration.expect(
        "Accepted is True", () -> cluster.condition(VIP_NAME, "Accepted").startsWith("True"));
    if (cluster.runsImages()) {
      checkContainer(cluster.node("node-a").proc(Cluster.AGENT));
    }
    showTable();
  }

  /** Compares the kernel's view of the agent's container with the security context of its pod. */
  private void checkContainer(Proc runc) {
    try {
      var proc = Path.of("/proc", Long.toString(runc.container()));
      var status = Files.readString(proc.resolve("status"));
      narration.check(
          "the agent's container has CAP_NET_ADMIN and CAP_NET_RAW, and can get no others",
          List.of("CapPrm:\t", "CapEff:\t", "CapBnd:\t").stream()
                  .allMatch(set -> status.contains(set + "0000000000003000\n"))
              && status.contains("NoNewPrivs:\t1\n"));
      narration.check("its system calls are filtered", status.contains("Seccomp:\t2\n"));
      narration.check(
          "its root is read-only",
          Files.readString(proc.resolve("mounts")).lines().anyMatch(ROOT_READ_ONLY.asPredicate()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void nginxFails() {
    narration.stage("nginx on node-a stops, and starts again");
    move("nginx on node-a stops", pair.nodeB(), pair.nodeA(), pair.nginxA()::stop);
    narration.say("status of node-a: " + reason("node-a"));
    move("nginx on node-a starts again", pair.nodeA(), pair.nodeB(), pair.nginxA()::start);
  }

  private void agentEnds() {
    narration.stage("The agent on node-a gets SIGTERM, later SIGKILL, and is kept down each time");
    LabNode node = cluster.node("node-a");
    node.hold(Cluster.AGENT);
    move("agent on node-a: SIGTERM", pair.nodeB(), pair.nodeA(), node.proc(Cluster.AGENT)::stop);
    move("agent on node-a is back", pair.nodeA(), pair.nodeB(), () -> node.release(Cluster.AGENT));
    node.hold(Cluster.AGENT);
    move("agent on node-a: SIGKILL", pair.nodeB(), pair.nodeA(), node.proc(Cluster.AGENT)::kill);
    narration.say("the lease has taken address and route off node-a; nothing else could have");
    move("agent on node-a is back", pair.nodeA(), pair.nodeB(), () -> node.release(Cluster.AGENT));
  }

  private void edit() {
    narration.stage("The VirtualIP gets a second address; no agent restarts");
    long before = cluster.node("node-a").proc(Cluster.AGENT).pid();
    var edited =
        sample()
            .replace(
                "  routes:", "    - {address: " + SECOND_VIP + "/24, interface: eth1}\n  routes:");
    measured(
        "a second address",
        pair.nodeA(),
        () -> {
          cluster.apply(edited);
          narration.expect(
              "the client is served at " + SECOND_VIP,
              () -> pair.client().get("http://" + SECOND_VIP + "/").equals("node-a\n"));
          narration.expect(
              "node-a runs the new generation",
              () ->
                  Objects.equals(
                      cluster.status(VIP_NAME).nodes().get("node-a").acceptedGeneration(), 2L));
        });
    narration.check(
        "the agent is the same process",
        before == cluster.node("node-a").proc(Cluster.AGENT).pid());
  }

  private void delete() {
    narration.stage("The VirtualIP is deleted");
    cluster.delete(VIP_NAME);
    for (var node : pair.nodes()) {
      narration.expect(
          "no address and no route on " + node,
          () -> ClassicPair.isClean(node) && !node.hasAddress(SECOND_VIP));
    }
    narration.expect("no VirtualIP, no agent", () -> !cluster.node("node-a").runs(Cluster.AGENT));
  }

  private static String sample() {
    try {
      return Files.readString(Lab.root().resolve("samples/01-active-standby.yaml"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void move(String what, Host to, Host from, Runnable action) {
    measured(
        what,
        to,
        () -> {
          action.run();
          awaitMaster(to, from, MOVE);
        });
    showTakeover(to);
    showTable();
  }

  private void measured(String what, Host master, Runnable action) {
    var from = Instant.now();
    action.run();
    var to = Instant.now();
    Await.until(
        "the last requests have ended", MOVE, () -> Instant.now().isAfter(to.plus(REQUEST_MAX)));
    var outage = probe.longestOutage(from, to);
    moves.add(new Move(what, master.name(), outage));
    narration.say(
        "%s: master is %s; client without service for %d ms"
            .formatted(what, master, outage.toMillis()));
  }

  private void awaitMaster(Host master, Host other, Duration deadline) {
    Await.until(
        "%s alone has address and route".formatted(master),
        deadline,
        () ->
            "owners "
                + pair.owners()
                + ", "
                + VIP_NAME
                + " "
                + cluster.condition(VIP_NAME, "Ready"),
        _ -> ClassicPair.holds(master) && ClassicPair.isClean(other));
    probe.awaitServedBy(master.name(), deadline);
    Await.until(
        "status.master is " + master,
        SHOWN,
        () -> cluster.status(VIP_NAME).master(),
        master.name()::equals);
    Await.until(
        "Ready is True",
        SHOWN,
        () -> cluster.condition(VIP_NAME, "Ready"),
        ready -> ready.startsWith("True"));
  }

  /** The new master's status has its takeover with all parts, in the order in which they come. */
  private void showTakeover(Host master) {
    var newest = cluster.status(VIP_NAME).nodes().get(master.name()).history().getFirst();
    var what =
        "%s at %s, %s: %s".formatted(newest.to(), newest.at(), newest.reason(), newest.took());
    var took = TAKEOVER.matcher(newest.took());
    narration.check("the status of " + master + " tells of its takeover: " + what, took.matches());
    double before = 0;
    for (int part : List.of(2, 3, 4, 5, 1)) {
      double millis = Double.parseDouble(took.group(part));
      if (millis < before) {
        throw new AssertionError("out of order: " + newest.took());
      }
      before = millis;
    }
  }

  private String reason(String node) {
    var status = cluster.status(VIP_NAME).nodes().get(node);
    return "%s %s (%s)".formatted(status.state(), status.reason(), status.message());
  }

  private void showTable() {
    narration.show(cluster.api().real() ? "$ kubectl get vip" : "(no kubectl here; its columns:)");
    narration.show(cluster.table());
  }
}
