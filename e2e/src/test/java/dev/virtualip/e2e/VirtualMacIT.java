package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Capture;
import dev.virtualip.e2e.lab.Frame;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An agent and a keepalived with {@code use_vmac} as one virtual router. The client has a permanent
 * ARP entry with the virtual MAC, so that no announcement changes what it sends to.
 */
@NeedsKernel("macvlan")
@Timeout(value = 300, unit = SECONDS)
class VirtualMacIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String VIP = "10.0.0.100";
  private static final String MAC = "00:00:5e:00:01:33";
  private static final String MAC6 = "00:00:5e:00:02:34";
  private static final String MANIFEST =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 51
        interface: eth0
        advertInterval: 2s
        virtualMac: true
        priority: %d
        addresses: [{address: 10.0.0.100/24}]
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web6}
      spec:
        vrid: 52
        interface: eth0
        advertInterval: 2s
        virtualMac: true
        vmacXmitBase: true
        addresses: [{address: 'fe80::64/64'}, {address: '2001:db8::100/64'}]
      """;

  private static final String KEEPALIVED =
      new Keepalived.Instance(
              "web",
              "eth0",
              51,
              100,
              3,
              "2",
              null,
              List.of("10.0.0.100/24"),
              List.of(),
              null,
              List.of("use_vmac"))
          .config();

  private static Lab lab;
  private static Host a;
  private static Host b;
  private static Host client;
  private static AgentProgram agent;
  private static Keepalived keepalived;
  private static Capture capture;
  private static String link;

  @BeforeAll
  static void build() {
    lab = Lab.open();
    var wire = lab.wire("lan");
    a = lab.host("a").plug("eth0", wire, "10.0.0.11/24", "2001:db8::11/64");
    b = lab.host("b").plug("eth0", wire, "10.0.0.12/24");
    client = lab.host("client").plug("eth0", wire, "10.0.0.50/24", "2001:db8::50/64");
    client.ip("neigh add " + VIP + " lladdr " + MAC + " nud permanent dev eth0");
    link = "vip4-" + a.run("cat", "/sys/class/net/eth0/ifindex").strip() + "-51";
    capture = client.capture("eth0", "arp or ip proto 112 or ip6 proto 112");
    keepalived = Keepalived.start(b, KEEPALIVED);
    agent = AgentProgram.start(a, MANIFEST.formatted(150), Map.of());
  }

  @AfterAll
  static void close() {
    lab.close();
  }

  @BeforeEach
  void settle() {
    if (!agent.proc().alive()) {
      agent.start();
    }
    awaitMaster(true);
  }

  /** Also of what this class has done before. */
  @AfterEach
  void nobodyWasToldTheNicsOwnMac() {
    var own = a.mac("eth0");
    for (var frame : capture.frames()) {
      frame
          .arp()
          .filter(arp -> arp.sender().equals(VIP))
          .ifPresent(arp -> assertFalse(arp.senderMac().equals(own), frame::toString));
    }
  }

  private static void awaitMaster(boolean ours) {
    agent.awaitStatus("web", "state", ours ? "Master" : "Backup");
    Await.until(
        "keepalived is " + (ours ? "backup" : "master"),
        SOON,
        () -> b.hasAddress(VIP) != ours && client.reaches(VIP));
  }

  private static boolean hasLink() {
    return a.ip("-o link show").contains(" " + link + "@");
  }

  private static String announced(Frame frame) {
    return frame.arp().map(Frame.Arp::sender).orElse("");
  }

  @Test
  void neighboursLearnTheVirtualMacAndTheNodeGoesOnToUseItsOwn() {
    assertTrue(b.reaches(VIP));
    assertTrue(b.ip("neigh show " + VIP).contains(MAC), () -> b.ip("neigh show " + VIP));
    assertTrue(b.reaches("10.0.0.11"));
    assertTrue(b.ip("neigh show 10.0.0.11").contains(a.mac("eth0")));
    var used = a.ip("route get 10.0.0.50");
    assertTrue(used.contains("dev eth0 src 10.0.0.11"), used);
    var frame =
        capture.await(
            "an advert of the agent",
            SOON,
            f -> f.vrrp().filter(v -> v.source().equals("10.0.0.11")).isPresent());
    assertEquals(MAC, frame.sourceMac());
    var bound = a.ip("-d addr show dev " + link);
    assertTrue(bound.contains("macvlan mode bridge"), bound);
    assertFalse(bound.contains("valid_lft forever"), bound);
    assertFalse(bound.contains("fe80"), bound);
  }

  @Test
  void ofIpv6ItIsAnotherMacAndAdvertsMayHaveTheNicsOwn() {
    agent.awaitStatus("web6", "state", "Master");
    Await.until("the client is served", SOON, () -> client.reaches("2001:db8::100"));
    var known = client.ip("neigh show 2001:db8::100");
    assertTrue(known.contains(MAC6), known);
    var frame =
        capture.await(
            "an advert over IPv6", SOON, f -> f.vrrp().filter(v -> v.vrid() == 52).isPresent());
    assertEquals(a.mac("eth0"), frame.sourceMac());
  }

  @Test
  void keepalivedTakesOverAndGivesBackAndTheClientNoticesNothing() {
    agent.apply("virtualip.yaml", MANIFEST.formatted(50));
    awaitMaster(false);
    Await.until("the interface is gone", SOON, () -> !hasLink());
    agent.apply("virtualip.yaml", MANIFEST.formatted(150));
    awaitMaster(true);
    assertTrue(capture.frames().stream().anyMatch(frame -> announced(frame).equals(VIP)));
    assertTrue(client.ip("neigh show " + VIP).contains(MAC + " PERMANENT"));
  }

  @Test
  void aNicThatWasDownHasTheAddressAgain() {
    a.pullCable("eth0");
    Await.until("keepalived serves", SOON, () -> b.hasAddress(VIP) && client.reaches(VIP));
    a.plugCable("eth0");
    awaitMaster(true);
    assertTrue(a.ip("-o addr show dev " + link).contains(VIP));
  }

  @Test
  void aKilledAgentLeavesAnEmptyInterfaceThatTheNextOneTakesUpAndRemovesAtItsEnd() {
    agent.kill();
    Await.until("keepalived serves", SOON, () -> b.hasAddress(VIP) && client.reaches(VIP));
    Await.until("the lease is over", SOON, () -> !a.hasAddress(VIP));
    assertTrue(hasLink());
    agent.start();
    awaitMaster(true);
    agent.stop();
    assertFalse(hasLink());
    Await.until("keepalived serves", SOON, () -> b.hasAddress(VIP) && client.reaches(VIP));
  }
}
