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
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
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
  private static final String VIP = "203.0.113.97";
  private static final String MAC = "00:00:5e:00:01:61";
  private static final String MAC6 = "00:00:5e:00:02:34";

  /** Of IPv6, beside samples/25-virtual-mac.yaml. */
  private static final String SIX =
      """
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: six}
      spec:
        vrid: 52
        interface: eth1
        advertInterval: 2s
        virtualMac: true
        vmacXmitBase: true
        addresses: [{address: 'fe80::64/64'}, {address: '2001:db8::100/64'}]
      """;

  private static final String KEEPALIVED =
      new Keepalived.Instance(
              "steady",
              "eth1",
              97,
              95,
              3,
              "2",
              null,
              List.of("203.0.113.97/24"),
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
    a = lab.host("node-a").plug("eth1", wire, "203.0.113.11/24", "2001:db8::11/64");
    b = lab.host("outside").plug("eth1", wire, "203.0.113.12/24");
    client = lab.host("client").plug("eth1", wire, "203.0.113.50/24", "2001:db8::50/64");
    client.ip("neigh add " + VIP + " lladdr " + MAC + " nud permanent dev eth1");
    link = "vip4-" + a.run("cat", "/sys/class/net/eth1/ifindex").strip() + "-97";
    capture = client.capture("eth1", "arp or ip proto 112 or ip6 proto 112");
    keepalived = Keepalived.start(b, KEEPALIVED);
    agent = AgentProgram.start(a, manifest(100), Map.of());
  }

  /** Fewer adverts, as the VM is slow. */
  private static String manifest(int priority) {
    try {
      return Files.readString(Lab.root().resolve("samples/25-virtual-mac.yaml"))
              .replace("virtualMac: true", "virtualMac: true\n  advertInterval: 2s")
              .replace("priority: 100", "priority: " + priority)
          + SIX;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
    var own = a.mac("eth1");
    for (var frame : capture.frames()) {
      frame
          .arp()
          .filter(arp -> arp.sender().equals(VIP))
          .ifPresent(arp -> assertFalse(arp.senderMac().equals(own), frame::toString));
    }
  }

  private static void awaitMaster(boolean ours) {
    agent.awaitStatus("steady", "state", ours ? "Master" : "Backup");
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
    assertTrue(b.reaches("203.0.113.11"));
    assertTrue(b.ip("neigh show 203.0.113.11").contains(a.mac("eth1")));
    var used = a.ip("route get 203.0.113.50");
    assertTrue(used.contains("dev eth1 src 203.0.113.11"), used);
    var frame =
        capture.await(
            "an advert of the agent",
            SOON,
            f -> f.vrrp().filter(v -> v.source().equals("203.0.113.11")).isPresent());
    assertEquals(MAC, frame.sourceMac());
    var bound = a.ip("-d addr show dev " + link);
    assertTrue(bound.contains("macvlan mode bridge"), bound);
    assertFalse(bound.contains("valid_lft forever"), bound);
    assertFalse(bound.contains("fe80"), bound);
  }

  @Test
  void ofIpv6ItIsAnotherMacAndAdvertsMayHaveTheNicsOwn() {
    agent.awaitStatus("six", "state", "Master");
    Await.until("the client is served", SOON, () -> client.reaches("2001:db8::100"));
    var known = client.ip("neigh show 2001:db8::100");
    assertTrue(known.contains(MAC6), known);
    var frame =
        capture.await(
            "an advert over IPv6", SOON, f -> f.vrrp().filter(v -> v.vrid() == 52).isPresent());
    assertEquals(a.mac("eth1"), frame.sourceMac());
  }

  @Test
  void keepalivedTakesOverAndGivesBackAndTheClientNoticesNothing() {
    agent.apply("virtualip.yaml", manifest(50));
    awaitMaster(false);
    Await.until("the interface is gone", SOON, () -> !hasLink());
    agent.apply("virtualip.yaml", manifest(100));
    awaitMaster(true);
    assertTrue(capture.frames().stream().anyMatch(frame -> announced(frame).equals(VIP)));
    assertTrue(client.ip("neigh show " + VIP).contains(MAC + " PERMANENT"));
  }

  @Test
  void aNicThatWasDownHasTheAddressAgain() {
    a.pullCable("eth1");
    Await.until("keepalived serves", SOON, () -> b.hasAddress(VIP) && client.reaches(VIP));
    a.plugCable("eth1");
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
