package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EffectivePriorityTest {
  /**
   * Checks are weight and verdict: G good, L leaving, F failed, U unknown, ! reverse; named a, b,
   * c.
   */
  @ParameterizedTest
  @CsvSource({
    "100, '', 100, ''",
    "100, 0G, 100, ''",
    "100, 0F, 100, CheckFailed(a)",
    "100, 0U, 100, CheckPending(a)",
    "100, 0F 0G 0U, 100, CheckFailed(a) CheckPending(c)",
    "100, 20G, 120, ''",
    "100, 20F, 100, ''",
    "100, 20U, 100, ''",
    "100, -20G, 100, ''",
    "100, -20F, 80, ''",
    "100, -20U, 100, ''",
    "100, 20G -30F 0F, 90, CheckFailed(c)",
    "100, -253F, 1, ''",
    "100, 253G, 254, ''",
    "100, 253G -253F, 100, ''",
    "254, 1G, 254, ''",
    "1, -1F, 1, ''",
    "255, 10G -20F, 255, ''",
    "255, 0F, 255, CheckFailed(a)",
    "100, !20G, 80, ''",
    "100, !20F, 100, ''",
    "100, !-20G, 100, ''",
    "100, !-20F, 120, ''",
    "100, !0G, 100, CheckGood(a)",
    "100, !0F, 100, ''",
    "100, !0U, 100, CheckPending(a)",
    "100, 0L, 1, ''",
    "255, 0L, 1, ''",
    "100, 0L 0F, 1, CheckFailed(b)",
    "100, 20L, 100, ''",
    "100, -20L, 80, ''",
    "100, !0L, 100, ''"
  })
  void case41_weightsAddUpAsInKeepalived(int base, String checks, int priority, String faults) {
    var states = new ArrayList<CheckState>();
    for (var check : checks.isEmpty() ? new String[0] : checks.split(" ")) {
      boolean reverse = check.startsWith("!");
      int weight = Integer.parseInt(check.replaceAll("[!GLFU]", ""));
      var verdict =
          switch (check.charAt(check.length() - 1)) {
            case 'G' -> Verdict.Good;
            case 'L' -> Verdict.Leaving;
            case 'F' -> Verdict.Failed;
            default -> Verdict.Unknown;
          };
      states.add(
          new CheckState(Character.toString('a' + states.size()), weight, reverse, verdict, ""));
    }
    var effective = EffectivePriority.of(base, states);
    assertEquals(priority, effective.priority());
    assertEquals(
        faults.isEmpty() ? List.of() : List.of(faults.split(" ")),
        effective.faults().stream().map(Object::toString).toList());
  }

  @ParameterizedTest
  @CsvSource({"100, false, 100", "1, false, 2", "255, false, 255", "100, true, 1", "255, true, 1"})
  void whereTheMasterIsKeptWhoeverHasGoodChecksHasMoreThanOne(
      int base, boolean fails, int priority) {
    var states = List.of(new CheckState("a", 0, false, fails ? Verdict.Failed : Verdict.Good, ""));
    var effective = EffectivePriority.of(base, states);
    assertEquals(new EffectivePriority(priority, List.of(), null), effective.keepingMaster(false));
    assertEquals(1, effective.keepingMaster(true).priority());
  }

  @Test
  void aMasterHandsOverBeforeWhatItServesIsGoneUnlessItIsKeptAnyway() {
    var leaves = List.of(new CheckState("pod", 0, false, Verdict.Leaving, "it is being deleted"));
    var effective = EffectivePriority.of(100, leaves);
    assertEquals(new EffectivePriority(1, List.of(), "pod"), effective);
    assertEquals(new EffectivePriority(1, List.of(), null), effective.keepingMaster(false));
  }
}
