package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Proc;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Samples of layer 4 as they stand in their files, on two nodes with a client behind a router. 14
 * is in Layer4ScenarioIT. 15 has a node of its own and an API server, which tells it of pods.
 */
@Tag("long")
@NeedsKernel({"ip_vs", "ip_vs_rr", "ip_vs_wlc", "ip_vs_wrr", "ipip"})
@Timeout(value = 300, unit = SECONDS)
class LvsSamplesIT {
  private static final Duration SOON = Duration.ofMinutes(2);
  private static final String FILE = "virtualip.yaml";
  private static final String NODES =
      """
      apiVersion: v1
      kind: Node
      metadata: {name: node-a, labels: {dns: "true"}}
      status: {addresses: [{type: InternalIP, address: 10.0.0.11}]}
      ---
      apiVersion: v1
      kind: Node
      metadata: {name: node-b, labels: {dns: "true"}}
      status: {addresses: [{type: InternalIP, address: 10.0.0.12}]}
      """;

  private static final Map<String, String> ALL_UP =
      Map.of("10.1.0.21:80", "2", "10.1.0.22:80", "1", "10.1.0.23:80", "1");

  /** Answers each question with itself as a good answer, and its argument; accepts connections. */
  private static final String NAME_SERVER =
      """
      import socket, sys
      tcp = socket.create_server(("", 53))
      udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      udp.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: answers with the address asked at
      udp.bind(("", 53))
      while True:
        question, [(level, kind, info)], _, client = udp.recvmsg(512, 64)
        source = (level, kind, bytes(4) + info[8:12] + bytes(4))
        answer = question[:2] + b"\\x81\\x80" + question[4:] + sys.argv[1].encode()
        udp.sendmsg([answer], [source], 0, client)
      """;

  /** Asks at the address in its argument, all from one port, until it has ten answers. */
  private static final String RESOLVER =
      """
      import socket, sys
      udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      udp.settimeout(1)
      answers = []
      while len(answers) < 10:
        udp.sendto(bytes(12), (sys.argv[1], 53))
        try:
          answer, server = udp.recvfrom(512)
          answers.append(answer[12:].decode() + " " + server[0])
        except OSError:
          pass
      print("\\n".join(answers))
      """;

  private static final String NODE =
      """
      apiVersion: v1
      kind: Node
      metadata: {name: %s, labels: {lb: "%s"}}
      """;

  /** The finalizer keeps a pod that was deleted, as its kubelet does while containers run. */
  private static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata: {namespace: web, name: %s, labels: {app: nginx}, finalizers: [example.com/runs]}
      spec: {nodeName: %s, containers: [{name: nginx, image: nginx}]}
      """;

  private static final String POD_STATUS =
      """
      {"status": {"phase": "Running", "podIP": "%1$s", "podIPs": [{"ip": "%1$s"}],
        "conditions": [{"type": "Ready", "status": "%2$s"}]}}
      """;

  /** An nginx in a pod, which tells who asks. */
  private static final String POD_SERVER =
      """
      server {
        listen 8080;
        keepalive_timeout 10m;
        location = /healthz { return 200; }
        location / { return 200 "%s is asked by $remote_addr\\n"; }
      }
      """;

  private static final String POD_1 = "10.244.1.2:8080";
  private static final String POD_2 = "10.244.1.3:8080";
  private static final String POD_3 = "10.244.2.2:8080";

  /** Asks on three connections, and on the same ones again each time that its FIFO is written. */
  private static final String REGULARS =
      """
      import http.client, sys
      kept = [http.client.HTTPConnection("203.0.113.89", timeout=30) for _ in range(3)]
      while True:
        for connection in kept:
          connection.request("GET", "/")
          print(connection.getresponse().read().decode().strip(), flush=True)
        open(sys.argv[1]).read()
      """;

  private static Lab lab;
  private static Host client;
  private static Host nodeA;
  private static Host nodeB;
  private static AgentProgram a;
  private static AgentProgram b;

  @BeforeAll
  static void build() {
    lab = Lab.open();
    var internal = lab.wire("internal");
    var open = lab.wire("public");
    lab.host("router")
        .plug("eth0", open, "203.0.113.1/24")
        .plug("eth1", internal, "10.0.0.1/24")
        .plug("eth2", lab.wire("servers"), "10.1.0.1/24")
        .plug("eth3", lab.wire("far"), "198.51.100.1/24", "198.51.101.1/24")
        .forward();
    client =
        lab.host("client").plug("eth0", lab.wire("far"), "198.51.100.10/24", "198.51.101.10/24");
    client.route("default via 198.51.100.1");
    nodeA = node("node-a", "10.0.0.11/24");
    nodeB = node("node-b", "10.0.0.12/24");
    a = AgentProgram.start(nodeA, NODES, Map.of());
    b = AgentProgram.start(nodeB, NODES, Map.of());
  }

  private static Host node(String name, String address) {
    return lab.host(name)
        .plug("eth0", lab.wire("internal"), address)
        .plug("eth1", lab.wire("public"))
        .route("10.1.0.0/24 via 10.0.0.1")
        .route("198.51.100.0/24 via 10.0.0.1");
  }

  @AfterAll
  static void close() {
    if (lab != null) {
      lab.close();
    }
  }

  /** Both nodes get a sample, and node-a becomes its master. */
  private static void apply(String sample, String name) throws IOException {
    var text = Files.readString(Lab.root().resolve("samples/" + sample)) + "---\n" + NODES;
    a.apply(FILE, text);
    Await.until(
        "node-a is master", SOON, () -> a.status(name).path("state").asText().equals("Master"));
    b.apply(FILE, text);
  }

  private static Map<String, String> weights() {
    return weights(nodeA);
  }

  /** Weight of each real server of each virtual service on a node, by {@code ADDRESS:PORT}. */
  private static Map<String, String> weights(Host node) {
    return node.run("ipvsadm", "-Ln")
        .lines()
        .map(line -> line.strip().split(" +"))
        .filter(words -> words.length > 3 && words[0].equals("->") && words[1].startsWith("10."))
        .collect(Collectors.toMap(words -> words[1], words -> words[3], (one, _) -> one));
  }

  @Test
  void dnsPacketsOfOnePortGoToAllNodes() throws IOException {
    for (var node : List.of(nodeA, nodeB)) {
      node.start("name-server", "python3", "-c", NAME_SERVER, node.name());
    }
    apply("16-lvs-dns.yaml", "lvs-dns");
    Await.until(
        "both are up",
        SOON,
        () -> weights().keySet().equals(Set.of("10.0.0.11:53", "10.0.0.12:53")));
    Await.until(
        "both answer, with the virtual address",
        SOON,
        () ->
            client.run("python3", "-c", RESOLVER, "10.0.0.90").lines().collect(Collectors.toSet()),
        Set.of("node-a 10.0.0.90", "node-b 10.0.0.90")::equals);
    var services = nodeA.run("ipvsadm", "-Ln");
    assertTrue(services.contains("UDP  10.0.0.90:53 rr ops"), services);
    assertTrue(services.contains("TCP  10.0.0.90:53 wlc"), services);
  }

  @Test
  void theSorryServerServesBelowTheQuorum() throws IOException {
    var servers =
        List.of(server("s1", "10.1.0.21"), server("s2", "10.1.0.22"), server("s3", "10.1.0.23"));
    realServer(lab.host("sorry").plug("eth0", lab.wire("internal"), "10.0.0.29/24"), "10.0.0");
    apply("17-lvs-tunnel-sorry-server.yaml", "lvs-quorum");
    Await.until("all are up", SOON, () -> weights().equals(ALL_UP));
    var first = client.get("http://203.0.113.91/");
    assertTrue(List.of("s1\n", "s2\n", "s3\n").contains(first), first);
    assertEquals(first, client.get("http://203.0.113.91/"), "persistent");

    servers.get(1).fail(true);
    Await.until("s2 has weight 0", SOON, () -> weights().get("10.1.0.22:80").equals("0"));
    assertEquals("2", weights().get("10.1.0.21:80"));
    servers.getFirst().fail(true);
    Await.until(
        "the sorry server alone gets new clients",
        SOON,
        () ->
            weights()
                .equals(Map.of("10.0.0.29:80", "1", "10.1.0.21:80", "0", "10.1.0.22:80", "0")));
    // From another /24, so that it is new.
    assertEquals(
        "sorry\n",
        client.sh("curl -s --max-time 5 --interface 198.51.101.10 http://203.0.113.91/"));
    servers.getFirst().fail(false);
    servers.get(1).fail(false);
    Await.until("the servers are back, alone", SOON, () -> weights().equals(ALL_UP));
  }

  private static Nginx server(String name, String address) {
    var host = lab.host(name).plug("eth0", lab.wire("servers"), address + "/24");
    return realServer(host, "10.1.0");
  }

  /** What docs/layer4.md says of a real server that is set up by hand. */
  private static Nginx realServer(Host host, String network) {
    host.route("default via " + network + ".1");
    host.sh(
        """
        own=$(ip -o -4 addr show eth0 | awk '{print $4}' | cut -d/ -f1)
        ip link add lvs0 type ipip local $own remote any
        sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lvs0.rp_filter=0
        ip link set lvs0 up
        ip addr add 203.0.113.91/32 dev lo
        """);
    return Nginx.start(host);
  }

  @Test
  void podsServeWhileTheyAreReady() throws IOException {
    lab.wire("internal").address("10.0.0.2/24");
    try (var api = ApiServer.embedded(lab, "10.0.0.2")) {
      api.installCrd();
      var gateway = gateway(api.client());
      var sample = Files.readString(Lab.root().resolve("samples/15-lvs-masquerade-pods.yaml"));
      api.client().resource(sample).create();
      // First, as its start takes longest.
      try (var _ = AgentProgram.start(gateway, api)) {
        startPods(api.client());
        awaitWeights(gateway, Map.of(POD_1, "1", POD_2, "1", POD_3, "1"));
        assertEquals(Set.of("pod-1", "pod-2", "pod-3"), podsThatAnswer());
        podsLeaveAndTheOthersServe(api.client(), gateway);
        // It has had the fewest connections of late, so wlc may give it all of these.
        assertTrue(podsThatAnswer().contains("pod-2"), "pod-2 answers again");
      }
    }
  }

  /** pod-1 terminates and is gone in the end; pod-2 is not ready for a while. */
  private static void podsLeaveAndTheOthersServe(KubernetesClient api, Host gateway)
      throws IOException {
    var again = lab.work().resolve("again");
    client.run("mkfifo", again.toString());
    try (var regulars = client.start("regulars", "python3", "-c", REGULARS, again.toString())) {
      var served = awaitLines(regulars, 3);
      assertEquals(3, Set.copyOf(served).size(), "each has another pod: " + served);
      pod(api, "pod-1").delete();
      awaitWeights(gateway, Map.of(POD_1, "0", POD_2, "1", POD_3, "1"));
      assertEquals(Set.of("pod-2", "pod-3"), podsThatAnswer());
      Files.writeString(again, "");
      var later = awaitLines(regulars, 6);
      assertEquals(served, later.subList(3, 6), "connections stay where they are");
    }
    ready(api, "pod-2", "10.244.1.3", false);
    awaitWeights(gateway, Map.of(POD_1, "0", POD_3, "1"));
    assertEquals(Set.of("pod-3"), podsThatAnswer());
    pod(api, "pod-1")
        .edit(gone -> new PodBuilder(gone).editMetadata().withFinalizers().and().build());
    ready(api, "pod-2", "10.244.1.3", true);
    awaitWeights(gateway, Map.of(POD_2, "1", POD_3, "1"));
  }

  private static List<String> awaitLines(Proc program, int count) {
    return Await.until(
        count + " lines",
        SOON,
        () -> program.output().lines().toList(),
        lines -> lines.size() == count);
  }

  private static void awaitWeights(Host node, Map<String, String> weights) {
    Await.until("weights " + weights, SOON, () -> weights(node), weights::equals);
  }

  /** Who answers 12 new connections; all see the client's own address. */
  private static Set<String> podsThatAnswer() {
    var answers =
        client.sh("for i in $(seq 12); do curl -sS --max-time 5 http://203.0.113.89/; done");
    var lines = answers.lines().toList();
    assertEquals(12, lines.size(), answers);
    return lines.stream()
        .map(line -> line.replace(" is asked by 198.51.100.10", ""))
        .collect(Collectors.toSet());
  }

  private static Host gateway(KubernetesClient api) {
    api.resource(NODE.formatted("gateway", true)).create();
    return lab.host("gateway")
        .plug("eth0", lab.wire("internal"), "10.0.0.31/24")
        .plug("eth1", lab.wire("public"))
        .route("10.244.1.0/24 via 10.0.0.21")
        .route("10.244.2.0/24 via 10.0.0.22")
        .forward();
  }

  private static void startPods(KubernetesClient api) {
    worker(api, 1);
    startPod(api, "pod-1", 1, "10.244.1.2");
    startPod(api, "pod-2", 1, "10.244.1.3");
    worker(api, 2);
    startPod(api, "pod-3", 2, "10.244.2.2");
  }

  /** A node for pods, with the default gateway that the sample tells. */
  private static void worker(KubernetesClient api, int number) {
    lab.host("worker-" + number)
        .plug("eth0", lab.wire("internal"), "10.0.0.2" + number + "/24")
        .plug("pods", lab.wire("pods-" + number), "10.244." + number + ".1/24")
        .route("default via 10.0.0.89")
        .forward();
    api.resource(NODE.formatted("worker-" + number, false)).create();
  }

  private static void startPod(KubernetesClient api, String name, int node, String address) {
    var host = lab.host(name).plug("eth0", lab.wire("pods-" + node), address + "/24");
    host.route("default via 10.244." + node + ".1");
    Nginx.start(host, POD_SERVER.formatted(name));
    api.resource(POD.formatted(name, "worker-" + node)).create();
    ready(api, name, address, true);
  }

  private static PodResource pod(KubernetesClient api, String name) {
    return api.pods().inNamespace("web").withName(name);
  }

  private static void ready(KubernetesClient api, String name, String address, boolean ready) {
    var status = POD_STATUS.formatted(address, ready ? "True" : "False");
    pod(api, name).subresource("status").patch(PatchContext.of(PatchType.JSON_MERGE), status);
  }
}
