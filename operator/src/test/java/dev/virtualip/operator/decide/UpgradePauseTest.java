package dev.virtualip.operator.decide;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.operator.decide.AgentRollout.Turn;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class UpgradePauseTest {
  private final UpgradePause pause = new UpgradePause();

  private boolean paused(int second, String node, boolean begins, String waitsFor) {
    return pause.paused(
        new Turn(node, begins, null, waitsFor), Duration.ofSeconds(second).toNanos());
  }

  @Test
  void aStepThatTakes30SecondsIsAPause() {
    assertFalse(paused(0, "a", false, "it has just begun"));
    assertFalse(paused(29, "a", false, "it has just begun"));
    assertTrue(paused(30, "a", false, "it has just begun"));
    assertFalse(paused(31, "a", false, null), "it goes on");
  }

  @Test
  void aNewAgentThatCrashesAgainAndAgainIsAPauseWhateverItSaysInBetween() {
    assertFalse(paused(0, "a", false, "it ended with exit code 1"));
    assertFalse(paused(10, "a", false, "CrashLoopBackOff: back-off 10s restarting"));
    assertFalse(paused(20, "a", false, "it has just begun"));
    assertTrue(paused(30, "a", false, "CrashLoopBackOff: back-off 20s restarting"));
    assertTrue(paused(40, "a", false, "it has just begun"));
  }

  @Test
  void anUpgradeOfManyNodesThatGoesOnIsNone() {
    assertFalse(paused(0, "a", true, "a hands over web"));
    assertFalse(paused(20, "a", false, "the agent on a is being replaced"));
    assertFalse(paused(40, "b", true, "b hands over web"));
    assertFalse(paused(60, "b", false, "the agent on b is being replaced"));
  }
}
