package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Unknown;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.operator.decide.HandOvers.Wanted;
import dev.virtualip.operator.watch.Vips;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HandOversTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:01:00Z");
  private static final String NOW_TEXT = "2026-01-01T00:01:00Z";
  private static final Map<String, String> A_CORDONED = Map.of("a", "cordoned");

  private final Map<String, NodeStatus> reports = new HashMap<>();
  private final Map<String, HandOver> before = new HashMap<>();
  private String nodes = "{selector: {matchLabels: {edge: 'true'}}}";

  private void node(String name, State state, int priority) {
    reports.put(name, new NodeStatus(state, priority, null, null, null, 2L, null, null));
  }

  private String asked(Map<String, String> drains, String upgrading, boolean begins, String to) {
    return asked(new Wanted(drains, upgrading, begins, Set.of(), to, false));
  }

  private String upgraded(String node, String... outdated) {
    return asked(new Wanted(Map.of(), node, true, Set.of(outdated), null, false));
  }

  private String asked(Wanted wanted) {
    VirtualIp vip = Vips.asked(Vips.reported(Vips.vip("web", 77, nodes), null, reports), before);
    var text = new StringBuilder();
    HandOvers.of(vip, wanted, NOW)
        .forEach(
            (node, asked) ->
                text.append(
                    "%s=%d %s %s; "
                        .formatted(
                            node,
                            asked.priority(),
                            asked.reason(),
                            asked.since().equals(NOW_TEXT) ? "now" : asked.since())));
    return text.toString();
  }

  private String drain() {
    return asked(A_CORDONED, null, false, null);
  }

  @Test
  void nobodyIsAskedWithoutAReason() {
    node("a", Master, 150);
    node("b", Backup, 100);
    assertEquals("", asked(Map.of(), null, false, null));
  }

  @Test
  void aDrainedNodeHandsOverWhenAnotherCanServe() {
    node("a", Master, 150);
    node("b", Backup, 100);
    assertEquals("a=1 Drain(cordoned) now; ", drain());
  }

  @Test
  void aDrainedNodeKeepsWhatNobodyElseCanServe() {
    node("a", Master, 150);
    assertEquals("", drain());
    node("b", Fault, 100);
    assertEquals("", drain());
    node("b", Unknown, 100);
    assertEquals("", drain());
  }

  @Test
  void ifAllAreDrainedAllStay() {
    node("a", Master, 150);
    node("b", Backup, 100);
    assertEquals("", asked(Map.of("a", "cordoned", "b", "cordoned"), null, false, null));
  }

  @Test
  void whatWasAskedStaysAskedAtItsTime() {
    node("a", Backup, 1);
    node("b", Master, 100);
    before.put("a", new HandOver(1, "Drain(cordoned)", "2026-01-01T00:00:00Z"));
    assertEquals("a=1 Drain(cordoned) 2026-01-01T00:00:00Z; ", drain());
    assertEquals("", asked(Map.of(), null, false, null));
  }

  @Test
  void aMasterThatWasAskedLongAgoIsAskedAgain() {
    node("a", Master, 1);
    node("b", Backup, 100);
    before.put("a", new HandOver(1, "Drain(cordoned)", "2026-01-01T00:00:40Z"));
    assertEquals("a=1 Drain(cordoned) 2026-01-01T00:00:40Z; ", drain());
    before.put("a", new HandOver(1, "Drain(cordoned)", "2026-01-01T00:00:20Z"));
    assertEquals("a=1 Drain(cordoned) now; ", drain());
  }

  @Test
  void theOthersGoBelowTheOneThatIsToBeMasterAndKeepTheirOrder() {
    node("a", Master, 150);
    node("b", Backup, 80);
    node("c", Backup, 120);
    before.put("c", new HandOver(1, "SwitchOver(b)", "t"));
    node("c", Backup, 1);
    assertEquals("a=2 SwitchOver(b) now; c=1 SwitchOver(b) t; ", asked(Map.of(), null, false, "b"));
    before.put("a", new HandOver(2, "SwitchOver(b)", "t"));
    node("a", Backup, 2);
    node("b", Master, 80);
    node("c", Backup, 1);
    assertEquals("a=2 SwitchOver(b) t; c=1 SwitchOver(b) t; ", asked(Map.of(), null, false, "b"));
  }

  /** Or node c, if it hears of its own request after the hand-over's skew, is master before b. */
  @Test
  void aMasterHandsOverWhenTheOthersSayThatTheyStandBack() {
    node("a", Master, 150);
    node("b", Backup, 80);
    node("c", Backup, 120);
    assertEquals("c=1 SwitchOver(b) now; ", asked(Map.of(), null, false, "b"));
    before.put("c", new HandOver(1, "SwitchOver(b)", "2026-01-01T00:00:59Z"));
    assertEquals("c=1 SwitchOver(b) 2026-01-01T00:00:59Z; ", asked(Map.of(), null, false, "b"));
    node("c", Backup, 1);
    assertEquals(
        "a=2 SwitchOver(b) now; c=1 SwitchOver(b) 2026-01-01T00:00:59Z; ",
        asked(Map.of(), null, false, "b"));
  }

  @Test
  void nobodyWaitsLongForANodeThatDoesNotSayThatItStandsBack() {
    node("a", Master, 150);
    node("b", Backup, 80);
    node("c", Backup, 120);
    before.put("c", new HandOver(1, "SwitchOver(b)", "2026-01-01T00:00:57Z"));
    assertEquals(
        "a=2 SwitchOver(b) now; c=1 SwitchOver(b) 2026-01-01T00:00:57Z; ",
        asked(Map.of(), null, false, "b"));
    before.put("c", new HandOver(1, "SwitchOver(b)", NOW_TEXT));
    node("c", Fault, 120);
    assertEquals(
        "a=2 SwitchOver(b) now; c=1 SwitchOver(b) now; ", asked(Map.of(), null, false, "b"));
  }

  @Test
  void whatHasBegunIsNotTakenBackForANodeThatIsAskedLater() {
    node("a", Master, 150);
    node("b", Backup, 80);
    node("c", Backup, 50);
    before.put("a", new HandOver(1, "SwitchOver(b)", NOW_TEXT));
    assertEquals(
        "a=1 SwitchOver(b) now; c=2 SwitchOver(b) now; ", asked(Map.of(), null, false, "b"));
  }

  /** Or node a, which hears of it an advert sooner, is master before node b is. */
  @Test
  void whenASwitchOverEndsTheBestNodeIsBackFirst() {
    nodes = "{overrides: [{name: b, priority: 150}, {name: c, priority: 50}]}";
    node("a", Backup, 1);
    node("b", Backup, 2);
    node("c", Master, 50);
    before.put("a", new HandOver(1, "SwitchOver(c)", NOW_TEXT));
    before.put("b", new HandOver(2, "SwitchOver(c)", NOW_TEXT));
    assertEquals("a=1 SwitchOver(c) now; ", ended());
    before.remove("b");
    assertEquals("a=1 SwitchOver(c) now; ", ended());
    node("b", Backup, 150);
    assertEquals("", ended());
  }

  @Test
  void nobodyWaitsForABestNodeThatServesNoMore() {
    node("c", Master, 50);
    node("a", Backup, 2);
    node("b", Backup, 1);
    before.put("b", new HandOver(1, "SwitchOver(c)", NOW_TEXT));
    node("a", Unknown, 2);
    assertEquals("", ended());
  }

  private String ended() {
    return asked(Map.of(), null, false, null);
  }

  @Test
  void aDrainGoesBeforeASwitchOver() {
    node("a", Master, 150);
    node("b", Backup, 80);
    node("c", Backup, 120);
    node("c", Backup, 1);
    assertEquals(
        "a=1 Drain(cordoned) now; c=1 SwitchOver(b) now; ", asked(A_CORDONED, null, false, "b"));
    assertEquals("a=1 Drain(cordoned) now; ", asked(A_CORDONED, null, false, "a"));
  }

  @Test
  void aSwitchOverToANodeThatCantServeAsksNobody() {
    node("a", Master, 150);
    node("b", Fault, 80);
    assertEquals("", asked(Map.of(), null, false, "b"));
  }

  @Test
  void whatIsUpgradedHandsOverAndStaysAskedUntilTheUpgradeIsOver() {
    node("a", Master, 150);
    node("b", Backup, 80);
    assertEquals("a=1 Upgrade now; ", asked(Map.of(), "a", true, null));
    before.put("a", new HandOver(1, "Upgrade", "t"));
    node("a", Unknown, 1);
    node("b", Fault, 80);
    assertEquals("a=1 Upgrade t; ", asked(Map.of(), "a", false, null));
    assertEquals("", asked(Map.of(), null, false, null));
  }

  @Test
  void whatCouldNotServeBeforeItsUpgradeIsNotAsked() {
    node("a", Fault, 150);
    node("b", Master, 80);
    assertEquals("", asked(Map.of(), "a", true, null));
    node("a", Backup, 150);
    assertEquals("", asked(Map.of(), "a", false, null), "its new agent is there already");
  }

  @Test
  void anUpgradeHandsOverToOneThatIsUpgradedAlready() {
    node("a", Backup, 100);
    node("b", Master, 150);
    node("c", Backup, 50);
    assertEquals("a=2 UpgradeLater now; ", upgraded("b", "a", "b"));
    before.put("a", new HandOver(2, "UpgradeLater", "t"));
    node("a", Backup, 2);
    assertEquals("a=2 UpgradeLater t; b=1 Upgrade now; ", upgraded("b", "a", "b"));
    before.put("b", new HandOver(1, "Upgrade", "t"));
    node("b", Backup, 1);
    assertEquals(
        "a=2 UpgradeLater t; b=1 Upgrade t; ", upgraded("b", "a", "b"), "until c has followed");
    node("b", Unknown, 1);
    node("c", Master, 50);
    assertEquals("a=2 UpgradeLater t; b=1 Upgrade t; ", upgraded("b", "a"), "and while b is away");
    node("c", Fault, 50);
    assertEquals("b=1 Upgrade t; ", upgraded("b", "a"), "somebody has to serve");
  }

  @Test
  void whereNoneIsUpgradedYetAnUpgradeHandsOverByPriority() {
    node("a", Backup, 100);
    node("b", Master, 150);
    node("c", Backup, 50);
    assertEquals("b=1 Upgrade now; ", upgraded("b", "a", "b", "c"));
  }

  @Test
  void theUpgradeOfABackupAsksNobodyElse() {
    node("a", Master, 150);
    node("b", Backup, 100);
    node("c", Backup, 50);
    assertEquals("b=1 Upgrade now; ", upgraded("b", "a", "b"));
  }

  @Test
  void nodesThatHaveNothingToDoWithItAreNotAsked() {
    node("b", Master, 80);
    assertEquals("", drain());
  }
}
