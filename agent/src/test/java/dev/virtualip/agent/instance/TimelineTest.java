package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.agent.instance.Timeline.Part;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.Transition;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimelineTest {
  private static final long MS = 1_000_000;
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00.123456789Z");

  private final Timeline timeline = new Timeline();

  private void takeOver(long seen) {
    timeline.begin(seen, seen + MS / 10);
    timeline.reached(Part.Advert, seen + MS / 2);
    timeline.reached(Part.Bound, seen + 2 * MS);
    timeline.reached(Part.Announced, seen + 3 * MS);
    timeline.entered(NOON, State.Backup, State.Master, "MasterDown", seen + 5 * MS);
  }

  @Test
  void aTakeoverHasItsPartsInTheirOrderCountedFromItsCause() {
    takeOver(7_000);
    assertEquals(
        List.of(
            new Transition(
                "2026-01-01T12:00:00.123Z",
                State.Backup,
                State.Master,
                "MasterDown",
                "5.00ms: decided 0.10ms, advert 0.50ms, bound 2.00ms, announced 3.00ms")),
        timeline.history());
  }

  @Test
  void whoeverLeavesResignsAndReleasesInTheOrderInWhichItDid() {
    timeline.begin(0, 0);
    timeline.reached(Part.Released, MS);
    timeline.reached(Part.Resigned, 2 * MS);
    timeline.entered(NOON, State.Master, State.Fault, "CheckFailed(nginx)", 2 * MS);
    assertEquals(
        "2.00ms: decided 0.00ms, released 1.00ms, resigned 2.00ms",
        timeline.history().getFirst().took());
  }

  @Test
  void theFirstTimeCounts() {
    timeline.begin(0, 0);
    timeline.reached(Part.Advert, MS);
    timeline.reached(Part.Advert, 9 * MS);
    var change = timeline.entered(NOON, State.Backup, State.Master, "Preempted", 9 * MS);
    assertEquals(MS, change.parts().get(Part.Advert));
  }

  @Test
  void aStepThatChangesNoStateLeavesNothing() {
    takeOver(0);
    timeline.reached(Part.Advert, 1_000 * MS);
    timeline.reached(Part.Bound, 1_001 * MS);
    assertEquals(1, timeline.history().size());
    timeline.begin(2_000 * MS, 2_000 * MS);
    timeline.entered(NOON, State.Master, State.Backup, "LateWakeUp", 2_000 * MS);
    assertEquals("0.00ms: decided 0.00ms", timeline.history().getFirst().took());
  }

  @Test
  void aReleaseThatWaitsForTheSuccessorIsAddedWhenItIsDone() {
    timeline.begin(0, 0);
    timeline.reached(Part.Resigned, MS);
    timeline.entered(NOON, State.Master, State.Backup, "HandedOver(Upgrade)", MS);
    var change = timeline.releasedLater(700 * MS);
    assertEquals(700 * MS, change.parts().get(Part.Released));
    assertEquals(
        "700.00ms: decided 0.00ms, resigned 1.00ms, released 700.00ms",
        timeline.history().getFirst().took());
    assertNull(timeline.releasedLater(900 * MS), "once");
  }

  @Test
  void anotherReasonForTheSameStateIsNoChange() {
    timeline.begin(0, 0);
    assertNull(timeline.entered(NOON, State.Fault, State.Fault, "LinkDown(eth1)", 0));
    assertEquals(List.of(), timeline.history());
  }

  @Test
  void theNewestTenAreKeptNewestFirst() {
    for (int i = 0; i < 12; i++) {
      timeline.begin(0, 0);
      timeline.entered(NOON.plusSeconds(i), State.Init, State.Backup, "Started", 0);
    }
    var history = timeline.history();
    assertEquals(10, history.size());
    assertEquals("2026-01-01T12:00:11.123Z", history.getFirst().at());
    assertEquals("2026-01-01T12:00:02.123Z", history.getLast().at());
  }

  @Test
  void aClockThatIsReadOutOfOrderGivesNoNegativeTime() {
    timeline.begin(5 * MS, 4 * MS);
    timeline.entered(NOON, State.Init, State.Backup, "Started", 4 * MS);
    assertEquals("0.00ms: decided 0.00ms", timeline.history().getFirst().took());
  }

  @Test
  void aDurationIsInMillisecondsWithHundredths() {
    assertEquals("0.00ms", Timeline.text(4_999));
    assertEquals("0.01ms", Timeline.text(5_000));
    assertEquals("1.09ms", Timeline.text(1_090_000));
    assertEquals("3609.38ms", Timeline.text(3_609_375_000L));
  }
}
