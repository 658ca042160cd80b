package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.linux.NetlinkMonitor;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.Change.PutRule;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Policy routing rules against the kernel, in a network namespace that is the lab's own. */
@InLab
@Timeout(value = 60, unit = SECONDS)
class NetlinkRulesIT {
  private static final IpPrefix VIP = IpPrefix.parse("203.0.113.10/32");
  private static final IpPrefix TEN = IpPrefix.parse("10.0.0.0/8");
  private static final IpPrefix SIX = IpPrefix.parse("2001:db8:a::/48");
  private static final PolicyRule RULE = new PolicyRule(VIP, null, 100, 1000);

  private final LinkedBlockingQueue<NetworkEvent> events = new LinkedBlockingQueue<>();
  private Lab lab;
  private Netlink netlink;

  @BeforeEach
  void open() throws IOException {
    lab = Lab.open();
    netlink = new Netlink();
  }

  @AfterEach
  void close() {
    netlink.close();
    for (var family : List.of("-4", "-6")) {
      ip(family + " rule flush protocol 112");
      ip(family + " rule flush protocol static");
    }
    lab.close();
  }

  @Test
  void rulesComeBackAsTheyWerePut() throws IOException {
    var six = new PolicyRule(IpPrefix.parse("2001:db8::10/128"), null, 4_294_967_295L, 32_765);
    var rules =
        List.of(
            new PolicyRule(VIP, TEN, 254, 1),
            RULE,
            new PolicyRule(null, TEN, 100, 1000),
            new PolicyRule(TEN, null, 256, 32_765),
            new PolicyRule(IpPrefix.parse("2001:db8::/32"), SIX, 100, 7),
            six);
    var put = rules.stream().map(PutRule::new).toArray(Change[]::new);
    assertDone(put);
    assertEquals(rules, netlink.rules());
    // Again, as after a start or a report that came late.
    assertDone(put);
    assertEquals(rules, netlink.rules());
    assertTrue(ip("-d rule").contains("1000:\tfrom 203.0.113.10 lookup 100 proto 112"));
    assertTrue(ip("-6 -d rule").contains("32765:\tfrom 2001:db8::10 lookup 4294967295 proto 112"));
    assertDone(rules.stream().map(DeleteRule::new).toArray(Change[]::new));
    assertEquals(List.of(), netlink.rules());
    assertDone(new DeleteRule(six));
  }

  /** To the kernel a rule without destination stands for one with any. */
  @Test
  void aRuleGivesWayToAWiderOneAndToANarrowerOne() throws IOException {
    var narrow = new PolicyRule(VIP, TEN, 100, 1000);
    assertDone(new PutRule(narrow));
    assertDone(new PutRule(RULE), new DeleteRule(narrow));
    assertEquals(List.of(RULE), netlink.rules());
    assertDone(new PutRule(narrow), new DeleteRule(RULE));
    assertEquals(List.of(narrow), netlink.rules());
    assertDone(new DeleteRule(RULE), new DeleteRule(new PolicyRule(null, TEN, 100, 1000)));
    assertEquals(List.of(narrow), netlink.rules());
  }

  @Test
  void somebodyElsesRuleIsNeitherTakenOverNorDeleted() throws IOException {
    ip("rule add from 203.0.113.10 table 100 priority 1000 protocol static");
    var failures = netlink.apply(List.of(new PutRule(RULE)));
    assertEquals(
        "EEXIST: somebody else has added the very same rule: remove it, or set another priority in"
            + " spec.rules",
        failures.getFirst().error());
    assertDone(new DeleteRule(RULE));
    assertTrue(ip("rule").contains("1000:\tfrom 203.0.113.10 lookup 100"));
    assertEquals(List.of(), netlink.rules());
  }

  @Test
  void aRuleThatAsksForMoreIsAnotherOne() throws IOException {
    ip("rule add from 203.0.113.10 iif lo table 100 priority 1000 protocol static");
    assertDone(new PutRule(RULE));
    assertDone(new DeleteRule(RULE));
    assertTrue(ip("rule").contains("iif lo"));
  }

  @Test
  void theMonitorReportsOurRulesThatGo() throws Exception {
    var six = new PolicyRule(null, SIX, 100, 1000);
    try (var _ = new NetlinkMonitor(events::add)) {
      ip("rule add from 203.0.113.10 table 200 priority 999 protocol static");
      assertDone(new PutRule(RULE), new PutRule(six));
      ip("rule del priority 999");
      ip("-6 rule del priority 1000");
      ip("rule del priority 1000");
      assertEquals(new RuleRemoved(six), nextRemoval());
      assertEquals(new RuleRemoved(RULE), nextRemoval());
    }
  }

  private NetworkEvent nextRemoval() throws InterruptedException {
    while (true) {
      var event = events.poll(10, SECONDS);
      assertNotNull(event, "no report");
      if (event instanceof RuleRemoved) {
        return event;
      }
    }
  }

  private void assertDone(Change... changes) throws IOException {
    assertEquals(List.of(), netlink.apply(List.of(changes)));
  }

  private String ip(String arguments) {
    return lab.control().ip(arguments);
  }
}
