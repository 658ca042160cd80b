package dev.virtualip.e2e.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.Probe.Sample;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ServiceTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private static Instant at(long millis) {
    return START.plusMillis(millis);
  }

  private static Sample answered(long millis, long took, String host) {
    return new Sample(at(millis), true, Duration.ofMillis(took), host);
  }

  private static Sample failed(long millis) {
    return new Sample(at(millis), false, Duration.ofSeconds(1), "timed out");
  }

  @Test
  void anOutageLastsFromOneAnswerToTheNext() {
    var service =
        Service.of(List.of(answered(0, 1, "a"), failed(5), failed(10), answered(700, 2, "b")));
    assertEquals(Duration.ofMillis(701), service.longestOutage(at(3), at(800)));
    assertEquals(Optional.of(at(702)), service.firstBy("b", at(3)));
  }

  @Test
  void aQuestionThatWaitedForItsAnswerWasNotServedBefore() {
    var service =
        Service.of(List.of(answered(0, 0, "a"), answered(5, 700, "b"), answered(710, 0, "b")));
    assertEquals(Duration.ofMillis(705), service.longestOutage(at(3), at(720)));
  }

  @Test
  void anOutageThatGoesOnLastsUntilTheEnd() {
    var service = Service.of(List.of(answered(0, 0, "a"), failed(5)));
    assertEquals(Duration.ofMillis(900), service.longestOutage(at(3), at(900)));
    assertEquals(Optional.empty(), service.firstBy("b", at(3)));
  }

  @Test
  void earlierAndLaterOutagesDoNotCount() {
    var service =
        Service.of(
            List.of(
                answered(0, 0, "a"),
                answered(500, 0, "a"),
                answered(505, 0, "a"),
                answered(550, 0, "b"),
                answered(990, 0, "b")));
    assertEquals(Duration.ofMillis(45), service.longestOutage(at(501), at(551)));
  }
}
