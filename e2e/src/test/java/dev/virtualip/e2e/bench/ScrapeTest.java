package dev.virtualip.e2e.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ScrapeTest {
  private static final Scrape BEFORE =
      Scrape.of(
          """
          # TYPE virtualip_late_seconds histogram
          virtualip_late_seconds_max{vip="a"} 0.002
          virtualip_late_seconds_max{vip="b"} 0.011
          virtualip_late_seconds_bucket{vip="a",le="0.01"} 7
          virtualip_late_seconds_bucket{vip="a",le="0.001"} 5
          virtualip_late_seconds_bucket{vip="b",le="0.01"} 3
          virtualip_turn_seconds_max 0.004
          virtualip_transitions_total{cause="Timed out",state="Master",vip="a"} 1.0
          virtualip_transitions_total{cause="Timed out",state="Master",vip="b"} 1.0
          """);

  @Test
  void theGreatestIsThatOfAllLabels() {
    assertEquals(OptionalDouble.of(0.011), BEFORE.max("virtualip_late_seconds_max"));
    assertEquals(OptionalDouble.of(0.004), BEFORE.max("virtualip_turn_seconds_max"));
  }

  @Test
  void aMetricThatIsNotThereHasNoGreatest() {
    assertEquals(OptionalDouble.empty(), BEFORE.max("virtualip_late_seconds"));
    assertEquals(OptionalDouble.empty(), BEFORE.max("virtualip_turn"));
  }

  @Test
  void aSumIsOfOneBucketOnly() {
    assertEquals(10, BEFORE.sum("virtualip_late_seconds_bucket", "le=\"0.01\""));
  }

  @Test
  void whatCountedForAnyStateAndCauseHasCounted() {
    var now =
        Scrape.of(
            """
            virtualip_transitions_total{cause="Timed out",state="Master",vip="a"} 1.0
            virtualip_transitions_total{cause="Higher priority",state="Backup",vip="b"} 1.0
            virtualip_transitions_total{cause="Timed out",state="Master",vip="b"} 1.0
            """);
    assertEquals(Set.of("b"), now.counted("virtualip_transitions_total", BEFORE));
    assertEquals(Set.of(), now.counted("virtualip_transitions_total", now));
  }
}
