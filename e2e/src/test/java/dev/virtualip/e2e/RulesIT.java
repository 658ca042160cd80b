package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The nodes' own default route leads into the internal network, where nobody knows the client: it
 * is served only by the table that the virtual address's rule points to.
 */
@InLab
class RulesIT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final Duration AT_ONCE = Duration.ofSeconds(5);
  private static final String VIP = "203.0.113.50";
  private static final String URL = "http://" + VIP + "/";
  private static final String RULE = "1000:\tfrom " + VIP + " lookup 100 proto 112";

  private Lab lab;
  private ClassicPair pair;
  private Host a;
  private Host b;
  private String sample;

  @BeforeEach
  void build() throws IOException {
    sample = Files.readString(Lab.root().resolve("samples/08-policy-routing.yaml"));
    lab = Lab.open();
    pair = ClassicPair.build(lab);
    a = pair.nodeA().route("default via " + ClassicPair.CONTROL);
    b = pair.nodeB().route("default via " + ClassicPair.CONTROL);
  }

  @AfterEach
  void close() {
    lab.close();
  }

  private AgentProgram agent(Host host) {
    return AgentProgram.start(host, sample, Map.of());
  }

  private static String rules(Host host) {
    return host.ip("-4 -d rule") + host.ip("-6 -d rule");
  }

  /** Routes of table 100, which is not there before its first one. */
  private static String table(Host host) {
    return host.sh("ip route show table 100 2>/dev/null || true");
  }

  private static boolean holds(Host host) {
    return host.hasAddress(VIP)
        && table(host).contains("default via 203.0.113.1 dev eth1 proto 112")
        && rules(host).contains(RULE);
  }

  private static boolean isClean(Host host) {
    return !host.hasAddress(VIP) && table(host).isBlank() && !rules(host).contains("proto 112");
  }

  private void awaitServedBy(Host holder, Host other) {
    Await.until(holder + " alone holds all", MOVE, () -> holds(holder) && isClean(other));
    awaitServedBy(holder);
  }

  private void awaitServedBy(Host holder) {
    Await.until(
        "the client is served by " + holder,
        MOVE,
        () -> pair.client().get(URL),
        (holder.name() + "\n")::equals);
  }

  @Test
  void theRuleMovesWithTheAddressAndIsGoneAfterTheNextStart() {
    try (var first = agent(a);
        var _ = agent(b)) {
      awaitServedBy(a, b);
      first.stop();
      awaitServedBy(b, a);
      first.start();
      awaitServedBy(a, b);

      first.kill();
      awaitServedBy(b);
      Await.until(
          "address and route of a have ended",
          MOVE,
          () -> !a.hasAddress(VIP) && table(a).isBlank());
      assertTrue(rules(a).contains(RULE), "a rule has no lease");
      // The next start removes it, also when nobody wants the address there any more.
      first.delete("virtualip.yaml");
      first.start();
      Await.until("a is clean", MOVE, () -> isClean(a));
      awaitServedBy(b, a);
    }
  }

  @Test
  void whatSomebodyElseRemovesIsBackAtOnce() {
    try (var agent = agent(a)) {
      awaitServedBy(a, b);
      a.ip("rule del from 203.0.113.50");
      Await.until("the rule is back", AT_ONCE, () -> holds(a));
      a.ip("rule flush protocol 112");
      Await.until("the rule is back again", AT_ONCE, () -> holds(a));
      a.ip("route del default table 100");
      Await.until("the route is back", AT_ONCE, () -> holds(a));
      a.ip("addr del 203.0.113.50/24 dev eth1");
      Await.until("all is back", AT_ONCE, () -> holds(a));
      // The route went with the address, and no report told so.
      Await.until(
          "counted",
          MOVE,
          () ->
              agent
                  .metrics()
                  .contains("virtualip_addresses_restored_total{vip=\"web-routed\"} 5.0"));
      assertEquals(1, agent.status("web-routed").path("transitions").asInt() - 1, "no other state");
    }
  }

  @Test
  void anEditAddsBeforeItRemovesAndKnowsIpv6() {
    try (var agent = agent(a)) {
      awaitServedBy(a, b);
      try (var monitor = a.start("monitor", "ip", "monitor", "rule")) {
        Await.until(
            "the monitor listens",
            MOVE,
            () -> {
              a.ip("rule add to 192.0.2.1 table 9 priority 9");
              a.ip("rule del to 192.0.2.1 table 9 priority 9");
              return monitor.output().contains("192.0.2.1");
            });
        int before = monitor.output().length();
        agent.apply(
            "virtualip.yaml",
            sample.replace(
                "table: 100, priority: 1000}",
                "table: 100, priority: 2000}\n    - {from: '2001:db8::/32', table: 100,"
                    + " priority: 3000}"));
        Await.until(
            "the edit is made",
            MOVE,
            () -> monitor.output().substring(before),
            seen -> seen.lines().filter(line -> !line.contains("192.0.2.1")).count() == 3);
        assertEquals(
            List.of(
                "2000: from 203.0.113.50 lookup 100 proto 112",
                "3000: from 2001:db8::/32 lookup 100 proto 112",
                "Deleted 1000: from 203.0.113.50 lookup 100 proto 112"),
            monitor
                .output()
                .substring(before)
                .lines()
                .filter(line -> !line.contains("192.0.2.1"))
                .map(line -> line.strip().replaceAll("\\s+", " "))
                .toList());
      }
      awaitServedBy(a);
      agent.apply("virtualip.yaml", sample.replaceAll("(?s)  rules:.*?(?=  nodes:)", ""));
      Await.until("no rules", MOVE, () -> !rules(a).contains("proto 112"));
      assertEquals("", pair.client().get(URL), "the answer goes astray");
      assertEquals(1, agent.status("web-routed").path("transitions").asInt() - 1, "no other state");
      agent.stop();
      assertTrue(isClean(a), () -> rules(a) + table(a));
    }
  }

  @Test
  void theSameRuleOfSomebodyElseIsAFaultAndIsLeftAlone() {
    a.ip("rule add from 203.0.113.50 table 100 priority 1000 protocol static");
    try (var first = agent(a);
        var second = agent(b)) {
      awaitServedBy(b);
      Await.until(
          "a says why",
          MOVE,
          () -> first.status("web-routed").path("message").asText(),
          message ->
              message.contains("somebody else has added the very same rule")
                  && message.contains("set another priority in spec.rules"));
      // It tries again every now and then, and is at fault again at once.
      Await.until(
          "b is master, a is at fault and has nothing, and the rule is as it was",
          MOVE,
          () ->
              first.status("web-routed").path("reason").asText().equals("BindFailed")
                  && second.status("web-routed").path("state").asText().equals("Master")
                  && isClean(a)
                  && rules(a).contains("1000:\tfrom 203.0.113.50 lookup 100 proto static"));
    }
  }
}
