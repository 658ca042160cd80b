package dev.virtualip.e2e.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class StatsTest {
  @Test
  void medianOfAnEvenNumberIsTheMiddleOfTheTwo() {
    assertEquals(new Stats(4, 2.5, 1, 10, 10), Stats.of(List.of(10.0, 1.0, 2.0, 3.0)));
  }

  @Test
  void oneFigureIsAllOfThem() {
    assertEquals(new Stats(1, 7, 7, 7, 7), Stats.of(List.of(7.0)));
  }

  @Test
  void ninetyPercentIsTheNearestRank() {
    assertEquals(9, Stats.of(List.of(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)).p90());
    assertThrows(IllegalArgumentException.class, () -> Stats.of(List.of()));
  }
}
