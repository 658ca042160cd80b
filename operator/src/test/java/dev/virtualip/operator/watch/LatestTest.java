package dev.virtualip.operator.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LatestTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  private final Latest latest = new Latest();

  private static Service version(String uid, int version) {
    return new ServiceBuilder()
        .withNewMetadata()
        .withUid(uid)
        .withResourceVersion("" + version)
        .endMetadata()
        .build();
  }

  private List<String> seen(Service... cached) {
    return latest.of(Service.class, Stream.of(cached), NOW).stream()
        .map(s -> s.getMetadata().getUid() + s.getMetadata().getResourceVersion())
        .toList();
  }

  @Test
  void anAnswerCountsUntilTheCacheHasIt() {
    latest.put(version("a", 10), false, NOW);
    assertEquals(List.of("a10"), seen(version("a", 9)));
    assertEquals(List.of("a11"), seen(version("a", 11)));
    assertEquals(List.of("a9"), seen(version("a", 9)), "it is forgotten");
  }

  @Test
  void whatWasMadeIsThereBeforeTheCacheKnows() {
    latest.put(version("a", 10), true, NOW);
    assertEquals(List.of("a10"), seen());
    assertEquals(List.of("a10"), seen(version("a", 10)));
    assertEquals(List.of(), seen(), "it has gone");
  }

  @Test
  void whatTheCacheLacksAfterAnEditHasGone() {
    latest.put(version("a", 10), false, NOW);
    assertEquals(List.of(), seen());
  }

  @Test
  void anAnswerCountsForHalfAMinuteAtMost() {
    latest.put(version("a", 10), true, NOW.minusSeconds(31));
    assertEquals(List.of(), seen());
  }
}
