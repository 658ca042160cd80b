package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.lvs.OneVirtualServer;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Checks of real servers start and end with their servers, and their results reach the pool. */
class RealServerChecksTest {
  private static final String ONE = "http/10.0.0.21/0/c";
  private static final String TWO = "http/10.0.0.22/0/c";

  private final FakeNode fake = new FakeNode();
  private final RealServers servers = new RealServers(fake.node);

  private void update(String check, String servers) {
    this.servers.update(
        OneVirtualServer.config(servers, "checks: [{name: c, %s}]".formatted(check)));
  }

  private void update(String check) {
    update(check, "{address: 10.0.0.21}, {address: 10.0.0.22, weight: 3}");
  }

  private String weights() {
    return servers.services().getFirst().destinations().stream()
        .map(d -> IpPrefix.text(d.address()) + "=" + d.weight())
        .collect(Collectors.joining(" "));
  }

  private boolean tell(String check, Verdict verdict, Integer weight) {
    var detail = verdict == Verdict.Failed ? "refused" : "";
    return servers.take("web", new CheckState(check, 0, false, verdict, detail, weight));
  }

  @Test
  void eachServerHasItsChecks() {
    update("tcp: {}");
    assertEquals(Set.of(ONE, TWO), fake.checksRunning);
    update("tcp: {}", "{address: 10.0.0.22}");
    assertEquals(Set.of(TWO), fake.checksRunning);
    assertFalse(tell(ONE, Verdict.Failed, null), "a late result of a check that has ended");
    servers.stop("web");
    assertEquals(Set.of(), fake.checksRunning);
  }

  @Test
  void aServerIsInUntilACheckFails() {
    update("tcp: {}");
    assertTrue(tell(ONE, Verdict.Failed, null));
    assertEquals("10.0.0.22=3", weights());
    tell(ONE, Verdict.Good, null);
    assertEquals("10.0.0.21=1 10.0.0.22=3", weights());
  }

  /** keepalived: alpha. */
  @Test
  void aServerWhoseCheckBeginsAsFailedIsOutUntilItIsGood() {
    update("tcp: {}, initial: Failed");
    assertEquals("", weights());
    tell(TWO, Verdict.Good, null);
    assertEquals("10.0.0.22=3", weights());
    update("tcp: {}, initial: Failed, interval: 2s");
    assertEquals("10.0.0.22=3", weights(), "an edit takes out nobody who serves");
    tell(TWO, Verdict.Failed, null);
    assertEquals("", weights());
  }

  @Test
  void anEditedCheckThatBeginsAsGoodLetsItsServersIn() {
    update("tcp: {}");
    tell(ONE, Verdict.Failed, null);
    update("tcp: {}, interval: 2s");
    assertEquals("10.0.0.22=3", weights(), "Unknown keeps what was known");
    update("tcp: {}, initial: Good");
    assertEquals("10.0.0.21=1 10.0.0.22=3", weights());
  }

  @Test
  void aCheckMayChangeTheWeight() {
    update("exec: {command: [a], weightByExitCode: true}");
    tell(ONE, Verdict.Good, 8);
    tell(TWO, Verdict.Good, 0);
    assertEquals("10.0.0.21=8 10.0.0.22=0", weights());
    tell(ONE, Verdict.Good, null);
    tell(TWO, Verdict.Failed, null);
    assertEquals("10.0.0.21=1", weights());
  }
}
