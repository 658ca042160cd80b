package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Probe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The steps of docs/migration.md, with its commands: from two hosts with keepalived to two nodes,
 * back to keepalived, and over again, with a client that asks all the time.
 */
@Tag("long")
@InLab
class MigrationIT {
  private static final Duration START = Duration.ofSeconds(120);
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final String URL = "http://203.0.113.82/";
  private static final String OLD_A = "10.0.0.13";
  private static final Pattern LOST = Pattern.compile("without service for (\\d+) ms");

  /** Two clients of one move differ by the times between their requests, and by their machine. */
  private static final Duration TOLERANCE = Duration.ofMillis(100);

  /** Longest time of a request: an outage is known only after it. */
  private static final Duration REQUEST_MAX = Duration.ofMillis(1_200);

  private Lab lab;
  private ClassicPair pair;
  private Cluster cluster;
  private Host client;
  private Probe probe;
  private Path manifests;
  private final List<Keepalived> old = new ArrayList<>();
  private final List<Duration> lost = new ArrayList<>();

  @BeforeEach
  void build() throws IOException {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    lab = Lab.open();
    pair = ClassicPair.build(lab);
    // The client reaches the API server, too, since a drill is run there.
    client = pair.client().plug("eth1", lab.wire("internal"), "10.0.0.9/24");
    manifests = lab.work().resolve("manifests");
    startKeepalived("old-a", OLD_A, 100);
    startKeepalived("old-b", "10.0.0.14", 90);
    probe = Probe.start(client, URL);
    probe.awaitServedBy("old-a", MOVE);
    cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL));
    cluster.startOperator();
    cluster.startWorkers();
  }

  @AfterEach
  void close() {
    if (cluster != null) {
      cluster.close();
    }
    if (lab != null) {
      lab.close();
    }
  }

  private void startKeepalived(String name, String address, int priority) throws IOException {
    var host =
        lab.host(name)
            .plug("eth0", lab.wire("internal"), address + "/24")
            .plug("eth1", lab.wire("public"));
    Nginx.start(host);
    var sample = Files.readString(Lab.root().resolve("samples/04-with-keepalived.conf"));
    var text = sample.replace("priority 100", "priority " + priority).replace("old-host", name);
    var file = Files.writeString(lab.work().resolve(name + ".conf"), text);
    old.add(Keepalived.start(host, file, name));
  }

  @Test
  void overAndBackAndOverAgain() {
    importAndCompare();
    var joined = Instant.now();
    join();
    lost("the nodes join", joined);
    var over = Instant.now();
    takeOver();
    lost("keepalived to node-b", over);
    drill();
    var back = Instant.now();
    goBack();
    lost("node-b to keepalived", back);
    var again = Instant.now();
    takeOver();
    lost("keepalived to node-b again", again);
    var end = Instant.now();
    endKeepalived();
    lost("the end of keepalived", end);
    var drilled = drill();
    for (var move : lost) {
      assertTrue(
          move.compareTo(drilled.plus(TOLERANCE)) <= 0,
          "the client lost %s, and %s in a drill".formatted(move, drilled));
    }
  }

  private void importAndCompare() {
    var files = lab.work();
    say(
        vip(
            lab.control(),
            "import",
            "--join",
            "--host",
            "old-a=" + files.resolve("old-a.conf"),
            "--host",
            "old-b=" + files.resolve("old-b.conf"),
            "-o",
            manifests.toString()));
    var heard = pair.nodeA().run("tcpdump", "-c", "1", "-nvi", "eth0", "ip", "proto", "112");
    say(heard);
    assertTrue(
        heard.contains(
            "> 224.0.0.18: VRRPv2, Advertisement, vrid 82, prio 100, authtype simple, intvl 1s,"
                + " length 20, addrs: 203.0.113.82 auth \"s3cret\""),
        heard);
    var yaml = text("moving.yaml");
    for (var field :
        List.of("vrid: 82", "vrrpVersion: 2", "advertInterval: 1s", "address: 203.0.113.82/24")) {
      assertTrue(yaml.contains(field), yaml);
    }
    assertTrue(text("vip-auth.secret.yaml").contains("moving: s3cret"));
    assertTrue(yaml.contains("priority: 80\n"), yaml);
  }

  private String text(String file) {
    try {
      return Files.readString(manifests.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void join() {
    kubectl("apply", "-f", manifests.toString());
    awaitReady("True MasterOutside: " + OLD_A + " is master, and no node of this VirtualIP");
    cluster.await(
        "both nodes are backups and hear keepalived",
        START,
        () ->
            cluster.status("moving").nodes().size() == 2
                && cluster.status("moving").nodes().values().stream()
                    .allMatch(node -> OLD_A.equals(node.heardMaster())));
    assertEquals(
        "False NoForeignSpeaker: nobody else is heard",
        cluster.condition("moving", "VridConflict"));
    kubectl("get", "vip", "-o", "wide");
    say(vip(client, "status", "moving"));
    assertEquals("old-a", probe.servedBy());
  }

  private void takeOver() {
    patch("{\"spec\":{\"nodes\":{\"overrides\":[{\"name\":\"node-b\",\"priority\":150}]}}}");
    probe.awaitServedBy("node-b", MOVE);
    awaitReady("True Serving: node-b is master");
    kubectl("get", "vip", "moving");
    patch("{\"spec\":{\"priority\":140}}");
    cluster.await(
        "node-a is the next",
        MOVE,
        () -> cluster.status("moving").nodes().get("node-a").priority() == 140);
    say(vip(client, "status", "moving"));
    log("Entering BACKUP STATE");
  }

  /** What keepalived says of itself on old-a, its last lines. */
  private void log(String expected) {
    var lines =
        Await.until(
            "keepalived's log has " + expected,
            MOVE,
            () ->
                old.getFirst()
                    .proc()
                    .output()
                    .lines()
                    .filter(line -> line.contains("(moving)") && !line.contains("gratuitous"))
                    .toList(),
            all ->
                all.stream().skip(Math.max(0, all.size() - 6)).anyMatch(l -> l.contains(expected)));
    say(String.join("\n", lines.subList(Math.max(0, lines.size() - 6), lines.size())));
  }

  private void goBack() {
    patch("{\"spec\":{\"priority\":80,\"nodes\":{\"overrides\":null}}}");
    probe.awaitServedBy("old-a", MOVE);
    awaitReady("True MasterOutside: " + OLD_A + " is master, and no node of this VirtualIP");
    log("Entering MASTER STATE");
  }

  private void endKeepalived() {
    old.reversed().forEach(Keepalived::stop);
    patch("{\"spec\":{\"allowOutside\":null}}");
    awaitReady("True Serving: node-b is master");
    kubectl("get", "vip", "-o", "wide");
    assertEquals("node-b", probe.servedBy());
  }

  /** The longest loss that the drill prints; our client has seen no longer one. */
  private Duration drill() {
    var from = Instant.now();
    var output = say(vip(client, "drill", "moving", "--url", URL));
    var printed =
        LOST.matcher(output)
            .results()
            .map(found -> Duration.ofMillis(Long.parseLong(found.group(1))))
            .toList();
    assertEquals(2, printed.size(), output);
    var most = printed.stream().max(Duration::compareTo).orElseThrow();
    var seen = outage(from);
    assertTrue(seen.compareTo(most.plus(TOLERANCE)) <= 0, "client lost " + seen + "\n" + output);
    assertEquals("node-b", probe.servedBy());
    return most;
  }

  private void lost(String what, Instant from) {
    var outage = outage(from);
    System.out.printf("%s: client without service for %d ms%n", what, outage.toMillis());
    lost.add(outage);
  }

  private Duration outage(Instant from) {
    var to = Instant.now();
    Await.until("requests have ended", MOVE, () -> Instant.now().isAfter(to.plus(REQUEST_MAX)));
    return probe.longestLoss(from, to);
  }

  private void awaitReady(String ready) {
    cluster.await(ready, START, () -> cluster.condition("moving", "Ready").equals(ready));
  }

  private void patch(String patch) {
    kubectl("patch", "vip", "moving", "--type", "merge", "-p", patch);
  }

  private void kubectl(String... arguments) {
    System.out.println("$ kubectl " + String.join(" ", arguments));
    say(cluster.api().kubectl(arguments));
  }

  private String vip(Host host, String... arguments) {
    System.out.println("$ kubectl vip " + String.join(" ", arguments));
    var command = new ArrayList<>(List.of("env", "KUBECONFIG=" + cluster.api().kubeconfig()));
    command.add(KeptPair.VIP.toString());
    command.addAll(List.of(arguments));
    return host.run(command.toArray(String[]::new));
  }

  private static String say(String output) {
    System.out.println(output);
    return output;
  }
}
