package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Probe;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Samples as they stand in their files, on three nodes with a client behind a router. The others
 * have tests of their own: 01 in ScenarioIT, 05 in SyncGroupIT, 08 in RulesIT, 09 in
 * IngressNginxIT, 12 and 13 in NotificationsIT, 20 in ControlPlaneIT. 14 to 17 are not here: they
 * need a kernel with IPVS, which the machines of this lab need not have.
 */
@InLab
class SamplesIT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final String FILE = "virtualip.yaml";
  private static final String NOTHING = "# nothing\n";

  private static Lab lab;
  private static Host client;
  private static Host router;
  private static Node a;
  private static Node b;
  private static Node c;

  /** A node with what runs on it. */
  private record Node(Host host, Nginx nginx, AgentProgram agent) {
    static Node start(Host host) {
      // Port 8081: the readiness page of F5's controller.
      var nginx = Nginx.start(host, "server { listen 8081; return 200; }");
      var secrets = Map.of("vip-auth/web", "s3cret", "vip-hmac/keys", "1 " + "c5".repeat(32));
      var agent = AgentProgram.start(host, NOTHING, secrets);
      return new Node(host, nginx, agent);
    }

    void plug(boolean in) {
      for (var nic : List.of("eth0", "eth1")) {
        if (in) {
          host.mend(nic);
        } else {
          host.cut(nic);
        }
      }
    }

    String state(String virtualIp) {
      return agent.status(virtualIp).path("state").asText();
    }
  }

  @BeforeAll
  static void build() {
    lab = Lab.open();
    var internal = lab.wire("internal");
    var open = lab.wire("public");
    var far = lab.wire("far");
    var second = lab.wire("second");
    router =
        lab.host("router")
            .plug("eth0", open, "203.0.113.1/24", "2001:db8:1::1/64")
            .plug("eth1", far, "198.51.100.1/24", "2001:db8:2::1/64")
            .forward();
    client = lab.host("client").plug("eth0", far, "198.51.100.10/24", "2001:db8:2::10/64");
    client.route("default via 198.51.100.1").route("default via 2001:db8:2::1");
    a = Node.start(lab.host("node-a").plug("eth0", internal, "10.0.0.11/24").plug("eth1", open));
    b = Node.start(lab.host("node-b").plug("eth0", internal, "10.0.0.12/24").plug("eth1", open));
    a.host().plug("eth2", second, "10.2.0.11/24");
    b.host().plug("eth2", second, "10.2.0.12/24");
    c = Node.start(lab.host("node-c").plug("eth0", internal, "10.0.0.13/24").plug("eth1", open));
  }

  @AfterAll
  static void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private static String sample(String name) throws IOException {
    return Files.readString(Lab.root().resolve("samples/" + name));
  }

  private static void apply(String manifest, Node... nodes) {
    for (var node : nodes) {
      node.agent().apply(FILE, manifest);
    }
  }

  /** Back to three whole nodes without a VirtualIP. */
  @AfterEach
  void reset() {
    for (var node : List.of(a, b, c)) {
      node.agent().apply(FILE, NOTHING);
      Await.until(
          "nothing is left on " + node.host(),
          MOVE,
          () -> node.host().ip("-o addr show dev eth1 scope global").isBlank());
    }
  }

  private static String url(String address) {
    return "http://" + (address.contains(":") ? "[" + address + "]" : address) + "/";
  }

  /** One node alone has the address, and who asks there is served by it. */
  private static void awaitServed(Host from, String address, Node by) {
    Await.until(
        by.host() + " alone has " + address,
        MOVE,
        () ->
            List.of(a, b, c).stream()
                .allMatch(node -> node.host().hasAddress(address) == (node == by)));
    Await.until(
        address + " is served by " + by.host(),
        MOVE,
        () -> from.get(url(address)),
        (by.host().name() + "\n")::equals);
  }

  private static void awaitServed(String address, Node by) {
    awaitServed(client, address, by);
  }

  @Test
  void twoActive() throws IOException {
    var one = "203.0.113.11";
    var two = "203.0.113.12";
    apply(sample("02-two-active.yaml"), a, b);
    awaitServed(one, a);
    awaitServed(two, b);
    // Of the clients that DNS spreads over both, half go to each.
    try (var probeOne = Probe.start(client, url(one));
        var probeTwo = Probe.start(client, url(two))) {
      var from = Instant.now();
      a.nginx().stop();
      probeOne.awaitServedBy("node-b", MOVE);
      awaitServed(one, b);
      awaitServed(two, b);
      var to = Instant.now();
      a.nginx().start();
      awaitServed(one, a);
      awaitServed(two, b);

      b.agent().stop();
      probeTwo.awaitServedBy("node-a", MOVE);
      awaitServed(one, a);
      awaitServed(two, a);
      b.agent().start();
      awaitServed(two, b);
      awaitServed(one, a);
      System.out.printf(
          "one of two actives fails: its clients without service for %d ms, the others for %d ms%n",
          probeOne.longestOutage(from, to).toMillis(), probeTwo.longestOutage(from, to).toMillis());
    }
  }

  @Test
  void bfd() throws IOException {
    var address = "203.0.113.92";
    apply(sample("18-bfd.yaml"), a, b);
    awaitServed(address, a);
    Await.until(
        "their session is up",
        MOVE,
        () ->
            b.agent()
                .metrics()
                .contains("virtualip_bfd_session_up{interface=\"eth0\",peer=\"10.0.0.11\"} 1.0"));
    try (var probe = Probe.start(client, url(address))) {
      a.plug(false);
      probe.awaitServedBy("node-b", MOVE);
      b.agent().awaitStatus("fast", "reason", "NeighbourDown");
      a.plug(true);
      awaitServed(address, a);
    }
  }

  @Test
  void heartbeats() throws IOException {
    var address = "203.0.113.94";
    apply(sample("24-heartbeats.yaml"), a, b);
    awaitServed(address, a);
    b.agent().awaitStatus("two-paths", "heardMaster", "10.0.0.11");
    a.host().cut("eth0");
    b.agent().awaitStatus("two-paths", "heardMaster", "10.2.0.11");
    awaitServed(address, a);
    a.agent().stop();
    awaitServed(address, b);
    a.host().mend("eth0");
    a.agent().start();
    awaitServed(address, a);
  }

  @Test
  void signedAdverts() throws IOException {
    var address = "203.0.113.93";
    apply(sample("19-signed-adverts.yaml"), a, b);
    awaitServed(address, a);
    b.agent().awaitStatus("signed", "state", "Backup");
    a.nginx().stop();
    awaitServed(address, b);
    a.nginx().start();
    awaitServed(address, a);
  }

  @Test
  void twoActiveAndOneStandbyForBoth() throws IOException {
    var one = "203.0.113.13";
    var two = "203.0.113.14";
    apply(sample("03-two-active-one-standby.yaml"), a, b, c);
    awaitServed(one, a);
    awaitServed(two, b);
    try (var probeOne = Probe.start(client, url(one));
        var probeTwo = Probe.start(client, url(two))) {
      a.nginx().stop();
      awaitServed(one, c);
      awaitServed(two, b);
      a.nginx().start();
      awaitServed(one, a);

      var from = Instant.now();
      a.plug(false);
      b.plug(false);
      probeOne.awaitServedBy("node-c", MOVE);
      probeTwo.awaitServedBy("node-c", MOVE);
      var to = Instant.now();
      a.plug(true);
      b.plug(true);
      awaitServed(one, a);
      awaitServed(two, b);
      System.out.printf(
          "both actives fail at once: client without service for %d and %d ms%n",
          probeOne.longestOutage(from, to).toMillis(), probeTwo.longestOutage(from, to).toMillis());
    }
  }

  @Test
  void withKeepalivedOutsideTheCluster() throws IOException {
    var address = "203.0.113.82";
    var old =
        lab.host("old-host")
            .plug("eth0", lab.wire("internal"), "10.0.0.20/24")
            .plug("eth1", lab.wire("public"));
    var sample = sample("04-with-keepalived.yaml");
    try (var nginx = Nginx.start(old);
        var keepalived = Keepalived.start(old, sample("04-with-keepalived.conf"))) {
      apply(sample, a, b, c);
      awaitOld(address, old);
      Await.until("node-b is backup", MOVE, () -> b.state("moving"), "Backup"::equals);
      assertEquals("", a.state("moving"), "not selected");

      nginx.stop();
      awaitServed(address, b);
      nginx.start();
      awaitOld(address, old);

      apply(sample.replace("priority: 50", "priority: 150"), a, b, c);
      awaitServed(address, b);
      Await.until("the old host has let go", MOVE, () -> !old.hasAddress(address));
      keepalived.stop();
      assertEquals("Master", b.state("moving"));
      assertEquals("node-b\n", client.get(url(address)));
      assertTrue(
          keepalived.proc().output().lines().noneMatch(l -> l.contains("received an invalid")),
          () -> keepalived.proc().output());
    }
  }

  private static void awaitOld(String address, Host old) {
    Await.until(
        "the old host serves",
        MOVE,
        () -> client.get(url(address)).equals("old-host\n") && !b.host().hasAddress(address));
    assertTrue(old.hasAddress(address));
  }

  @Test
  void dualStack() throws IOException {
    var four = "203.0.113.20";
    var six = "2001:db8:1::20";
    var alone = "2001:db8:1::30";
    apply(sample("06-dual-stack.yaml"), a, b);
    awaitServed(four, a);
    awaitServed(six, a);
    // Without a route of its own: for hosts on the same network.
    awaitServed(router, alone, b);

    a.agent().stop();
    awaitServed(four, b);
    awaitServed(six, b);
    assertTrue(b.host().hasAddress("fe80::79"), "its own link-local address");
    a.agent().start();
  }

  @Test
  void unicast() throws IOException {
    var address = "203.0.113.40";
    apply(sample("07-unicast.yaml"), a, b, c);
    awaitServed(router, address, a);
    a.agent().stop();
    awaitServed(router, address, b);
    assertEquals("Backup", c.state("web-unicast"));
    a.agent().start();
  }

  @Test
  void checksOfF5sController() throws IOException {
    var address = "203.0.113.84";
    apply(sample("10-f5-nginx-ingress.yaml"), a, b, c);
    awaitServed(address, a);
    a.nginx().kill();
    awaitServed(address, b);
    var status = a.agent().status("nginx-ingress");
    assertTrue(
        status.path("message").asText().matches("connect refused 127.0.0.1:(80|8081).*"),
        status::toString);
    a.nginx().start();
    awaitServed(address, a);
  }

  @Test
  void checksOfAnNginxOnTheHostAndTheMasterIsKeptIfAllFail() throws IOException {
    var address = "203.0.113.85";
    apply(sample("11-host-nginx.yaml"), a, b, c);
    awaitServed(address, a);
    a.nginx().fail(true);
    awaitServed(address, b);
    // Now on all nodes: pages are served all the same, and nobody takes over.
    c.nginx().fail(true);
    Await.until(
        "node-c knows", MOVE, () -> c.agent().status("host-nginx").path("priority").asInt() == 1);
    b.nginx().fail(true);
    try (var probe = Probe.start(client, url(address))) {
      Await.until(
          "node-b is the last resort",
          MOVE,
          () -> b.agent().status("host-nginx").path("priority").asInt() == 1);
      var status = b.agent().status("host-nginx");
      assertEquals("Master", status.path("state").asText());
      assertEquals(
          "check nginx: 500 expected 200-399; priority 1 until checks are good (whenAllFail:"
              + " KeepMaster)",
          status.path("message").asText());
      int transitions = status.path("transitions").asInt();

      // The one whose page is back takes over, although its priority is the lowest.
      c.nginx().fail(false);
      awaitServed(address, c);
      c.agent().awaitStatus("host-nginx", "reason", "MasterResigned");
      assertEquals(transitions + 1, b.agent().status("host-nginx").path("transitions").asInt());
      assertTrue(probe.samples().stream().allMatch(s -> !s.answer().contains("node-a")));
      a.nginx().fail(false);
      b.nginx().fail(false);
      awaitServed(address, a);
    }
  }
}
