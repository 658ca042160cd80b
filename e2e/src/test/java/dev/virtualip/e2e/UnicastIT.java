package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adverts to single hosts, on a real network. */
class UnicastIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private Lab lab;
  private Host a;
  private Host b;
  private Host c;

  @BeforeEach
  void build() {
    assumeTrue(Lab.available(), "needs root and e2e/src/lab/bin/java as the JVM");
    lab = Lab.open();
    var wire = lab.wire("lan");
    a = lab.host("a").plug("eth0", wire, "10.9.0.1/24", "2001:db8:9::a/64");
    b = lab.host("b").plug("eth0", wire, "10.9.0.2/24", "2001:db8:9::b/64");
    c = lab.host("c").plug("eth0", wire, "10.9.0.3/24", "2001:db8:9::c/64");
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private static AgentProgram agent(Host host, String address, String transport, String more) {
    return AgentProgram.start(host, manifest(address, transport, more), Map.of());
  }

  private static String manifest(String address, String transport, String more) {
    return """
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: web}
    spec:
      vrid: 51
      interface: eth0
      advertInterval: 200ms
      addresses: [{address: '%s'}]
      transport: %s
      nodes: {overrides: [{name: a, priority: 150}]}
    %s
    """
        .formatted(address, transport, more);
  }

  private static Keepalived keepalived(Host host, String address, String own, String peer) {
    return Keepalived.start(
        host,
        """
        vrrp_instance web {
          version 3
          interface eth0
          virtual_router_id 51
          priority 200
          advert_int 0.2
          unicast_src_ip %s
          unicast_peer {
            %s
          }
          virtual_ipaddress {
            %s
          }
        }
        """
            .formatted(own, peer, address));
  }

  private static void awaitState(AgentProgram agent, String state) {
    Await.until(
        "state " + state, SOON, () -> agent.status("web").path("state").asText(), state::equals);
  }

  private static long count(Capture capture) {
    return capture.frames().size();
  }

  /**
   * As long as the agent runs; without it, the kernel tells that nobody speaks VRRP there.
   * keepalived leaves the hop limit of unicast IPv6 to the kernel unless unicast_ttl is given.
   */
  @ParameterizedTest
  @CsvSource({
    "10.9.0.100/24, 10.9.0.1, 10.9.0.2, 255, 'icmp[icmptype] == 3'",
    "2001:db8:9::100/64, 2001:db8:9::a, 2001:db8:9::b, 64, 'icmp6 and ip6[40] == 4'"
  })
  void theKernelDoesNotAnswerAdverts(
      String vip, String own, String peer, int minTtl, String unreachable) {
    var transport = "{mode: Unicast, minTtl: %d, peers: ['%s', '%s']}".formatted(minTtl, own, peer);
    try (var agent = agent(a, vip, transport, "");
        var answers = b.capture("eth0", unreachable)) {
      awaitState(agent, "Master");
      try (var keepalived = keepalived(b, vip, peer, own)) {
        awaitState(agent, "Backup");
        long before = count(answers);
        var adverts = b.capture("eth0", "ip proto 112 or ip6 proto 112");
        Await.until("ten adverts", SOON, () -> count(adverts) >= 10);
        assertEquals(before, count(answers));
        assertEquals("Backup", agent.status("web").path("state").asText());
        agent.stop();
        Await.until("an answer", SOON, () -> count(answers) > before);
        assertTrue(keepalived.proc().alive());
      }
    }
  }

  @Test
  void whoIsNoPeerIsCountedAndNotObeyed() {
    var peers = "{mode: Unicast, peers: [10.9.0.1, 10.9.0.2]}";
    try (var agent = agent(a, "10.9.0.100/24", peers, "")) {
      awaitState(agent, "Master");
      try (var _ = keepalived(c, "10.9.0.100/24", "10.9.0.3", "10.9.0.1")) {
        Await.until(
            "counted",
            SOON,
            () ->
                agent
                    .metrics()
                    .lines()
                    .anyMatch(l -> l.contains("rejected") && l.contains("NotAPeer")));
        assertEquals("Master", agent.status("web").path("state").asText());
        assertTrue(a.hasAddress("10.9.0.100"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"10.9.0.100/24, 0", "2001:db8:9::100/64, 1"})
  void withoutAListTheOtherNodesArePeers(String vip, int family) {
    var nodes =
        node("a", "10.9.0.1", "2001:db8:9::a")
            + node("b", "10.9.0.2", "2001:db8:9::b")
            + node("c", "10.9.0.3", "2001:db8:9::c");
    var address = vip.replaceFirst("/.*", "");
    try (var multicast = c.capture("eth0", family == 0 ? "net 224.0.0.0/4" : "dst ff02::12");
        var ours = agent(a, vip, "{mode: Unicast}", nodes);
        var theirs = agent(b, vip, "{mode: Unicast}", nodes);
        var atC = c.capture("eth0", "ip proto 112 or ip6 proto 112")) {
      awaitState(ours, "Master");
      awaitState(theirs, "Backup");
      Await.until("ours alone", SOON, () -> a.hasAddress(address) && !b.hasAddress(address));
      Await.until("c hears it as well", SOON, () -> count(atC) > 0);
      assertEquals(0, count(multicast));
      ours.stop();
      awaitState(theirs, "Master");
      theirs.awaitStatus("web", "reason", "MasterResigned");
    }
  }

  @Test
  void aloneInTheListIsAFault() {
    try (var agent = agent(a, "10.9.0.100/24", "{mode: Unicast, peers: [10.9.0.1]}", "")) {
      awaitState(agent, "Fault");
      agent.awaitStatus("web", "reason", "NoPeers");
    }
  }

  /** Case 2 of the field: a third node whose address was forgotten stood beside the master. */
  @Test
  void aNodeThatNobodyListsIsAtFaultUntilItIsListed() {
    var peers = "{mode: Unicast, peers: [10.9.0.1, 10.9.0.2]}";
    try (var ours = agent(a, "10.9.0.100/24", peers, "");
        var theirs = agent(b, "10.9.0.100/24", peers, "");
        var forgotten = agent(c, "10.9.0.100/24", peers, "")) {
      awaitState(ours, "Master");
      awaitState(theirs, "Backup");
      forgotten.awaitStatus("web", "reason", "NotListed(10.9.0.3)");
      assertFalse(c.hasAddress("10.9.0.100"));
      var all = "{mode: Unicast, peers: [10.9.0.1, 10.9.0.2, 10.9.0.3]}";
      for (var agent : List.of(ours, theirs, forgotten)) {
        agent.apply("virtualip.yaml", manifest("10.9.0.100/24", all, ""));
      }
      awaitState(forgotten, "Backup");
    }
  }

  /** Case 5 of the field: the kubelet of a master reports the virtual address as the node's. */
  @Test
  void aVirtualAddressThatANodeReportsAsItsOwnIsNoPeer() {
    var nodes =
        node("a", "10.9.0.1", "2001:db8:9::a")
                .replace(
                    "- {type: InternalIP, address: 10.9.0.1}",
                    "- {type: InternalIP, address: 10.9.0.100}\n    - {type: InternalIP, address:"
                        + " 10.9.0.1}")
            + node("b", "10.9.0.2", "2001:db8:9::b")
            + node("c", "10.9.0.3", "2001:db8:9::c");
    try (var ours = agent(a, "10.9.0.100/24", "{mode: Unicast}", nodes);
        var theirs = agent(b, "10.9.0.100/24", "{mode: Unicast}", nodes);
        var third = agent(c, "10.9.0.100/24", "{mode: Unicast}", nodes)) {
      awaitState(ours, "Master");
      awaitState(theirs, "Backup");
      awaitState(third, "Backup");
      ours.stop();
      Await.until(
          "one of the two", SOON, () -> b.hasAddress("10.9.0.100") != c.hasAddress("10.9.0.100"));
    }
  }

  private static String node(String name, String ipv4, String ipv6) {
    return """
    ---
    apiVersion: v1
    kind: Node
    metadata: {name: %s}
    status:
      addresses:
        - {type: Hostname, address: %s}
        - {type: InternalIP, address: %s}
        - {type: InternalIP, address: '%s'}
    """
        .formatted(name, name, ipv4, ipv6);
  }
}
