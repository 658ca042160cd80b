package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Frame.Vrrp;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Probe;
import dev.virtualip.e2e.lab.Proc;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Our agent and Debian's keepalived as the two nodes of the original configuration, each of them as
 * master: whichever fails, the other takes over, and the client is served.
 */
class KeepalivedInteropIT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final String PASSWORD = "s3cret";

  private Lab lab;
  private ClassicPair pair;
  private Capture wire;
  private Probe probe;

  @BeforeEach
  void build() {
    assumeTrue(Lab.available(), "needs root and e2e/src/lab/bin/java as the JVM");
    lab = Lab.open();
    pair = ClassicPair.build(lab);
    wire = pair.nodeA().capture("eth0", "ip proto 112");
    probe = Probe.start(pair.client(), ClassicPair.URL);
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private AgentProgram agent(Host host) throws IOException {
    var sample = Files.readString(Lab.root().resolve("samples/01-active-standby.yaml"));
    return AgentProgram.start(host, sample, Map.of("vip-auth/web", PASSWORD));
  }

  private Keepalived keepalived(Host host, int priority) {
    return Keepalived.start(
        host,
        new Keepalived.Instance(
                "VI_1",
                "eth0",
                77,
                priority,
                2,
                "1",
                PASSWORD,
                List.of(ClassicPair.VIP + "/24 dev eth1"),
                List.of("default via 203.0.113.1 dev eth1"),
                "/usr/bin/curl -sf -m 1 http://127.0.0.1/healthz",
                List.of())
            .config());
  }

  private void awaitHolder(Host holder, Host other) {
    Await.until(
        holder + " alone has address and route",
        MOVE,
        () -> ClassicPair.holds(holder) && ClassicPair.isClean(other));
    probe.awaitServedBy(holder.name(), MOVE);
  }

  /** The local nginx of the master fails and comes back, whoever the master is. */
  private void failAndRecoverCheck() {
    pair.nginxA().stop();
    awaitHolder(pair.nodeB(), pair.nodeA());
    pair.nginxA().start();
    awaitHolder(pair.nodeA(), pair.nodeB());
  }

  private List<Vrrp> advertsFrom(String address) {
    return wire.frames().stream()
        .filter(frame -> frame.source().equals(address))
        .map(frame -> frame.vrrp().orElseThrow())
        .toList();
  }

  private static void assertNoComplaints(Proc keepalived) {
    var complaints =
        keepalived
            .output()
            .lines()
            .filter(
                line -> line.matches(".*(?i)(bad|invalid|mismatch|wrong|incorrect|dropp|error).*"))
            .toList();
    assertEquals(List.of(), complaints);
  }

  @Test
  void oursIsMasterAndKeepalivedIsBackup() throws IOException {
    try (var keepalived = keepalived(pair.nodeB(), 80);
        var agent = agent(pair.nodeA())) {
      awaitHolder(pair.nodeA(), pair.nodeB());
      failAndRecoverCheck();

      agent.stop();
      awaitHolder(pair.nodeB(), pair.nodeA());
      assertEquals(0, agent.proc().exitCode());
      assertEquals(0, advertsFrom("10.0.0.11").getLast().priority(), "SIGTERM resigns");

      agent.start();
      awaitHolder(pair.nodeA(), pair.nodeB());
      agent.kill();
      awaitHolder(pair.nodeB(), pair.nodeA());
      assertNoComplaints(keepalived.proc());
    }
  }

  @Test
  void keepalivedIsMasterAndOursIsBackup() throws IOException {
    try (var keepalived = keepalived(pair.nodeA(), 100);
        var agent = agent(pair.nodeB())) {
      awaitHolder(pair.nodeA(), pair.nodeB());
      failAndRecoverCheck();

      keepalived.stop();
      awaitHolder(pair.nodeB(), pair.nodeA());
      agent.awaitStatus("web", "reason", "MasterResigned");

      keepalived.start();
      awaitHolder(pair.nodeA(), pair.nodeB());
      var log = keepalived.proc();
      keepalived.kill();
      // A killed keepalived leaves its address behind: only ours can be awaited here.
      Await.until("ours holds the address", MOVE, () -> ClassicPair.holds(pair.nodeB()));
      agent.awaitStatus("web", "reason", "MasterDown");
      assertNoComplaints(log);
    }
  }

  @Test
  void ourAdvertsAreKeepalivedsByteForByte() throws IOException {
    Vrrp theirs;
    try (var keepalived = keepalived(pair.nodeA(), 100)) {
      awaitHolder(pair.nodeA(), pair.nodeB());
      theirs = advertsFrom("10.0.0.11").getLast();
      keepalived.stop();
    }
    try (var agent = agent(pair.nodeA())) {
      awaitHolder(pair.nodeA(), pair.nodeB());
      var ours = advertsFrom("10.0.0.11").getLast();
      assertTrue(theirs.priority() == 100 && ours.equals(theirs), ours + " against " + theirs);
      agent.stop();
    }
  }
}
