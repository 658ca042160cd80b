package dev.virtualip.e2e.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.Owners.Change;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class HoldingTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant FAULT = START.plusMillis(1_000);
  private static final Instant END = START.plusMillis(10_000);

  private static Change put(long millis, String host, String address) {
    return new Change(START.plusMillis(millis), host, address, true);
  }

  private static Change gone(long millis, String host, String address) {
    return new Change(START.plusMillis(millis), host, address, false);
  }

  private static Holding of(Change... changes) {
    return Holding.of(List.of(changes), List.of("x", "y"), FAULT, END);
  }

  private static Holding expected(long two, long none, boolean twoAtEnd) {
    return new Holding(Duration.ofMillis(two), Duration.ofMillis(none), twoAtEnd);
  }

  @Test
  void aHandOverLeavesAGap() {
    assertEquals(
        expected(0, 700, false),
        of(
            put(10, "a", "x"),
            put(10, "a", "y"),
            gone(1_300, "a", "x"),
            gone(1_300, "a", "y"),
            put(2_000, "b", "x"),
            put(2_000, "b", "y")));
  }

  @Test
  void aLeaseThatEndsLateOverlaps() {
    assertEquals(
        expected(500, 0, false),
        of(
            put(10, "a", "x"),
            put(10, "a", "y"),
            put(4_500, "b", "x"),
            put(4_500, "b", "y"),
            gone(5_000, "a", "x"),
            gone(4_700, "a", "y")));
  }

  @Test
  void twoOwnersAtTheEndAreToldAsSuch() {
    assertEquals(
        expected(8_000, 0, true),
        of(
            put(10, "a", "x"),
            put(10, "a", "y"),
            put(2_000, "b", "x"),
            put(2_000, "b", "y"),
            gone(2_500, "a", "y"),
            gone(10_500, "a", "x")));
  }

  @Test
  void theWorstOfAllAddressesCountsForEachOfTheTwo() {
    assertEquals(
        expected(400, 9_000, false),
        of(put(10, "a", "x"), put(1_500, "b", "x"), gone(1_900, "a", "x")));
  }

  @Test
  void whatWasBeforeTheFaultDoesNotCount() {
    assertEquals(
        expected(0, 0, false),
        of(put(10, "b", "x"), put(10, "a", "y"), put(100, "a", "x"), gone(900, "b", "x")));
  }
}
