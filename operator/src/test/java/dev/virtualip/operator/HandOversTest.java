package dev.virtualip.operator;

import static dev.virtualip.crds.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.VirtualIpStatus.State.Master;
import static dev.virtualip.crds.VirtualIpStatus.State.Unknown;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus.HandOver;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.VirtualIpStatus.State;
import dev.virtualip.operator.HandOvers.Wanted;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HandOversTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:01:00Z");
  private static final String NOW_TEXT = "2026-01-01T00:01:00Z";
  private static final Map<String, String> A_CORDONED = Map.of("a", "cordoned");

  private final Map<String, NodeStatus> reports = new HashMap<>();
  private final Map<String, HandOver> before = new HashMap<>();

  private void node(String name, State state, int priority) {
    reports.put(name, new NodeStatus(state, priority, null, null, null, 2L, null, null));
  }

  private String asked(Map<String, String> drains, String upgrading, boolean begins, String to) {
    VirtualIp vip = Vips.asked(Vips.reported(Vips.edge("web", 77), null, reports), before);
    var text = new StringBuilder();
    HandOvers.of(vip, new Wanted(drains, upgrading, begins, to), NOW)
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
    assertEquals(
        "a=2 SwitchOver(b) now; c=1 SwitchOver(b) now; ", asked(Map.of(), null, false, "b"));
    before.put("a", new HandOver(2, "SwitchOver(b)", "t"));
    before.put("c", new HandOver(1, "SwitchOver(b)", "t"));
    node("a", Backup, 2);
    node("b", Master, 80);
    node("c", Backup, 1);
    assertEquals("a=2 SwitchOver(b) t; c=1 SwitchOver(b) t; ", asked(Map.of(), null, false, "b"));
  }

  @Test
  void aDrainGoesBeforeASwitchOver() {
    node("a", Master, 150);
    node("b", Backup, 80);
    node("c", Backup, 120);
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
  void nodesThatHaveNothingToDoWithItAreNotAsked() {
    node("b", Master, 80);
    assertEquals("", drain());
  }
}
