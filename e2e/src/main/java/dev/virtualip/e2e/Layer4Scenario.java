package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Proc;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * LVS with direct routing: three nodes with nginx and an agent each, a client behind their router.
 * The kernel needs {@code ip_vs} and {@code ip_vs_wlc}. It claims nothing about times, as it plays
 * in an emulated machine too.
 */
final class Layer4Scenario {
  private static final String SAMPLE = "samples/14-lvs-direct-routing.yaml";
  private static final String VIP = "10.0.0.88";

  /** Three agents start one after the other on an emulated processor. */
  private static final Duration LIMIT = Duration.ofMinutes(3);

  private static final Map<String, String> ADDRESSES =
      Map.of("node-a", "10.0.0.11", "node-b", "10.0.0.12", "node-c", "10.0.0.13");

  /** Asks again and again on one connection, one that another node than the first has. */
  private static final String KEPT_CONNECTION =
      """
      ask() {
        printf 'GET / HTTP/1.1\\r\\nHost: vip\\r\\n\\r\\n' >&3
        while read -r -t 60 -u 3 line; do
          case $line in node-*) echo "$line"; return;; esac
        done
        return 1
      }
      until exec 3<>/dev/tcp/%1$s/80 && [[ $(ask) = node-[bc] ]]; do exec 3>&-; done
      while ask; do sleep 0.2; done
      """
          .formatted(VIP);

  /** A node: director and real server. */
  private record Node(Host host, Nginx nginx, AgentProgram agent) {
    String state() {
      return agent.status("lvs").path("state").asText();
    }

    boolean isMaster() {
      return !host.ip("-o addr show dev eth0 to " + VIP).isBlank();
    }

    /** The kernel tells of connections every two seconds. */
    boolean knowsAConnection() {
      return host.run("ipvsadm", "-Lnc").contains("ESTABLISHED");
    }

    String virtualServices() {
      return host.run("ipvsadm", "-Ln");
    }

    /** Whether IPVS here has these real servers and no others. */
    boolean balances(Node... servers) {
      var listed = new TreeSet<String>();
      virtualServices()
          .lines()
          .filter(line -> line.startsWith("  -> 10."))
          .forEach(line -> listed.add(line.strip().split("[ :]+")[1]));
      var wanted = new TreeSet<String>();
      List.of(servers).forEach(server -> wanted.add(server.address()));
      return listed.equals(wanted);
    }

    String address() {
      return ADDRESSES.get(host.name());
    }
  }

  private final Narration narration;
  private final Host client;
  private final Host router;
  private final Node a;
  private final Node b;
  private final Node c;

  private Layer4Scenario(Lab lab, PrintStream out) {
    narration = new Narration(out, LIMIT);
    narration.say("three nodes with nginx, a router, a client behind it");
    var internal = lab.wire("internal");
    var far = lab.wire("far");
    router =
        lab.host("router")
            .plug("eth0", internal, "10.0.0.1/24")
            .plug("eth1", far, "198.51.100.1/24")
            .forward();
    client = lab.host("client").plug("eth0", far, "198.51.100.10/24");
    client.route("default via 198.51.100.1");
    narration.stage("Agents start with a folder of manifests: three Nodes, " + SAMPLE);
    a = node(lab, "node-a");
    narration.expect("node-a is master", () -> a.state().equals("Master"));
    b = node(lab, "node-b");
    c = node(lab, "node-c");
  }

  private static Node node(Lab lab, String name) {
    var host = lab.host(name).plug("eth0", lab.wire("internal"), ADDRESSES.get(name) + "/24");
    host.route("default via 10.0.0.1");
    return new Node(host, Nginx.start(host), AgentProgram.start(host, manifests(), Map.of()));
  }

  /** The sample, and the nodes that its selector finds. */
  private static String manifests() {
    try {
      var all = new StringBuilder(Files.readString(Lab.root().resolve(SAMPLE)));
      ADDRESSES.forEach(
          (name, address) ->
              all.append(
                  """
                  ---
                  apiVersion: v1
                  kind: Node
                  metadata: {name: %s, labels: {kubernetes.io/os: linux}}
                  status: {addresses: [{type: InternalIP, address: %s}]}
                  """
                      .formatted(name, address)));
      return all.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Plays the whole scenario.
   *
   * @param lab an empty lab
   * @param out receives the narration
   * @throws AssertionError at the first failed expectation
   */
  static void play(Lab lab, PrintStream out) {
    var scenario = new Layer4Scenario(lab, out);
    scenario.allServe();
    scenario.serverDies();
    scenario.masterIsCutOff();
    scenario.end();
  }

  private void allServe() {
    narration.expect("node-a balances over three servers", () -> a.balances(a, b, c));
    for (var backup : List.of(b, c)) {
      narration.expect(backup.host() + " is backup", () -> backup.state().equals("Backup"));
      narration.expect("it balances nothing", backup::balances);
    }
    show(a);
    narration.expect("all three answer the client", () -> answers().size() == 3);
    router.ip("neigh flush dev eth0");
    narration.expect("the client is served", () -> !answers().isEmpty());
    narration.check(
        "the router knows the address by the MAC of node-a, though all three have it",
        List.of(a, b, c).stream().allMatch(node -> node.host().hasAddress(VIP))
            && router.ip("neigh show " + VIP).contains(a.host().mac("eth0")));
    narration.show("router$ ip neigh show " + VIP);
    narration.show(router.ip("neigh show " + VIP));
  }

  private void serverDies() {
    narration.stage("nginx on node-b dies, and comes back");
    b.nginx().kill();
    narration.expect("node-b is taken out", () -> a.balances(a, c));
    show(a);
    narration.check("node-b answers nobody", !answers().contains("node-b"));
    b.nginx().start();
    narration.expect("node-b is back", () -> a.balances(a, b, c));
    narration.expect("it answers again", () -> answers().contains("node-b"));
  }

  private void masterIsCutOff() {
    narration.stage("The master is cut off; a client keeps its connection to another server");
    try (var kept = client.start("kept-connection", "bash", "-c", KEPT_CONNECTION)) {
      narration.expect("it is served", () -> lines(kept) > 2);
      narration.expect("the backups know it", () -> b.knowsAConnection() && c.knowsAConnection());
      a.host().cut("eth0");
      narration.expect(
          "another node is master, without node-a", () -> takenOver(b, c) || takenOver(c, b));
      var master = b.isMaster() ? b : c;
      narration.say("master is " + master.host());
      show(master);
      int before = lines(kept);
      narration.expect("the connection goes on", () -> lines(kept) > before + 2);
      narration.check(
          "with the same server: " + kept.output().lines().findFirst().orElseThrow(),
          kept.alive() && kept.output().lines().distinct().count() == 1);
      a.host().mend("eth0");
      narration.expect("node-a balances nothing", () -> !a.isMaster() && a.balances());
      narration.expect("it is a real server again", () -> master.balances(a, b, c));
      narration.expect("all three answer the client", () -> answers().size() == 3);
    }
  }

  private static boolean takenOver(Node master, Node other) {
    return master.isMaster() && master.balances(master, other) && other.balances();
  }

  private void end() {
    narration.stage("The VirtualIP is deleted");
    var nodes = List.of(a, b, c);
    nodes.forEach(node -> node.agent().delete("virtualip.yaml"));
    narration.expect(
        "no node has the address, on eth0 or lo, or a virtual server",
        () -> nodes.stream().noneMatch(n -> n.host().hasAddress(VIP) || !n.balances()));
    nodes.forEach(node -> node.agent().stop());
    nodes.forEach(node -> node.nginx().close());
  }

  private static int lines(Proc proc) {
    return (int) proc.output().lines().count();
  }

  /** Who answers a dozen requests of the client. */
  private TreeSet<String> answers() {
    var answers =
        client.sh(
            "for i in $(seq 12); do curl -s --max-time 2 --noproxy '*' http://%s/ || :; done"
                .formatted(VIP));
    return new TreeSet<>(answers.lines().toList());
  }

  private void show(Node node) {
    narration.show(node.host() + "# ipvsadm -Ln");
    narration.show(node.virtualServices());
  }
}
