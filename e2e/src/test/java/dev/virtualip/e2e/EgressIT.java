package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Wire;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Pods behind a bridge of their node, as a bridge CNI makes them, ask a server outside of the
 * cluster which address it sees. Each node masquerades them, as such a CNI does.
 */
@InLab
class EgressIT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final String VIP = "203.0.113.10";
  private static final String SIX = "2001:db8:113::10";
  private static final String SERVER = "http://203.0.113.80:8080/";
  private static final String SERVER_SIX = "http://[2001:db8:113::80]:8080/";
  private static final String SEEN =
      "server { listen 8080; listen [::]:8080; location / { return 200 $remote_addr; } }";
  private static final String EGRESS =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: out, generation: 1}
      spec:
        vrid: 61
        interface: eth0
        addresses:
          - {address: 203.0.113.10/24, interface: eth1}
          - {address: '2001:db8:113::10/64', interface: eth1, advertised: false}
        nodes: {overrides: [{name: node-a, priority: 200}]}
        egress:
          sources: [10.244.0.0/16, 'fd00:244::/32']
          except: [10.244.0.0/16, 'fd00:244::/32', 10.0.0.0/24]
      """;
  private Lab lab;
  private Wire open;
  private Host a;
  private Host b;

  @BeforeEach
  void build() {
    lab = Lab.open();
    var internal = lab.wire("internal").address("10.0.0.1/24");
    open = lab.wire("public");
    a = node(internal, 1);
    b = node(internal, 2);
    var server = lab.host("server").plug("eth0", open, "203.0.113.80/24", "2001:db8:113::80/64");
    Nginx.start(server, SEEN);
  }

  @AfterEach
  void close() {
    lab.close();
  }

  private Host node(Wire internal, int number) {
    var name = number == 1 ? "node-a" : "node-b";
    var host =
        lab.host(name)
            .plug("eth0", internal, "10.0.0.1" + number + "/24")
            .plug("eth1", open, "203.0.113.2" + number + "/24", "2001:db8:113::2" + number + "/64")
            .forward();
    host.sh(
        ("ip link add cni0 type bridge; ip addr add 10.244.#.1/24 dev cni0;"
                + " ip addr add fd00:244:#::1/64 dev cni0 nodad; ip link set cni0 up;"
                + " iptables -w -t nat -A POSTROUTING -s 10.244.#.0/24 ! -d 10.244.0.0/16"
                + " -j MASQUERADE; ip6tables -w -t nat -A POSTROUTING -s fd00:244:#::/64"
                + " ! -d fd00:244::/32 -j MASQUERADE")
            .replace("#", String.valueOf(number)));
    return host;
  }

  /** A pod of a node, with the node's number and an address's last part. */
  private Host pod(Host node, int number, int last) {
    var name = "pod-" + number + "-" + last;
    var pod = lab.host(name);
    node.sh(
        "ip link add veth%1$d type veth peer name eth0 netns %2$s; ip link set veth%1$d master cni0 up"
            .formatted(last, name));
    pod.sh(
        ("ip addr add 10.244.#.@/24 dev eth0; ip addr add fd00:244:#::@/64 dev eth0 nodad;"
                + " ip link set eth0 up; ip route add default via 10.244.#.1;"
                + " ip -6 route add default via fd00:244:#::1")
            .replace("#", String.valueOf(number))
            .replace("@", String.valueOf(last)));
    return pod;
  }

  private static void awaitSeen(Host pod, String url, String address) {
    Await.until(pod + " is seen as " + address, MOVE, () -> pod.get(url), address::equals);
  }

  private static AgentProgram agent(Host host) {
    return AgentProgram.start(host, EGRESS, Map.of());
  }

  private static String tables(Host host) {
    return host.sh("command -v nft >/dev/null && nft list tables | grep virtualip || true").strip();
  }

  @Test
  void podsOfTheMastersNodeLeaveWithTheAddress() {
    var onA = pod(a, 1, 5);
    var onB = pod(b, 2, 5);
    awaitSeen(onA, SERVER, "203.0.113.21");
    try (var first = agent(a);
        var second = agent(b)) {
      awaitSeen(onA, SERVER, VIP);
      awaitSeen(onA, SERVER_SIX, SIX);
      awaitSeen(onB, SERVER, "203.0.113.22");
      assertEquals("203.0.113.21", a.get(SERVER), "the node itself keeps its own");
      first.stop();
      awaitSeen(onB, SERVER, VIP);
      awaitSeen(onB, SERVER_SIX, SIX);
      awaitSeen(onA, SERVER, "203.0.113.21");
      awaitSeen(onA, SERVER_SIX, "2001:db8:113::21");
      assertEquals("", tables(a));
      second.stop();
      awaitSeen(onB, SERVER, "203.0.113.22");
      assertEquals("", tables(b));
    }
  }

  @Test
  void aKilledAgentLeavesNothingThatActs() {
    var onA = pod(a, 1, 5);
    var onB = pod(b, 2, 5);
    try (var first = agent(a);
        var _ = agent(b)) {
      awaitSeen(onA, SERVER, VIP);
      first.kill();
      awaitSeen(onB, SERVER, VIP);
      awaitSeen(onA, SERVER, "203.0.113.21");
      first.start();
      awaitSeen(onA, SERVER, VIP);
      awaitSeen(onB, SERVER, "203.0.113.22");
      first.kill();
      first.delete("virtualip.yaml");
      first.start();
      Await.until("a is clean", MOVE, () -> tables(a).isEmpty() && !a.hasAddress(VIP));
    }
  }

  /** kill -9 and a start within the lease: the address stays, and so do its sources. */
  @Test
  void anAgentThatIsStartedAnewGoesOn() {
    var onA = pod(a, 1, 5);
    try (var first = agent(a)) {
      awaitSeen(onA, SERVER, VIP);
      first.kill();
      first.start();
      first.awaitStatus("out", "state", "Master");
      awaitSeen(onA, SERVER, VIP);
      a.sh("if command -v nft >/dev/null; then nft delete table ip virtualip-out; fi");
      awaitSeen(onA, SERVER, VIP);
    }
  }

  @Test
  void podsAreChosenByTheirLabels() throws IOException {
    var sample = Files.readString(Lab.root().resolve("samples/23-egress.yaml"));
    try (var api = ApiServer.start(lab, "10.0.0.1")) {
      api.installCrd();
      var client = api.client();
      client
          .resource(new NodeBuilder().withNewMetadata().withName("node-a").and().build())
          .create();
      var chosen = pod(a, 1, 5);
      var other = pod(a, 1, 6);
      create(client, "chosen", "partner", "10.244.1.5", "Running");
      create(client, "other", "no", "10.244.1.6", "Running");
      create(client, "ended", "partner", "10.244.1.6", "Succeeded");
      client.resource(sample).create();
      try (var _ = AgentProgram.start(a, api)) {
        awaitSeen(chosen, SERVER, "203.0.113.95");
        assertEquals("203.0.113.21", other.get(SERVER));
        client.pods().inNamespace("default").withName("chosen").withGracePeriod(0).delete();
        awaitSeen(chosen, SERVER, "203.0.113.21");
      }
    }
  }

  private static void create(
      KubernetesClient client, String name, String egress, String address, String phase) {
    var pod =
        new PodBuilder()
            .withNewMetadata()
            .withNamespace("default")
            .withName(name)
            .addToLabels("egress", egress)
            .and()
            .withNewSpec()
            .withNodeName("node-a")
            .addNewContainer()
            .withName("app")
            .withImage("app")
            .and()
            .and()
            .build();
    client.resource(pod).create();
    client
        .pods()
        .inNamespace("default")
        .withName(name)
        .editStatus(
            before ->
                new PodBuilder(before)
                    .withNewStatus()
                    .withPhase(phase)
                    .withPodIP(address)
                    .addNewPodIP(address)
                    .and()
                    .build());
  }
}
