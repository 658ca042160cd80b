package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BudgetTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void whoWritesWithoutEndWritesSixTimesAMinute() {
    var budget = new Budget(-SECOND);
    int taken = 0;
    for (long now = 0; now < 600 * SECOND; now += SECOND / 10) {
      taken += budget.take(now) ? 1 : 0;
    }
    assertEquals(Budget.MOST + 60, taken);
  }

  @Test
  void afterAQuietTimeThereIsRoomForMovesAgain() {
    var budget = new Budget(0);
    for (int i = 0; i < Budget.MOST; i++) {
      assertTrue(budget.take(0));
    }
    assertFalse(budget.take(0));
    assertEquals(10 * SECOND, budget.nextAt(SECOND));
    assertFalse(budget.take(10 * SECOND - 1));
    assertTrue(budget.take(10 * SECOND));
    assertEquals(3_600 * SECOND, budget.nextAt(3_600 * SECOND));
  }
}
