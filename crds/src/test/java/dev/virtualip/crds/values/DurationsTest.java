package dev.virtualip.crds.values;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
  @ParameterizedTest
  @CsvSource({
    "0s, 0",
    "10ms, 10",
    "1s, 1000",
    "1.5s, 1500",
    "1m30s, 90000",
    "1h, 3600000",
    "40.95s, 40950",
    "87600h, 315360000000"
  })
  void durationsAreParsed(String text, long millis) {
    assertEquals(Duration.ofMillis(millis), Durations.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "1", "s", "-1s", "1 s", "1us", "1d", "1,5s", ".5s", "1s ", "99999999999h"})
  void otherTextsAreRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0s", "10ms", "1s", "255s", "40950ms", "1h", "90s"})
  void whatIsFormattedParsesToTheSame(String text) {
    assertEquals(text, Durations.format(Durations.parse(text)));
  }
}
