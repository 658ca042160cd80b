package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.Cluster;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Hand-overs as an administrator asks for them, with operator and agents on a real API server, and
 * keepalived's graceful stop on the same nodes in the same round.
 */
final class PlannedMoves implements AutoCloseable {
  static final String SWITCH_OVER = "switch-over";
  static final String BACK = "and back";
  static final String DRAIN = "drain";
  static final String UPGRADE = "upgrade of both agents";
  static final String STOP = "keepalived's stop";

  /** The moves, without keepalived's own. */
  static final List<String> MOVES = List.of(SWITCH_OVER, BACK, DRAIN, UPGRADE);

  private static final Duration LONG = Duration.ofMinutes(2);
  private static final String IMAGE = "registry.example/virtualip-agent:bench-";

  private final Failover failover;
  private final Consumer<Planned> result;
  private final Cluster cluster;
  private int images;

  /** Installs the cluster; requires {@link ApiServer#realAvailable}. */
  PlannedMoves(Lab lab, Failover failover, Consumer<Planned> result) {
    this.failover = failover;
    this.result = result;
    cluster = Cluster.install(lab, failover.pair(), ApiServer.real(lab, ClassicPair.CONTROL));
    cluster.startOperator();
    cluster.startWorkers();
    cluster.createSecret("vip-auth", "web", Setup.PASSWORD);
  }

  /** Plays all moves once. */
  void play(Setup setup, int run, Duration phase) {
    cluster.apply(setup.manifest());
    try {
      awaitMaster(setup, "node-a");
      measure(
          setup,
          SWITCH_OVER,
          run,
          () -> cluster.switchTo("web", "node-b"),
          () -> isMaster("node-b"));
      measure(setup, BACK, run, () -> cluster.switchTo("web", null), () -> isMaster("node-a"));
      measure(setup, DRAIN, run, () -> label("=true"), () -> isMaster("node-b"));
      label("-");
      awaitMaster(setup, "node-a");
      measure(setup, UPGRADE, run, this::upgrade, () -> isUpgraded() && isMaster("node-a"));
    } finally {
      cluster.delete("web");
      Await.until("agents are gone", LONG, () -> cluster.agents().isEmpty());
      failover.clean(setup);
    }
    var stop = failover.play(setup, Contender.KEEPALIVED, Move.STOP, run, phase);
    result.accept(
        new Planned(setup.name(), STOP, run, stop.outage(), stop.twoOwners(), stop.noOwner()));
  }

  private void awaitMaster(Setup setup, String node) {
    Await.until(node + " is master", LONG, () -> isMaster(node));
    failover.probe(setup).awaitServedBy(node, LONG);
  }

  private void measure(Setup setup, String what, int run, Runnable move, BooleanSupplier ended) {
    var from = Instant.now();
    move.run();
    Await.until(what, LONG, ended);
    var to = Instant.now();
    Failover.sleep(Failover.LAST_ANSWERS);
    result.accept(failover.planned(setup, what, run, from, to));
  }

  private void label(String value) {
    cluster.api().kubectl("label", "node", "node-a", "virtualip.dev/drain" + value);
  }

  private void upgrade() {
    images++;
    cluster.setOperator("AGENT_IMAGE=" + IMAGE + images);
  }

  private boolean isUpgraded() {
    return cluster.handOvers("web").isEmpty() && cluster.agentsRun(2, IMAGE + images);
  }

  private boolean isMaster(String node) {
    return cluster.isReady("web", node);
  }

  @Override
  public void close() {
    cluster.close();
  }
}
