package dev.virtualip.memory;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class OldGenerationTest {
  private static final long MIB = 1L << 20;

  @Test
  void itIsCollectedAfterTheStartAndThenWhenItHasGrownByAQuarter() {
    assertTrue(OldGeneration.hasGrown(9 * MIB, 0));
    assertFalse(OldGeneration.hasGrown(12 * MIB, 8 * MIB));
    assertTrue(OldGeneration.hasGrown(12 * MIB + 1, 8 * MIB));
    assertFalse(OldGeneration.hasGrown(127 * MIB, 100 * MIB));
    assertTrue(OldGeneration.hasGrown(128 * MIB, 100 * MIB));
  }
}
