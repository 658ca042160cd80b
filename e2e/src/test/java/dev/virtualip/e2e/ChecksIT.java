package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Each kind of check on a real nginx and a real script: success, failure, hang, and what is
 * missing. A VirtualIP for each, so that each shows for itself. Checks of pods are in
 * IngressNginxIT.
 */
@InLab
class ChecksIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Map<String, String> CHECKS =
      Map.of(
          "http", "http: {path: /healthz}",
          "https",
              "http: {scheme: HTTPS, port: 8443, hostHeader: shop.example.com, bodyContains: shop,"
                  + " tls: {verify: true, ca: CA}}",
          "tcp", "tcp: {port: 80}",
          "exec", "exec: {command: [check-queue, '10']}",
          "process", "process: {name: nginx}");

  /** Edits that are refused, and why. */
  private static final Map<String, List<String>> MISTAKES =
      Map.of(
          "http",
          List.of(
              "http: {path: healthz}",
              "http.path: is no path: start it with a slash and write other than plain characters as"
                  + " in %20"),
          "https",
          List.of(
              "http: {scheme: HTTPS, tls: {ca: CA}}",
              "http.tls.ca: ca is for verification: set verify to true, or remove ca"),
          "tcp",
          List.of("tcp: {port: 0}", "tcp.port: 0 is not a TCP port: use 1 to 65535"),
          "exec",
          List.of(
              "exec: {command: []}",
              "exec.command: needs a program below the scripts directory, and arguments"),
          "process",
          List.of(
              "process: {name: /usr/sbin/nginx}",
              "process.name: is no name of a process: write it without path, as in nginx"),
          "pod",
          List.of(
              "pod: {namespace: ingress-nginx}",
              "pod.selector: is missing: give labels that the pods have"));

  private static final List<String> KINDS = CHECKS.keySet().stream().sorted().toList();

  private Lab lab;
  private Host node;
  private Nginx nginx;
  private Path scripts;
  private Path queue;
  private String authority;

  @BeforeEach
  void build() throws IOException {
    lab = Lab.open();
    node = lab.host("node").plug("eth0", lab.wire("lan"), "10.0.0.11/24");
    var certificates = Files.createDirectory(lab.work().resolve("certificates"));
    node.sh(
        ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
                + " -addext subjectAltName=DNS:shop.example.com"
                + " -keyout %1$s/key -out %1$s/crt 2>/dev/null")
            .formatted(certificates));
    authority = Files.readString(certificates.resolve("crt"));
    nginx =
        Nginx.start(
            node,
            """
            server {
              listen 8443 ssl;
              server_name shop.example.com;
              ssl_certificate %1$s/crt;
              ssl_certificate_key %1$s/key;
              location / { return 200 "the shop\\n"; }
            }
            """
                .formatted(certificates));
    scripts();
  }

  /** A script that looks at a file, as nobody: the lab's folder is opened to all for it. */
  private void scripts() throws IOException {
    open(lab.work());
    scripts = Files.createDirectory(lab.work().resolve("scripts"));
    open(scripts);
    queue = lab.work().resolve("queue");
    queueIs("3");
    var script =
        Files.writeString(
            scripts.resolve("check-queue"),
            """
            #!/bin/sh
            length=$(cat %s)
            [ "$length" = stuck ] && sleep 600
            [ "$length" -le "$1" ] || { echo "queue is $length long, as $(id -u)"; exit 4; }
            """
                .formatted(queue));
    open(script);
  }

  private static void open(Path path) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void queueIs(String length) throws IOException {
    Files.writeString(queue, length);
  }

  @AfterEach
  void close() {
    lab.close();
  }

  private String manifest() {
    return KINDS.stream().map(k -> manifest(k, CHECKS.get(k))).collect(Collectors.joining("---\n"));
  }

  private static int vrid(String kind) {
    return 51 + KINDS.indexOf(kind); // 50 for pod, which is not among them
  }

  private String manifest(String kind, String check) {
    var ca = "\"" + authority.strip().replace("\n", "\\n") + "\\n\"";
    return """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: %s}
        spec:
          vrid: %d
          interface: eth0
          advertInterval: 100ms
          addresses: [{address: 10.0.0.%d/24}]
          healthChecks: [{name: it, interval: 100ms, timeout: 500ms, %s}]
        """
        .formatted(kind, vrid(kind), vrid(kind), check.replace("CA", ca));
  }

  private static void awaitMaster(AgentProgram agent, String... kinds) {
    for (var kind : kinds) {
      Await.until(
          kind + " is good",
          SOON,
          () -> agent.status(kind),
          s -> text(s, "state").equals("Master"));
    }
  }

  private static void awaitFault(AgentProgram agent, String kind, String message) {
    var status =
        Await.until(
            kind + " fails",
            SOON,
            () -> agent.status(kind),
            s -> text(s, "message").equals(message));
    assertEquals("Fault", text(status, "state"));
    assertEquals("CheckFailed(it)", text(status, "reason"));
  }

  private static String text(JsonNode status, String field) {
    return status.path(field).asText();
  }

  @Test
  void everyKindSucceedsFailsAndHangs() throws IOException {
    var kinds = KINDS.toArray(String[]::new);
    try (var agent = AgentProgram.start(node, manifest(), Map.of(), "--scripts=" + scripts)) {
      awaitMaster(agent, kinds);

      nginx.stop();
      queueIs("25");
      awaitFault(agent, "http", "connect refused 127.0.0.1:80");
      awaitFault(agent, "https", "connect refused 127.0.0.1:8443");
      awaitFault(agent, "tcp", "connect refused 127.0.0.1:80");
      awaitFault(agent, "process", "no process nginx");
      awaitFault(agent, "exec", "exit 4: queue is 25 long, as 65534");
      assertTrue(
          agent
              .metrics()
              .contains(
                  "virtualip_check_failing{check=\"it\",detail=\"connect refused 127.0.0.1:80\","
                      + "vip=\"http\"} 1.0"),
          agent::metrics);
      agent
          .proc()
          .awaitOutput(
              "check vip=http check=it verdict=Failed detail=\"connect refused 127.0.0.1:80\"",
              SOON);

      nginx.start();
      queueIs("10");
      awaitMaster(agent, kinds);
      nginx.fail(true);
      awaitFault(agent, "http", "500 expected 200-399");
      nginx.fail(false);
      awaitMaster(agent, "http");

      hang(agent);
      badEdits(agent);
    }
  }

  /** A hung nginx still has a port and a process; only who asks it for something notices. */
  private void hang(AgentProgram agent) throws IOException {
    try (var capture = node.capture("eth0", "ip proto 112")) {
      var from = Instant.now();
      nginx.proc().suspend();
      queueIs("stuck");
      awaitFault(agent, "http", "timeout after 500ms");
      awaitFault(agent, "https", "timeout after 500ms");
      awaitFault(agent, "exec", "timeout after 500ms");
      awaitMaster(agent, "tcp", "process");
      var to = Instant.now();
      var gap = longestGap(capture.frames(), vrid("tcp"), from, to);
      assertTrue(gap.toMillis() < 1_000, "no advert for " + gap);
    }
    nginx.proc().resume();
    queueIs("0");
    node.sh(
        "nft 'table inet cut { chain in { type filter hook input priority 0; tcp dport 80 drop; }; }'");
    awaitFault(agent, "tcp", "timeout after 500ms");
    node.sh("nft delete table inet cut");
    awaitMaster(agent, "http", "https", "exec", "tcp");
  }

  /** What runs goes on, and says why the edit does not. */
  private void badEdits(AgentProgram agent) {
    var bad =
        MISTAKES.entrySet().stream()
            .map(mistake -> manifest(mistake.getKey(), mistake.getValue().getFirst()))
            .collect(Collectors.joining("---\n"));
    agent.apply("virtualip.yaml", bad);
    MISTAKES.forEach(
        (kind, mistake) -> {
          var message = "spec.healthChecks[0]." + mistake.getLast();
          var state = kind.equals("pod") ? "Fault" : "Master";
          Await.until(
              "the edit of " + kind + " is refused",
              SOON,
              () -> agent.status(kind),
              s -> text(s, "message").endsWith(message) && text(s, "state").equals(state));
        });

    agent.apply(
        "virtualip.yaml",
        manifest("exec", "exec: {command: [no-such]}")
            + "---\n"
            + manifest("pod", "pod: {namespace: n, selector: {matchLabels: {a: b}}}"));
    awaitFault(
        agent, "exec", "there is no " + scripts + "/no-such: put it there or correct the command");
    awaitFault(agent, "pod", "pod checks need the API server");
  }

  private static Duration longestGap(List<Frame> frames, int vrid, Instant from, Instant to) {
    var times =
        Stream.concat(
                Stream.of(from),
                Stream.concat(
                    frames.stream()
                        .filter(f -> f.vrrp().map(v -> v.vrid() == vrid).orElse(false))
                        .map(Frame::time),
                    Stream.of(to)))
            .sorted()
            .toList();
    var longest = Duration.ZERO;
    for (int i = 1; i < times.size(); i++) {
      var gap = Duration.between(times.get(i - 1), times.get(i));
      longest = gap.compareTo(longest) > 0 ? gap : longest;
    }
    return longest;
  }

  /** An agent in a container: it sees itself alone, and nobody has given it scripts. */
  @Test
  void whatIsMissingIsSaidSo() throws IOException {
    var folder = Files.createDirectory(lab.work().resolve("manifests"));
    Files.writeString(folder.resolve("virtualip.yaml"), manifest());
    try (var agent =
        node.start(
            "virtualip-agent",
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            Lab.root().resolve("agent/target/virtualip-agent").toString(),
            "run",
            "--node=node",
            "--manifests=" + folder)) {
      agent.awaitOutput(
          "check vip=process check=it verdict=Failed detail=\"process checks see the agent alone: let"
              + " it see the node's processes \\(hostPID\\)\"",
          SOON);
      agent.awaitOutput(
          "check vip=exec check=it verdict=Failed detail=\"no command may be run: give the agent a"
              + " scripts directory\"",
          SOON);
    }
  }
}
