package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The figures are those of docs/protocol.md, or follow from the formulas there. */
class BudgetTest {
  private static final NodeStatus NEW =
      new NodeStatus(State.Backup, 80, null, null, null, null, null, null);

  private static List<Budget> budgets(String spec, int priority) {
    var checked = CheckedSpec.check(Web.vip("spec: " + spec));
    assertEquals(List.of(), checked.problems());
    return Budget.of(checked.spec(), "node-a", priority, NEW);
  }

  private static Budget budget(String spec, String cause) {
    return budgets(spec, 80).stream()
        .filter(b -> b.cause().equals(cause))
        .findFirst()
        .orElseThrow();
  }

  /** Detection and decision. */
  private static String found(String spec, String cause) {
    var budget = budget(spec, cause);
    return Times.text(budget.detection()) + " + " + Times.text(budget.decision());
  }

  @Test
  void aBackup20BelowItsMasterFollowsAResignationAfter4MsAndASilenceAfter3687() {
    var budgets = budgets("{}", 80);
    assertEquals(Duration.ofMillis(4), budgets.getFirst().decision());
    var lost = budgets.getLast();
    assertEquals(3687, lost.detection().plus(lost.decision()).toMillis());
  }

  @Test
  void withoutPreemptionAnyBackupMayBeBetter() {
    var keeps = budgets("{preempt: {enabled: false}}", 100);
    assertEquals(Duration.ofNanos(17_600_000), keeps.getFirst().decision());
  }

  @Test
  void withShortIntervalsTheSkewIsShorterThanTheWaitForBetterOnes() {
    var fast = "{vrrpVersion: 3, advertInterval: 10ms}";
    assertEquals("0 ms + 4 ms", found(fast, "the agent stops"));
    assertEquals(
        "0 ms + 6.9 ms",
        found(fast.replace("10ms", "10ms, preempt: {enabled: false}"), "the agent stops"));
    assertEquals("30 ms + 6.9 ms", found(fast, "the node is lost"));
  }

  @Test
  void exclusiveLeasesWaitForTheSkewAlways() {
    var exclusive = "{lease: {policy: Exclusive}, detection: {bfd: {}}}";
    assertEquals("0 ms + 688 ms", found(exclusive, "the agent stops"));
    assertEquals("3 s + 688 ms", found(exclusive, "the node is lost"));
  }

  @Test
  void bfdFindsALostNodeByItsOwnInterval() {
    var bfd = "{detection: {bfd: {interval: 100ms, multiplier: 4}}}";
    assertEquals("400 ms + 4 ms", found(bfd, "the node is lost"));
    assertEquals("400 ms + 4 ms", found(bfd, "NIC eth0 down (adverts)"));
    assertEquals("0 ms + 4 ms", found(bfd, "NIC eth1 down"));
  }

  @Test
  void aNicIsDownAfterItsDelay() {
    assertEquals("500 ms + 4 ms", found("{linkDownDelay: 500ms}", "NIC eth1 down"));
  }

  private static String check(String fields, String how) {
    var check = "{healthChecks: [{name: n, %s}]}".formatted(fields);
    return Times.text(budget(check, "check n: " + how).detection());
  }

  @Test
  void aWatchedCheckSeesAnEndAtOnceAndCountsTo3In20Ms() {
    assertEquals("0 ms", check("tcp: {port: 80}", "it ends"));
    assertEquals("20 ms", check("tcp: {port: 80}, fall: 3", "it ends"));
    assertEquals("2 s", check("tcp: {port: 80}, fall: 3, retryInterval: 1s", "it ends"));
  }

  @Test
  void aCheckThatDoesNotWatchSeesAnEndAtItsInterval() {
    assertEquals("2 s", check("http: {}, interval: 2s, watch: false", "it ends"));
    assertEquals("6 s", check("http: {}, interval: 2s, watch: false, fall: 3", "it ends"));
  }

  @Test
  void aHangIsSeenAfterTheTimeout() {
    assertEquals("1.1 s", check("http: {}, interval: 100ms, timeout: 1s", "it hangs"));
    assertEquals("2.1 s", check("http: {}, interval: 100ms, timeout: 1s, fall: 2", "it hangs"));
    assertEquals(
        "2.2 s",
        check("http: {}, interval: 100ms, timeout: 1s, fall: 2, retryInterval: 100ms", "it hangs"));
  }

  @Test
  void onlyWhatAnswersCanHang() {
    var causes =
        budgets(
                "{healthChecks: [{name: p, process: {name: nginx}}, {name: w, http: {}, weight: 5}]}",
                80)
            .stream()
            .map(Budget::cause)
            .collect(Collectors.joining(", "));
    assertEquals(
        "the agent stops, check p: it ends, NIC eth0 down (adverts), NIC eth1 down,"
            + " the node is lost",
        causes);
  }

  @Test
  void theLastTakeoverOfTheSuccessorTellsWhatBindingTakes() {
    var vip = Web.vip();
    var successor = Reports.of(vip).get("node-b");
    var measured = Budget.of(CheckedSpec.check(vip).spec(), "node-a", 80, successor).getFirst();
    assertEquals(Duration.ofNanos(1_590_000), measured.bind());
    assertEquals(Duration.ofNanos(370_000), measured.announce());
    var usual = budget("{}", "the agent stops");
    assertEquals(Duration.ofMillis(4), usual.bind());
    assertEquals(Duration.ofMillis(1), usual.announce());
  }
}
