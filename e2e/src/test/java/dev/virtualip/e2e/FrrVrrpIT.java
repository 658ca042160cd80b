package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Frr;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An agent and FRR's vrrpd as two virtual routers, one of each version of VRRP. vrrpd speaks with a
 * virtual MAC only, and so does the agent here. The client has permanent ARP entries.
 */
@Tag("long")
@NeedsKernel("macvlan")
@Timeout(value = 300, unit = SECONDS)
class FrrVrrpIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String OURS = "203.0.113.11";
  private static final String THEIRS = "203.0.113.12";
  private static final int THEIR_PRIORITY = 100;

  private static Lab lab;
  private static Host a;
  private static Host b;
  private static Host client;
  private static AgentProgram agent;
  private static Frr frr;
  private static Capture capture;

  /** A virtual router with the VRID and the version of VRRP. */
  private enum Router {
    Second(98, 2),
    Third(97, 3);

    private final int vrid;
    private final int version;

    Router(int vrid, int version) {
      this.vrid = vrid;
      this.version = version;
    }

    String address() {
      return "203.0.113." + vrid;
    }

    String mac() {
      return "00:00:5e:00:01:%02x".formatted(vrid);
    }

    String object() {
      return "v" + version;
    }

    String manifest(int priority) {
      return """
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        vrid: %d
        vrrpVersion: %d
        interface: eth1
        advertInterval: 2s
        priority: %d
        virtualMac: true
        addresses: [{address: %s/24}]
      """
          .formatted(object(), vrid, version, priority, address());
    }

    String config() {
      return """
       vrrp %1$d version %2$d
       vrrp %1$d priority %3$d
       vrrp %1$d advertisement-interval 2000
       vrrp %1$d ip %4$s
      """
          .formatted(vrid, version, THEIR_PRIORITY, address());
    }

    /** What vrrpd leaves to the network's set-up. */
    void macvlan(Host host) {
      var nic = "vrrp4-" + vrid;
      host.ip("link add %s link eth1 address %s type macvlan mode bridge".formatted(nic, mac()));
      host.ip("addr add %s/32 dev %s".formatted(address(), nic));
      host.ip("link set %s up".formatted(nic));
    }
  }

  @BeforeAll
  static void build() {
    lab = Lab.open();
    var wire = lab.wire("lan");
    a = lab.host("node-a").plug("eth1", wire, OURS + "/24");
    b = lab.host("outside").plug("eth1", wire, THEIRS + "/24");
    client = lab.host("client").plug("eth1", wire, "203.0.113.50/24");
    // Its NIC does not answer for addresses of the macvlans.
    b.sh("sysctl -qw net.ipv4.conf.all.arp_ignore=1");
    for (var router : Router.values()) {
      router.macvlan(b);
      client.ip(
          "neigh add %s lladdr %s nud permanent dev eth1"
              .formatted(router.address(), router.mac()));
    }
    capture = client.capture("eth1", "ip proto 112");
    var config = Stream.of(Router.values()).map(Router::config).collect(Collectors.joining());
    frr = Frr.startVrrpd(b, "interface eth1\n" + config);
    agent = AgentProgram.start(a, manifests(THEIR_PRIORITY + 50), Map.of());
  }

  private static String manifests(int priority) {
    return Stream.of(Router.values()).map(r -> r.manifest(priority)).collect(Collectors.joining());
  }

  @AfterAll
  static void close() {
    lab.close();
  }

  @BeforeEach
  void settle() {
    awaitMaster(true);
  }

  private static void awaitMaster(boolean ours) {
    for (var router : Router.values()) {
      agent.awaitStatus(router.object(), "state", ours ? "Master" : "Backup");
      awaitVrrpd(router, ours ? "Backup" : "Master");
    }
  }

  /** The client is served, too. */
  private static void awaitVrrpd(Router router, String state) {
    Await.until(
        "vrrpd's state of " + router, SOON, () -> frr.vrrpState(router.vrid), state::equals);
    Await.until("the client is served", SOON, () -> client.reaches(router.address()));
  }

  private static Frame advert(Router router, String source) {
    return capture.await(
        "an advert of " + source,
        SOON,
        frame ->
            frame.source().equals(source)
                && frame.vrrp().filter(v -> v.vrid() == router.vrid).isPresent());
  }

  @Test
  void vrrpdTakesOverFromAnAgentThatStopsAndGivesBack() {
    agent.stop();
    for (var router : Router.values()) {
      awaitVrrpd(router, "Master");
    }
    agent.start();
    awaitMaster(true);
  }

  @Test
  void theAgentYieldsToAHigherPriorityAndTakesOverFromAVrrpdThatIsKilled() {
    agent.apply("virtualip.yaml", manifests(THEIR_PRIORITY - 50));
    awaitMaster(false);
    // Its macvlans stay, with their addresses: only the agent's state tells.
    frr.kill();
    for (var router : Router.values()) {
      agent.awaitStatus(router.object(), "state", "Master");
      assertEquals("MasterDown", agent.status(router.object()).path("reason").asText());
    }
    frr.start();
    awaitMaster(false);
    agent.apply("virtualip.yaml", manifests(THEIR_PRIORITY + 50));
    awaitMaster(true);
  }

  /** Both with the virtual MAC, and with nothing that the other one complains of. */
  @Test
  void theirAdvertsAreAlike() {
    agent.apply("virtualip.yaml", manifests(THEIR_PRIORITY - 50));
    awaitMaster(false);
    agent.apply("virtualip.yaml", manifests(THEIR_PRIORITY + 50));
    awaitMaster(true);
    for (var router : Router.values()) {
      var ours = advert(router, OURS);
      var theirs = advert(router, THEIRS);
      assertEquals(router.mac(), ours.sourceMac());
      assertEquals(router.mac(), theirs.sourceMac());
      assertEquals(ours.destinationMac(), theirs.destinationMac());
      var expected = ours.vrrp().orElseThrow();
      var advert = theirs.vrrp().orElseThrow();
      assertEquals(router.version, advert.version());
      assertEquals(THEIR_PRIORITY, advert.priority());
      assertEquals(expected.interval(), advert.interval());
      assertEquals(expected.destination(), advert.destination());
      assertEquals(expected.ttl(), advert.ttl());
      assertEquals(expected.addresses(), advert.addresses());
    }
    var rejected =
        agent.metrics().lines().filter(l -> l.startsWith("virtualip_adverts_rejected_total"));
    assertTrue(rejected.allMatch(line -> line.endsWith(" 0.0")), agent::metrics);
  }
}
