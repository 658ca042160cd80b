package dev.virtualip.log;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DefectsTest {
  private final List<String> counted = new CopyOnWriteArrayList<>();

  @BeforeEach
  void count() {
    Defects.countBy(counted::add);
  }

  @AfterEach
  void countNoMore() {
    Defects.countBy(_ -> {});
  }

  private static void fail() {
    throw new AssertionError("on purpose");
  }

  @Test
  void whoeverContainsADefectGoesOn() throws InterruptedException {
    var done = new CopyOnWriteArrayList<String>();
    Thread.ofVirtual()
        .name("check-nginx")
        .start(
            () -> {
              Defects.contain(DefectsTest::fail);
              done.add("next");
            })
        .join();
    assertEquals(List.of("next"), done);
    assertEquals(List.of("check"), counted);
  }

  @Test
  void theyAreCountedByTheFirstWordOfTheThread() {
    for (var name : List.of("notify email of web", "receive-eth0", "vrrp", "")) {
      Defects.goOn(Thread.ofVirtual().name(name).unstarted(() -> {}), new AssertionError());
    }
    assertEquals(List.of("notify", "receive", "vrrp", "unnamed"), counted);
  }
}
