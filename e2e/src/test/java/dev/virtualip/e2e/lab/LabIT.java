package dev.virtualip.e2e.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@InLab
class LabIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private Lab lab;
  private Wire internal;
  private Host a;
  private Host b;

  @BeforeEach
  void openLab() {
    lab = Lab.open();
    internal = lab.wire("internal").address("10.0.0.1/24");
    a = lab.host("node-a").plug("eth0", internal, "10.0.0.11/24", "fd00::11/64");
    b = lab.host("node-b").plug("eth0", internal, "10.0.0.12/24", "fd00::12/64");
  }

  @AfterEach
  void closeLab() {
    lab.close();
  }

  @Test
  void hostsReachEachOtherAndTheControlHost() {
    assertTrue(a.reaches("10.0.0.12"));
    assertTrue(a.reaches("fd00::12"));
    assertTrue(a.reaches("10.0.0.1"));
    assertTrue(lab.control().reaches("10.0.0.12"));
    assertFalse(a.reaches("10.0.0.13"));
  }

  @Test
  void aCutIsSilent() {
    assertTrue(a.reaches("10.0.0.12"));
    a.cut("eth0");
    assertFalse(a.reaches("10.0.0.12"));
    assertFalse(a.reaches("10.0.0.1"));
    assertEquals("1", a.sh("cat /sys/class/net/eth0/carrier").strip());
    a.mend("eth0");
    assertTrue(a.reaches("10.0.0.12"));
  }

  @Test
  void aPulledCableTakesTheCarrier() {
    a.pullCable("eth0");
    Await.until(
        "no carrier",
        SOON,
        () -> a.sh("cat /sys/class/net/eth0/carrier").strip(),
        carrier -> carrier.equals("0"));
    a.plugCable("eth0");
    Await.until("reachable again", SOON, () -> a.reaches("10.0.0.12"));
  }

  @Test
  void aCaptureSeesArp() {
    try (Capture capture = b.capture("eth0", "arp")) {
      assertTrue(a.reaches("10.0.0.12"));
      Frame.Arp request =
          capture.await("ARP request", SOON, f -> f.arp().isPresent()).arp().orElseThrow();
      assertEquals(1, request.operation());
      assertEquals("10.0.0.11", request.sender());
      assertEquals(a.mac("eth0"), request.senderMac());
      assertEquals("10.0.0.12", request.target());
      assertFalse(request.gratuitous());
    }
  }

  @Test
  void aSuspendedProgramStandsStillWithAllItForked() {
    Proc ticks = a.start("ticks", "sh", "-c", "(while :; do echo tick; sleep 0.02; done) & wait");
    ticks.awaitOutput("tick", SOON);
    ticks.suspend();
    long size = ticks.outputFile().toFile().length();
    assertTrue(a.reaches("10.0.0.12"));
    assertEquals(size, ticks.outputFile().toFile().length());
    ticks.resume();
    Await.until("ticks go on", SOON, () -> ticks.outputFile().toFile().length() > size);
  }

  @Test
  void aProbeBehindARouterMeasuresAnOutage() {
    Wire outside = lab.wire("public");
    lab.host("router")
        .plug("eth0", internal, "10.0.0.254/24")
        .plug("eth1", outside, "203.0.113.1/24")
        .forward();
    Host client = lab.host("client").plug("eth0", outside, "203.0.113.9/24");
    client.route("default via 203.0.113.1");
    a.route("default via 10.0.0.254");
    Nginx nginx = Nginx.start(a);
    assertEquals("node-a\n", client.get("http://10.0.0.11/"));
    try (Probe probe = Probe.start(client, "http://10.0.0.11/")) {
      probe.awaitServedBy("node-a", SOON);
      Instant stopped = Instant.now();
      nginx.stop();
      Await.until("outage seen", SOON, () -> !probe.outages(stopped).isEmpty());
      Instant started = Instant.now();
      nginx.start();
      Instant back = probe.awaitServedBy("node-a", SOON).start();
      List<Probe.Outage> outages = probe.outages(stopped);
      assertEquals(1, outages.size(), outages::toString);
      assertTrue(outages.getFirst().from().isBefore(started));
      assertFalse(outages.getFirst().to().isAfter(back));
      assertEquals(outages.getFirst().duration(), probe.longestOutage(stopped, back));
      assertEquals("node-a", probe.servedBy());
    }
  }

  @Test
  void keepalivedMovesItsAddressWithTheCheck() {
    for (Host host : List.of(a, b)) {
      host.plug("eth1", lab.wire("public"));
      Nginx.start(host);
    }
    Keepalived first = Keepalived.start(a, keepalived(150));
    Keepalived.start(b, keepalived(100));
    try (Capture capture = b.capture("eth0", "ip proto 112")) {
      Await.until("node-a has the VIP", SOON, () -> a.hasAddress("203.0.113.10"));
      assertFalse(b.hasAddress("203.0.113.10"));
      Frame.Vrrp advert =
          capture.await("advert", SOON, f -> f.vrrp().isPresent()).vrrp().orElseThrow();
      assertEquals(
          new Frame.Vrrp(2, 77, 150, 1, "10.0.0.11", "224.0.0.18", 255, List.of("203.0.113.10")),
          advert);
      assertTrue(a.ip("route").contains("default via 203.0.113.1 dev eth1"));
      first.stop();
      Await.until("node-b has the VIP", SOON, () -> b.hasAddress("203.0.113.10"));
      assertFalse(a.hasAddress("203.0.113.10"));
    }
  }

  private static String keepalived(int priority) {
    return new Keepalived.Instance(
            "web",
            "eth0",
            77,
            priority,
            2,
            "1",
            "secret",
            List.of("203.0.113.10/24 dev eth1"),
            List.of("default via 203.0.113.1 dev eth1"),
            "/usr/bin/curl -sf http://127.0.0.1/healthz",
            List.of())
        .config();
  }

  @Test
  void anAwaitTellsTheLastValueSeen() {
    AssertionError failure =
        assertThrows(
            AssertionError.class,
            () -> Await.until("seven", Duration.ofMillis(20), () -> 6, n -> n == 7));
    assertEquals("not within 20 ms: seven (last seen: 6)", failure.getMessage());
  }

  @Test
  void aClosedLabLeavesNothing() {
    // Two that outlive a plain kill of their parent.
    Proc sleeper = a.start("sleeper", "sh", "-c", "setsid sleep 4242 & echo up; wait");
    sleeper.awaitOutput("up", SOON);
    Proc stubborn = lab.control().start("stubborn", "sh", "-c", "trap '' TERM; sleep 4242; :");
    lab.close();
    assertFalse(sleeper.alive());
    assertFalse(stubborn.alive());
    assertEquals("", Shell.result(List.of("pgrep", "-f", "sleep 4242")).output());
    assertEquals("", Shell.run("ip", "netns", "list"));
    assertEquals("", Shell.run("sh", "-c", "ip -o link | grep -v ': lo:' || true"));
    lab = Lab.open();
  }
}
