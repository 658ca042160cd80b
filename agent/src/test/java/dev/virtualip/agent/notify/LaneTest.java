package dev.virtualip.agent.notify;

import static dev.virtualip.agent.notify.Lane.Result.delivered;
import static dev.virtualip.agent.notify.Lane.Result.dropped;
import static dev.virtualip.agent.notify.Lane.Result.failed;
import static dev.virtualip.agent.notify.Lane.Result.retried;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.notify.Channel.Undeliverable;
import dev.virtualip.agent.notify.Lane.Job;
import dev.virtualip.agent.notify.Lane.Patience;
import dev.virtualip.agent.notify.Lane.Result;
import dev.virtualip.crds.check.Problem;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class LaneTest {
  private static final Patience SHORT =
      new Patience(Duration.ofMillis(1), Duration.ofMillis(4), Duration.ofMinutes(1));

  private final List<Integer> told = Collections.synchronizedList(new ArrayList<>());
  private final List<Result> results = Collections.synchronizedList(new ArrayList<>());

  /** What a try comes to. */
  private interface Try {
    void run() throws IOException, InterruptedException;
  }

  private record FakeChannel(Duration limit, List<Integer> told, ArrayDeque<Try> tries)
      implements Channel {
    @Override
    public void deliver(Notification notification) throws IOException, InterruptedException {
      var next = tries.poll();
      if (next != null) {
        next.run();
      }
      told.add(notification.priority());
    }

    @Override
    public List<Problem> problems() {
      return List.of();
    }
  }

  private Channel channel(Duration limit, Try... tries) {
    return new FakeChannel(limit, told, new ArrayDeque<>(List.of(tries)));
  }

  private Channel channel(Try... tries) {
    return channel(Duration.ofSeconds(20), tries);
  }

  private Job job(int number, Channel channel) {
    var base = Notes.MASTER;
    var note =
        new Notification(
            base.type(),
            base.name(),
            base.state(),
            base.previous(),
            number,
            base.node(),
            base.reason(),
            base.addresses(),
            base.time());
    return new Job() {
      @Override
      public Notification notification() {
        return note;
      }

      @Override
      public Channel channel() {
        return channel;
      }

      @Override
      public void count(Result result) {
        results.add(result);
      }
    };
  }

  private void awaitResults(int count) {
    Await.until(() -> results.size() >= count, () -> results);
  }

  private static void fail(String message) throws IOException {
    throw new IOException(message);
  }

  @Test
  void allAreToldInOrder() {
    var lane = new Lane("test", SHORT);
    var channel = channel();
    for (int i = 0; i < 50; i++) {
      lane.offer(job(i, channel));
    }
    awaitResults(50);
    assertEquals(java.util.stream.IntStream.range(0, 50).boxed().toList(), told);
  }

  @Test
  void whatFailsIsTriedAgainBeforeTheNext() {
    var lane = new Lane("test", SHORT);
    var channel = channel(() -> fail("1"), () -> fail("2"), () -> fail("3"), () -> fail("4"));
    lane.offer(job(1, channel));
    lane.offer(job(2, channel));
    awaitResults(6);
    assertEquals(List.of(1, 2), told);
    assertEquals(List.of(retried, retried, retried, retried, delivered, delivered), results);
  }

  @Test
  void whatCannotWorkIsNotTriedAgain() {
    var lane = new Lane("test", SHORT);
    var channel =
        channel(
            () -> {
              throw new Undeliverable("no such user");
            });
    lane.offer(job(1, channel));
    lane.offer(job(2, channel));
    awaitResults(2);
    assertEquals(List.of(2), told);
    assertEquals(List.of(failed, delivered), results);
  }

  @Test
  void aDefectIsAFailureAndTheLaneGoesOn() {
    var lane = new Lane("test", SHORT);
    var channel =
        channel(
            () -> {
              throw new IllegalStateException("a defect, on purpose");
            });
    lane.offer(job(1, channel));
    lane.offer(job(2, channel));
    awaitResults(2);
    assertEquals(List.of(failed, delivered), results);
  }

  @Test
  void patienceEnds() {
    var lane =
        new Lane("test", new Patience(Duration.ofMillis(1), Duration.ofMillis(1), Duration.ZERO));
    lane.offer(job(1, channel(() -> fail("away"))));
    awaitResults(1);
    assertEquals(List.of(failed), results);
  }

  @Test
  void aHungOneIsInterruptedAtItsLimit() {
    var lane = new Lane("test", SHORT);
    var never = new CountDownLatch(1);
    lane.offer(job(1, channel(Duration.ofMillis(20), never::await)));
    awaitResults(2);
    assertEquals(List.of(retried, delivered), results);
  }

  @Test
  void whileOneHangsTheOldestThatWaitAreDropped() {
    var lane = new Lane("test", SHORT);
    var hung = new CountDownLatch(1);
    var begun = new CountDownLatch(1);
    var channel =
        channel(
            () -> {
              begun.countDown();
              hung.await();
            });
    lane.offer(job(0, channel));
    Await.until(() -> begun.getCount() == 0, () -> "not begun");
    for (int i = 1; i <= Lane.WAITING_MAX + 2; i++) {
      lane.offer(job(i, channel));
    }
    assertEquals(List.of(dropped, dropped), results);
    hung.countDown();
    awaitResults(Lane.WAITING_MAX + 3);
    assertEquals(List.of(0, 3, 4), told.subList(0, 3));
    assertEquals(Lane.WAITING_MAX + 2, told.getLast());
  }

  @Test
  void oneLaneDoesNotWaitForAnother() {
    var hung = new CountDownLatch(1);
    new Lane("hung", SHORT).offer(job(1, channel(hung::await)));
    new Lane("fine", SHORT).offer(job(2, channel()));
    awaitResults(1);
    assertEquals(List.of(2), told);
    hung.countDown();
  }

  @Test
  void whatNobodyWantsAnyMoreIsDropped() {
    var lane = new Lane("test", SHORT);
    lane.offer(job(1, null));
    awaitResults(1);
    assertEquals(List.of(dropped), results);
  }

  @Test
  void atTheEndEachIsTriedOnceMoreWithoutAPause() throws InterruptedException {
    var lane =
        new Lane(
            "test", new Patience(Duration.ofHours(1), Duration.ofHours(1), Duration.ofHours(1)));
    var channel = channel(() -> fail("away"), () -> fail("still away"));
    lane.offer(job(1, channel));
    lane.offer(job(2, channel));
    awaitResults(1);
    lane.close();
    assertTrue(lane.awaitIdle(System.nanoTime() + Duration.ofSeconds(20).toNanos()));
    assertEquals(List.of(retried, failed, delivered), results);
  }

  @Test
  void aDefectEndsOneNotificationAndNotTheLane() throws InterruptedException {
    var lane = new Lane("test", SHORT);
    var channel =
        channel(
            () -> {
              throw new AssertionError("on purpose");
            });
    var job = job(2, channel);
    lane.offer(job(1, channel));
    lane.offer(
        new Job() {
          @Override
          public Notification notification() {
            return job.notification();
          }

          @Override
          public Channel channel() {
            return channel;
          }

          @Override
          public void count(Result result) {
            throw new AssertionError("on purpose");
          }
        });
    lane.offer(job(3, channel));
    awaitResults(2);
    assertEquals(List.of(failed, delivered), results);
    assertEquals(List.of(2, 3), told);
    assertTrue(lane.awaitIdle(System.nanoTime() + 20_000_000_000L));
  }
}
