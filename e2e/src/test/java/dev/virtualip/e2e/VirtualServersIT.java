package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Proc;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Layer 4 as clients see it: two directors, d1 and d2, in front of three real servers with nginx.
 * One lab and two agents for all tests; each begins with d1 as master and all servers up.
 */
@NeedsKernel({"ip_vs"})
@Timeout(value = 300, unit = SECONDS)
class VirtualServersIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String VIP = "203.0.113.10";
  private static final String ON_BACK = "10.0.0.88";

  /** A file that takes as long as a test wants it to, and a server for when there is none. */
  private static final String SERVERS =
      """
      server {
        listen 8080;
        location = /big { root WORK; limit_rate 20k; add_header X-Server HOST; }
        location / { return 200 "HOST\\n"; }
      }
      server { listen 8081; location / { return 200 "sorry\\n"; } }
      """;

  private static final String MANIFEST =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 51
        interface: eth1
        advertInterval: 2s
        addresses:
          - {address: 203.0.113.10/24, interface: eth0}
          - {address: 10.0.0.1/24, interface: eth1}
          - {address: 10.0.0.88/24, interface: eth1}
        nodes: {overrides: [{name: d1, priority: 150}]}
        virtualServers:
          - name: web
            addresses: [203.0.113.10]
            port: 80
            scheduler: wrr
            forwarding: Masquerade
            realServers: {addresses: [%s]}
      """;

  private static final String CHECKS =
      """
            checks:
              - {name: page, http: {path: /healthz, port: 80}, interval: 1s, timeout: 5s}
              - {name: port, tcp: {}, interval: 1s, timeout: 5s}
      """;

  private static Lab lab;
  private static Host client;
  private static Host d1;
  private static Host d2;
  private static final List<Host> SERVER_HOSTS = new ArrayList<>();
  private static final List<Nginx> NGINX = new ArrayList<>();
  private static AgentProgram first;
  private static AgentProgram second;

  @BeforeAll
  static void build() throws IOException {
    lab = Lab.open();
    var front = lab.wire("front");
    var back = lab.wire("back");
    client =
        lab.host("client")
            .plug("eth0", front, "203.0.113.50/24")
            .plug("eth1", back, "10.0.0.50/24");
    d1 = lab.host("d1").plug("eth0", front, "203.0.113.11/24").plug("eth1", back, "10.0.0.11/24");
    d2 = lab.host("d2").plug("eth0", front, "203.0.113.12/24").plug("eth1", back, "10.0.0.12/24");
    try (var big = new RandomAccessFile(lab.work().resolve("big").toFile(), "rw")) {
      big.setLength(1L << 30);
    }
    for (int i = 1; i <= 3; i++) {
      var server = lab.host("s" + i).plug("eth0", back, "10.0.0.2" + i + "/24");
      server.route("default via 10.0.0.1");
      SERVER_HOSTS.add(server);
      NGINX.add(Nginx.start(server, SERVERS.replace("WORK", lab.work().toString())));
    }
    var manifest = manifest(servers(1, 1, 1));
    first = AgentProgram.start(d1.forward(), manifest, Map.of());
    second = AgentProgram.start(d2.forward(), manifest, Map.of());
    awaitRunning(first);
    awaitRunning(second);
  }

  /** Longer than others wait: two JVMs start at once. */
  private static void awaitRunning(AgentProgram agent) {
    Await.until("the agent runs", Duration.ofMinutes(4), () -> !agent.metrics().isEmpty());
  }

  @AfterAll
  static void close() {
    lab.close();
  }

  @BeforeEach
  void settle() {
    for (var agent : List.of(first, second)) {
      if (!agent.proc().alive()) {
        agent.start();
        awaitRunning(agent);
      }
    }
    for (var nginx : NGINX) {
      nginx.fail(false);
    }
    apply(manifest(servers(1, 1, 1)));
    first.awaitStatus("web", "state", "Master");
    second.awaitStatus("web", "state", "Backup");
    awaitServers(d1, "s1=1 s2=1 s3=1");
    awaitServers(d2, "");
  }

  private static void apply(String manifest) {
    first.apply("virtualip.yaml", manifest);
    second.apply("virtualip.yaml", manifest);
  }

  /** The VirtualIP with these real servers of its virtual server, and further lines of it. */
  private static String manifest(String servers, String... lines) {
    return MANIFEST.formatted(servers) + String.join("", lines);
  }

  /** Real servers s1, s2, s3 with these weights. */
  private static String servers(int... weights) {
    return IntStream.range(0, weights.length)
        .mapToObj(i -> "{address: 10.0.0.2%d, port: 8080, weight: %d}".formatted(i + 1, weights[i]))
        .collect(Collectors.joining(", "));
  }

  /** What IPVS has for port 80: {@code s1=WEIGHT ...}. */
  private static String balanced(Host director) {
    return director
        .sh("ipvsadm -Sn")
        .lines()
        .map(line -> line.split(" "))
        .filter(words -> words[0].equals("-a") && words[2].equals(VIP + ":80"))
        .map(words -> words[4].replaceAll("10.0.0.2(.):8080", "s$1") + "=" + words[7])
        .sorted()
        .collect(Collectors.joining(" "));
  }

  private static void awaitServers(Host director, String expected) {
    Await.until(
        "IPVS of " + director + " has \"" + expected + "\"",
        SOON,
        () -> balanced(director),
        expected::equals);
  }

  /** How many of 12 requests, one after the other, each server answers. */
  private static Map<String, Long> answers() {
    var got =
        client.sh(
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do"
                + " curl -sS --max-time 5 http://203.0.113.10/ 2>&1; done");
    return count(got.lines());
  }

  private static Map<String, Long> count(Stream<String> lines) {
    return lines.collect(groupingBy(line -> line, TreeMap::new, counting()));
  }

  private static void awaitAnswer() {
    Await.until(
        "a client is served", SOON, () -> client.get("http://203.0.113.10/").startsWith("s"));
  }

  /** A transfer that does not end by itself. */
  private static final class Download {
    private final Proc curl;
    private final String server;

    Download() {
      var url = "http://" + VIP + "/big";
      curl = client.start("curl", "curl", "-sSNi", url);
      server = curl.awaitOutput("^X-Server: (s[123])", SOON).group(1);
      goesOn();
    }

    private long size() {
      try {
        return Files.size(curl.outputFile());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** More comes than could have been on its way. */
    void goesOn() {
      long before = size();
      Await.until("the download goes on", SOON, () -> size() > before + 100_000);
    }
  }

  private static Download download(String server) {
    while (true) {
      var download = new Download();
      if (download.server.equals(server)) {
        return download;
      }
      download.curl.close();
    }
  }

  @Test
  void connectionsAreSpreadByWeight() {
    apply(manifest(servers(1, 2, 3)));
    awaitServers(d1, "s1=1 s2=2 s3=3");
    assertEquals(Map.of("s1", 2L, "s2", 4L, "s3", 6L), answers());
    assertTrue(d1.hasAddress(VIP) && !d2.hasAddress(VIP));
  }

  @Test
  void aServerThatFailsIsTakenOutAndComesBack() {
    apply(manifest(servers(1, 1, 1), CHECKS));
    NGINX.get(1).fail(true);
    awaitServers(d1, "s1=1 s3=1");
    assertEquals(Map.of("s1", 6L, "s3", 6L), answers());
    NGINX.get(1).fail(false);
    awaitServers(d1, "s1=1 s2=1 s3=1");
    NGINX.get(2).kill();
    awaitServers(d1, "s1=1 s2=1");
    assertEquals(Map.of("s1", 6L, "s2", 6L), answers());
    NGINX.get(2).start();
    awaitServers(d1, "s1=1 s2=1 s3=1");
    assertEquals(Map.of("s1", 4L, "s2", 4L, "s3", 4L), answers());
  }

  @Test
  void aServerThatFailsMayKeepItsConnections() {
    apply(manifest(servers(1, 1, 1), CHECKS, "      onFailure: Quiesce\n"));
    var download = download("s2");
    NGINX.get(1).fail(true);
    awaitServers(d1, "s1=1 s2=0 s3=1");
    download.goesOn();
    assertEquals(Map.of("s1", 6L, "s3", 6L), answers());
    NGINX.get(1).fail(false);
    awaitServers(d1, "s1=1 s2=1 s3=1");
    download.goesOn();
  }

  @Test
  void anEditLosesNoConnectionAndAServerIsDrained() {
    apply(manifest(servers(1, 1)));
    awaitServers(d1, "s1=1 s2=1");
    var download = download("s1");
    apply(manifest(servers(1, 4, 1)));
    awaitServers(d1, "s1=1 s2=4 s3=1");
    download.goesOn();
    assertEquals(Map.of("s1", 2L, "s2", 8L, "s3", 2L), answers());
    apply(manifest(servers(0, 1, 1)));
    awaitServers(d1, "s1=0 s2=1 s3=1");
    download.goesOn();
    assertEquals(Map.of("s2", 6L, "s3", 6L), answers());
  }

  @Test
  void theSorryServerServesWhileTheQuorumIsLost() {
    apply(
        manifest(
            servers(1, 1, 1),
            CHECKS,
            """
                  quorum: 2
                  hysteresis: 1
                  sorryServer: {address: 10.0.0.23, port: 8081}
            """));
    NGINX.get(0).fail(true);
    NGINX.get(1).fail(true);
    awaitServers(d1, "s3=1");
    NGINX.get(2).fail(true);
    awaitServers(d1, "10.0.0.23:8081=1");
    assertEquals(Map.of("sorry", 12L), answers());
    NGINX.get(0).fail(false);
    NGINX.get(1).fail(false);
    awaitUp(first, 2);
    assertEquals("10.0.0.23:8081=1", balanced(d1), "back at quorum plus hysteresis");
    NGINX.get(2).fail(false);
    awaitServers(d1, "s1=1 s2=1 s3=1");
    assertEquals(Map.of("s1", 4L, "s2", 4L, "s3", 4L), answers());
  }

  private static void awaitUp(AgentProgram agent, int servers) {
    Await.until(
        servers + " servers are up",
        SOON,
        () -> agent.status("web").at("/virtualServers/0/serversUp").asInt(),
        up -> up == servers);
  }

  @Test
  void aClientStaysAtItsServerOverAnEdit() {
    apply(manifest(servers(1, 1, 1), "      persistence: {timeout: 10m}\n"));
    Await.until(
        "persistence is on", SOON, () -> d1.sh("ipvsadm -Ln").contains("wrr persistent 600"));
    var before = answers();
    assertEquals(List.of(12L), List.copyOf(before.values()));
    apply(
        manifest(
            servers(1, 1, 1).replace("weight: 1", "weight: 7"),
            "      persistence: {timeout: 10m}\n"));
    awaitServers(d1, "s1=7 s2=7 s3=7");
    assertEquals(before, answers());
  }

  @Test
  void packetsOfOneClientAreSpreadOneByOne() {
    var perl = "use IO::Socket::INET; $| = 1; ";
    var answer =
        "my $s = IO::Socket::INET->new(LocalAddr => '%s', LocalPort => 53, Proto => 'udp') or die;"
            + " print \"open\\n\"; while ($s->recv(my $m, 99)) { $s->send('%s'); }";
    for (var server : SERVER_HOSTS) {
      server.sh(
          "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2;"
              + " ip addr replace 10.0.0.88/32 dev lo");
      server
          .start("dns", "perl", "-e", perl + answer.formatted(ON_BACK, server.name()))
          .awaitOutput("open", SOON);
    }
    var dns =
        """
          - name: dns
            addresses: [10.0.0.88]
            protocol: UDP
            port: 53
            onePacket: true
            scheduler: rr
            forwarding: DirectRoute
            realServers:
              addresses: [{address: 10.0.0.21}, {address: 10.0.0.22}, {address: 10.0.0.23}]
        """;
    apply(manifest(servers(1, 1, 1), dns.indent(2)));
    Await.until(
        "it is there", SOON, () -> d1.sh("ipvsadm -Ln").contains("UDP  10.0.0.88:53 rr ops"));
    Await.until("all of its servers", SOON, () -> d1.sh("ipvsadm -Sn").split("-a -u").length == 4);
    var ask =
        "my $s = IO::Socket::INET->new(PeerAddr => '10.0.0.88', PeerPort => 53, Proto => 'udp');"
            + " for (1..12) { alarm 10; $s->send('?'); $s->recv(my $m, 99); print \"$m\\n\"; }";
    assertEquals(
        Map.of("s1", 4L, "s2", 4L, "s3", 4L), count(client.run("perl", "-e", perl + ask).lines()));
    assertFalse(d1.sh("ipvsadm -Lnc").contains("UDP"), "it keeps no connections");
  }

  @Test
  void aServiceOfAnotherProgramStaysAndIsAFault() {
    d1.sh("ipvsadm -A -t 203.0.113.10:90 -s rr; ipvsadm -a -t 203.0.113.10:90 -r 10.0.0.99 -m");
    var manifest =
        manifest(
            servers(1, 1, 1),
            """
                - name: other
                  addresses: [203.0.113.10]
                  port: 90
                  forwarding: Masquerade
                  realServers: {addresses: [{address: 10.0.0.21, port: 8080}]}
            """);
    apply(manifest);
    first.awaitStatus("web", "state", "Fault");
    var reason = first.status("web").path("reason").asText();
    assertTrue(reason.startsWith("VirtualServerInUse("), reason);
    second.awaitStatus("web", "state", "Master");
    awaitAnswer();
    assertEquals(
        "-A -t 203.0.113.10:90 -s rr\n-a -t 203.0.113.10:90 -r 10.0.0.99:90 -m -w 1",
        d1.sh("ipvsadm -Sn").strip());
    d1.sh("ipvsadm -D -t 203.0.113.10:90");
    first.awaitStatus("web", "state", "Master");
    assertTrue(d1.sh("ipvsadm -Sn").contains("-a -t 203.0.113.10:90 -r 10.0.0.21:8080 -m -w 1"));
    awaitAnswer();
  }

  @Test
  void clientsAreServedByTheOtherWhenTheMasterIsCutOff() {
    d1.cut("eth0");
    d1.cut("eth1");
    awaitServers(d2, "s1=1 s2=1 s3=1");
    awaitAnswer();
    assertEquals(Map.of("s1", 4L, "s2", 4L, "s3", 4L), answers());
    d1.mend("eth0");
    d1.mend("eth1");
    awaitServers(d2, "");
    awaitAnswer();
    assertEquals(Map.of("s1", 4L, "s2", 4L, "s3", 4L), answers());
  }

  @Test
  void aDownloadGoesOnWhenTheMasterIsCutOff() {
    var sync = "  connectionSync: {interface: eth1}\n";
    apply(manifest(servers(1, 1, 1), sync));
    Await.until("d1 sends", SOON, () -> d1.sh("ipvsadm -l --daemon").contains("master sync"));
    Await.until("d2 hears", SOON, () -> d2.sh("ipvsadm -l --daemon").contains("backup sync"));
    var download = new Download();
    Await.until("d2 knows it", SOON, () -> d2.sh("ipvsadm -Lnc").contains("ESTABLISHED"));
    d1.cut("eth0");
    d1.cut("eth1");
    awaitServers(d2, "s1=1 s2=1 s3=1");
    download.goesOn();
    d1.mend("eth0");
    d1.mend("eth1");
    awaitServers(d2, "");
    download.goesOn();
  }

  @Test
  void whatAMasterLeavesIsClearedAndWhatOthersPutIsNot() {
    var others = "-A -t 203.0.113.99:80 -s rr";
    d1.sh("ipvsadm " + others);
    first.stop();
    awaitServers(d2, "s1=1 s2=1 s3=1");
    awaitAnswer();
    assertEquals(others, d1.sh("ipvsadm -Sn").strip());
    first.start();
    awaitRunning(first);
    awaitServers(d1, "s1=1 s2=1 s3=1");
    awaitServers(d2, "");

    first.kill();
    awaitServers(d2, "s1=1 s2=1 s3=1");
    Await.until("its lease ends", SOON, () -> !d1.hasAddress(VIP));
    awaitAnswer();
    assertEquals(Map.of("s1", 4L, "s2", 4L, "s3", 4L), answers());
    assertEquals("s1=1 s2=1 s3=1", balanced(d1), "it does no harm without an address");
    first.delete("virtualip.yaml");
    first.start();
    awaitRunning(first);
    awaitServers(d1, "");
    assertEquals(others, d1.sh("ipvsadm -Sn").strip());
    d1.sh("ipvsadm -D -t 203.0.113.99:80");
  }
}
