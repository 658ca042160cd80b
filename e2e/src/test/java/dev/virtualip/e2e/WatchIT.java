package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Probe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Checks that watch what they look at, with an interval of an hour: whatever moves, moves since the
 * check was early. Pods are in IngressNginxIT.
 */
@InLab
class WatchIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String WEB =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 77
        interface: eth0
        advertInterval: 400ms
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        routes: [{to: default, via: 203.0.113.1, interface: eth1}]
        nodes: {overrides: [{name: node-a, priority: 100}, {name: node-b, priority: 80}]}
        healthChecks:
          - {name: nginx, http: {path: /healthz}, interval: 1h, timeout: 1s, fall: 3}
      """;
  private static final String DAEMON =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: daemon}
      spec:
        vrid: 78
        interface: eth0
        advertInterval: 100ms
        addresses: [{address: 203.0.113.11/24, interface: eth1}]
        healthChecks:
          - {name: it, process: {name: lab-daemon}, interval: 1h, timeout: 1s}
      """;

  private Lab lab;
  private ClassicPair pair;

  @BeforeEach
  void build() {
    lab = Lab.open();
    pair = ClassicPair.build(lab);
  }

  @AfterEach
  void close() {
    lab.close();
  }

  private static long early(AgentProgram agent, String vip, String cause) {
    var line =
        "^virtualip_checks_early_total\\{cause=\"%s\",vip=\"%s\"} ([0-9.]+)".formatted(cause, vip);
    var found = Pattern.compile(line, Pattern.MULTILINE).matcher(agent.metrics());
    return found.find() ? (long) Double.parseDouble(found.group(1)) : 0;
  }

  /** Connections from the node to its nginx, of which the idle one is the only one that stays. */
  private static void awaitHeld(Host node) {
    Await.until(
        "a connection to nginx is held",
        SOON,
        () -> node.sh("ss -Htn state established 'dport = :80' | wc -l").strip(),
        "1"::equals);
  }

  @Test
  void aKilledOrStoppedNginxIsSeenAtOnce() {
    try (var a = AgentProgram.start(pair.nodeA(), WEB, Map.of());
        var b = AgentProgram.start(pair.nodeB(), WEB, Map.of());
        var probe = Probe.start(pair.client(), ClassicPair.URL)) {
      b.awaitStatus("web", "state", "Backup");
      awaitMaster(a, probe);

      moves(a, probe, "SIGKILL", pair.nginxA()::kill);
      moves(a, probe, "SIGTERM", pair.nginxA()::stop);
      assertEquals(0, early(b, "web", "Repeated"));
    }
  }

  private void awaitMaster(AgentProgram a, Probe probe) {
    a.awaitStatus("web", "state", "Master");
    probe.awaitServedBy("node-a", SOON);
    awaitHeld(pair.nodeA());
  }

  private static String verdict(AgentProgram agent) {
    var checks = Pattern.compile(" check vip=web check=nginx verdict=(\\w+)");
    return checks
        .matcher(agent.proc().output())
        .results()
        .reduce((_, last) -> last)
        .orElseThrow()
        .group(1);
  }

  /**
   * The old worker ends with its connections: after a minute, which is client_header_timeout, or
   * after a second here.
   */
  @Test
  void aReloadCostsACheckAndMovesNothing() {
    var node = pair.nodeA();
    pair.nginxA().stop();
    try (var nginx = Nginx.start(node, "client_header_timeout 1s;");
        var agent = AgentProgram.start(node, WEB, Map.of())) {
      agent.awaitStatus("web", "state", "Master");
      var transitions = agent.status("web").path("transitions");
      var worker = worker(node, nginx);
      nginx.reload();
      Await.until(
          "the old worker is gone", SOON, () -> worker(node, nginx), w -> !w.equals(worker));
      long before = early(agent, "web", "ConnectionEnded");
      Await.until(
          "an end is seen", SOON, () -> early(agent, "web", "ConnectionEnded"), n -> n > before);
      assertEquals(transitions, agent.status("web").path("transitions"));
      assertEquals("Good", verdict(agent));
    }
  }

  /** The process ids of its workers. */
  private static String worker(Host node, Nginx nginx) {
    return node.sh("cat /proc/%1$d/task/%1$d/children".formatted(nginx.proc().pid())).strip();
  }

  private void moves(AgentProgram a, Probe probe, String how, Runnable end) {
    var from = Instant.now();
    end.run();
    probe.awaitServedBy("node-b", SOON);
    assertEquals("Failed", verdict(a));
    System.out.printf(
        "nginx ended by %s, checked every hour: %d ms without service%n",
        how, probe.longestOutage(from, Instant.now()).toMillis());
    pair.nginxA().start();
    // The next check of it would be in an hour.
    a.stop();
    a.start();
    awaitMaster(a, probe);
  }

  @Test
  void aProcessExits() throws IOException {
    var node = pair.nodeA();
    var program = Files.copy(Path.of("/bin/sleep"), lab.work().resolve("lab-daemon"));
    var first = node.start("daemon", program.toString(), "600");
    try (var agent = AgentProgram.start(node, DAEMON, Map.of())) {
      agent.awaitStatus("daemon", "state", "Master");

      // A restart with an overlap: another of that name runs when the first exits.
      var second = node.start("daemon", program.toString(), "600");
      Await.until("both run", SOON, () -> node.sh("pgrep -xc lab-daemon || true").matches("2\\s*"));
      first.kill();
      Await.until(
          "the exit is seen", SOON, () -> early(agent, "daemon", "ProcessExited"), n -> n == 1);
      assertEquals("Master", agent.status("daemon").path("state").asText());

      var from = Instant.now();
      second.kill();
      agent.awaitStatus("daemon", "message", "no process lab-daemon");
      System.out.printf(
          "process exited, checked every hour: seen within %d ms%n",
          Duration.between(from, Instant.now()).toMillis());
      assertTrue(early(agent, "daemon", "ProcessExited") >= 2, agent::metrics);
    }
  }
}
