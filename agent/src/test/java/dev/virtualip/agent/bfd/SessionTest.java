package dev.virtualip.agent.bfd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.bfd.Session.Event;
import java.util.List;
import org.junit.jupiter.api.Test;

/** RFC 5880 6.8, clause by clause. */
class SessionTest {
  private static final long MS = 1_000_000L;
  private static final Timing TIMING = new Timing(50 * MS, 3);

  private Session session = Session.create(7, TIMING, 0);
  private long now;
  private List<ControlPacket> packets = List.of();

  private void on(Event event) {
    var step = session.step(event, now, 1 - 1e-9);
    session = step.session();
    packets = step.packets();
  }

  private void receive(SessionState state, int yours) {
    receive(packet(state, yours, false, false, 3, 50 * MS, 50 * MS));
  }

  private void receive(ControlPacket packet) {
    on(new Event.Received(packet));
  }

  private static ControlPacket packet(
      SessionState state,
      int yours,
      boolean poll,
      boolean answer,
      int multiplier,
      long minTx,
      long minRx) {
    return new ControlPacket(0, state, poll, answer, false, multiplier, 9, yours, minTx, minRx);
  }

  private void expire() {
    now = session.deadline();
    on(new Event.TimerExpired());
  }

  private void comeUp() {
    receive(SessionState.Down, 0);
    receive(SessionState.Init, 7);
    assertEquals(SessionState.Up, session.state());
  }

  private void answerPoll() {
    receive(packet(SessionState.Up, 7, false, true, 3, 50 * MS, 50 * MS));
  }

  @Test
  void threeWaysLeadUp() {
    receive(SessionState.Down, 0);
    assertEquals(SessionState.Init, session.state());
    assertEquals(9, packets.getFirst().yours(), "the other end learns its discriminator at once");
    receive(SessionState.Down, 7);
    assertEquals(SessionState.Init, session.state());
    receive(SessionState.Up, 7);
    assertEquals(SessionState.Up, session.state());
  }

  @Test
  void upIsNotBelievedFromDown() {
    receive(SessionState.Up, 7);
    assertEquals(SessionState.Down, session.state());
  }

  @Test
  void slowWhileNotUp() {
    expire();
    assertEquals(SessionState.Down, packets.getFirst().state());
    assertEquals(Session.SLOW, packets.getFirst().minTx());
    long interval = session.deadline() - now;
    assertTrue(interval > 749 * MS && interval <= 1_000 * MS, () -> interval + " ns");
  }

  @Test
  void theChangeToTheFastIntervalIsPolled() {
    comeUp();
    assertTrue(packets.getFirst().poll());
    assertEquals(50 * MS, packets.getFirst().minTx());
    expire();
    assertTrue(packets.getFirst().poll());
    answerPoll();
    expire();
    assertFalse(packets.getFirst().poll());
    assertTrue(session.sendAt() - now <= 50 * MS);
  }

  @Test
  void aPollIsAnsweredAtOnceWhateverTheTimer() {
    comeUp();
    long sendAt = session.sendAt();
    now += MS;
    receive(packet(SessionState.Up, 7, true, false, 3, 50 * MS, 50 * MS));
    assertTrue(packets.getFirst().answer());
    assertFalse(packets.getFirst().poll(), "P and F exclude each other");
    assertEquals(sendAt, session.sendAt());
  }

  @Test
  void theDetectionTimeIsTheOtherEndsMultiplierByTheSlowerInterval() {
    comeUp();
    answerPoll();
    receive(packet(SessionState.Up, 7, false, false, 5, 20 * MS, 50 * MS));
    assertEquals(250 * MS, session.detection());
    receive(packet(SessionState.Up, 7, false, false, 5, 100 * MS, 50 * MS));
    assertEquals(500 * MS, session.detectAt() - now);
  }

  @Test
  void theSlowerOfBothEndsSetsTheInterval() {
    comeUp();
    receive(packet(SessionState.Up, 7, false, true, 3, 50 * MS, 200 * MS));
    expire();
    assertTrue(session.sendAt() - now > 149 * MS);
  }

  @Test
  void silenceEndsItAndSaysWhy() {
    comeUp();
    answerPoll();
    long detectAt = session.detectAt();
    while (session.state() == SessionState.Up) {
      expire();
    }
    assertEquals(detectAt, now);
    assertEquals(ControlPacket.DETECTION_TIME_EXPIRED, session.diagnostic());
    assertEquals(SessionState.Down, packets.getFirst().state());
    assertEquals(0, packets.getFirst().yours(), "the other end may come back as another");
  }

  @Test
  void theOtherEndMayEndIt() {
    comeUp();
    receive(SessionState.Down, 7);
    assertEquals(SessionState.Down, session.state());
    assertEquals(ControlPacket.NEIGHBOUR_SAID_DOWN, session.diagnostic());
    comeUp();
    receive(SessionState.AdminDown, 7);
    assertEquals(SessionState.Down, session.state());
  }

  @Test
  void whoIsDisabledSaysSoAndHearsNothingMore() {
    comeUp();
    on(new Event.Disabled());
    assertEquals(SessionState.AdminDown, packets.getFirst().state());
    assertEquals(ControlPacket.ADMINISTRATIVELY_DOWN, packets.getFirst().diagnostic());
    assertEquals(Session.NEVER, session.deadline());
    receive(SessionState.Down, 7);
    assertEquals(SessionState.AdminDown, session.state());
  }

  /** RFC 5880 6.8.3: a longer interval has to be agreed on, or the other end would miss packets. */
  @Test
  void aLongerIntervalWaitsForItsPoll() {
    comeUp();
    answerPoll();
    on(new Event.TimingChanged(new Timing(400 * MS, 3)));
    assertEquals(400 * MS, packets.getFirst().minTx());
    assertTrue(packets.getFirst().poll());
    assertTrue(session.sendAt() - now <= 50 * MS, "still at the old interval");
    answerPoll();
    expire();
    assertTrue(session.sendAt() - now > 299 * MS);
  }

  @Test
  void aShorterIntervalToReceiveWaitsForItsPoll() {
    comeUp();
    answerPoll();
    on(new Event.TimingChanged(new Timing(10 * MS, 3)));
    receive(packet(SessionState.Up, 7, false, false, 3, 10 * MS, 10 * MS));
    assertEquals(150 * MS, session.detection());
    receive(packet(SessionState.Up, 7, false, true, 3, 10 * MS, 10 * MS));
    assertEquals(30 * MS, session.detection());
  }

  @Test
  void aChangeDuringAPollWaitsForItsEnd() {
    comeUp();
    on(new Event.TimingChanged(new Timing(100 * MS, 3)));
    assertEquals(50 * MS, session.offered().minTx());
    answerPoll();
    assertEquals(100 * MS, packets.getFirst().minTx());
    assertTrue(packets.getFirst().poll());
  }

  @Test
  void whoWantsNoPacketsGetsNone() {
    comeUp();
    receive(packet(SessionState.Up, 7, false, true, 3, 50 * MS, 0));
    assertEquals(Session.NEVER, session.sendAt());
    receive(packet(SessionState.Up, 7, false, false, 3, 50 * MS, 50 * MS));
    assertTrue(session.sendAt() - now <= 50 * MS);
  }

  /** RFC 5880 6.8.7: 75 to 100 %, and to 90 % where one lost packet ends the session. */
  @Test
  void theJitterIsThatOfTheRfc() {
    for (int multiplier : new int[] {1, 3}) {
      for (double random : new double[] {0, 1}) {
        var next =
            Session.create(7, new Timing(50 * MS, multiplier), 0)
                .step(new Event.TimerExpired(), 0, random)
                .session();
        double expected = random == 0 ? 0.75 : multiplier == 1 ? 0.9 : 1;
        assertEquals(expected, next.sendAt() / (double) Session.SLOW, 1e-6);
      }
    }
  }
}
