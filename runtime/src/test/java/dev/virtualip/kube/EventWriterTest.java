package dev.virtualip.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EventWriterTest {
  private static final ObjectReference WEB =
      new ObjectReferenceBuilder()
          .withApiVersion("virtualip.dev/v1alpha1")
          .withKind("VirtualIP")
          .withName("web")
          .withUid("u")
          .build();

  private record Request(String method, String path, String body) {}

  private final LinkedBlockingQueue<Request> requests = new LinkedBlockingQueue<>();
  private final Queue<Integer> answers = new ConcurrentLinkedQueue<>();

  private ApiCall.Answer answer(String method, String path, String type, String body)
      throws IOException {
    // First the answer: who has seen the request may already set the next one.
    int code = Objects.requireNonNullElse(answers.poll(), 200);
    requests.add(new Request(method, path, body));
    if (code == 0) {
      throw new IOException("no connection");
    }
    assertTrue(code > 0, "a defect on purpose");
    return new ApiCall.Answer(code, "");
  }

  private Request next() throws InterruptedException {
    return requests.poll(10, TimeUnit.SECONDS);
  }

  @Test
  void anEventOfAnObjectWithoutNamespaceIsWrittenInTheDefaultOne() throws InterruptedException {
    try (var writer = EventWriter.start(this::answer, "virtualip-agent", "node-a")) {
      writer.record(WEB, true, "Fault", "node-a: Fault (CheckFailed(nginx))");
      var request = next();
      assertEquals(
          "POST api/v1/namespaces/default/events", request.method() + " " + request.path());
      var event = Serialization.unmarshal(request.body(), Event.class);
      assertEquals(WEB, event.getInvolvedObject());
      assertTrue(event.getMetadata().getName().matches("web\\.[0-9a-f]{16}"));
      assertEquals(
          "Warning Fault node-a: Fault (CheckFailed(nginx)) 1 virtualip-agent node-a",
          String.join(
              " ",
              event.getType(),
              event.getReason(),
              event.getMessage(),
              event.getCount().toString(),
              event.getSource().getComponent(),
              event.getSource().getHost()));
    }
  }

  @Test
  void anEqualOneRaisesTheCountOfTheFirst() throws InterruptedException {
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, false, "Master", "m");
      var name = Serialization.unmarshal(next().body(), Event.class).getMetadata().getName();
      writer.record(WEB, false, "Backup", "b");
      assertEquals("POST", next().method());
      writer.record(WEB, false, "Master", "m");
      var again = next();
      assertEquals("PATCH", again.method());
      assertEquals("api/v1/namespaces/default/events/" + name, again.path());
      assertTrue(again.body().contains("\"count\":2"), again.body());
    }
  }

  @Test
  void whatFlapsRaisesTheCountOnceASecondAtMost() throws InterruptedException {
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, true, "ServerDown", "m");
      assertEquals("POST", next().method());
      for (int i = 0; i < 1_000; i++) {
        writer.record(WEB, true, "ServerDown", "m", " " + i);
      }
      int patches = 1;
      while (!next().body().contains("\"count\":1001")) {
        patches++;
      }
      assertTrue(patches <= 3, "more than one a second");
    }
  }

  @Test
  void oneThatDiffersInADetailOnlyIsTheSameWithThatDetail() throws InterruptedException {
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, false, "Master", "m", " (took 1ms)");
      assertTrue(next().body().contains("m (took 1ms)"));
      writer.record(WEB, false, "Master", "m", " (took 2ms)");
      var again = next();
      assertEquals("PATCH", again.method());
      assertTrue(again.body().contains("m (took 2ms)"), again.body());
    }
  }

  @Test
  void oneWhoseFirstHasExpiredIsWrittenAnew() throws InterruptedException {
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, false, "Master", "m");
      next();
      answers.add(404);
      writer.record(WEB, false, "Master", "m");
      assertEquals("PATCH", next().method());
      assertEquals("POST", next().method());
    }
  }

  /** An API server that starts refuses at first whom it does not know yet. */
  @Test
  void whatAServerThatStartsRefusesIsSaidAgain() throws InterruptedException {
    answers.addAll(List.of(403, 500));
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, false, "Master", "m");
      var first = next().body();
      assertEquals(first, next().body());
      assertEquals(first, next().body());
      answers.add(403);
      writer.record(WEB, false, "Master", "m");
      assertEquals("PATCH", next().method());
      assertEquals("PATCH", next().method());
    }
  }

  @Test
  void withoutAServerTheyWait() throws InterruptedException {
    answers.add(0);
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, false, "Master", "m");
      assertEquals(next().body(), next().body());
    }
  }

  @Test
  void whatIsLeftIsWrittenAtTheEnd() {
    var writer = EventWriter.start(this::answer, "c", "h");
    writer.record(WEB, false, "Init", "AgentStopped");
    writer.close(System.nanoTime() + 30_000_000_000L);
    assertEquals(1, requests.size());
  }

  @Test
  void aServerThatNeverAnswersIsNotWaitedForBeyondTheEnd() throws InterruptedException {
    var entered = new Semaphore(0);
    var writer =
        EventWriter.start(
            (_, _, _, _) -> {
              entered.release();
              new Semaphore(0).acquire();
              throw new IllegalStateException();
            },
            "c",
            "h");
    writer.record(WEB, false, "Init", "AgentStopped");
    entered.acquire();
    long past = System.nanoTime();
    writer.close(past);
    assertTrue(System.nanoTime() - past < 250_000_000L, "the 300 ms of the operator's");
  }

  @Test
  void aDefectKeepsNoOtherFromBeingWritten() throws InterruptedException {
    answers.add(-1);
    try (var writer = EventWriter.start(this::answer, "c", "h")) {
      writer.record(WEB, false, "Master", "m");
      assertTrue(next().body().contains("Master"));
      writer.record(WEB, false, "Backup", "b");
      assertTrue(next().body().contains("Backup"));
    }
  }

  /** At the start of many VirtualIPs what makes the Events has more to do than writing them. */
  @Test
  void theFirstAfterAWhileMayWaitForMore() throws InterruptedException {
    long began = System.nanoTime();
    var company = Duration.ofMillis(300);
    try (var writer = EventWriter.start(this::answer, "c", "h", company)) {
      writer.record(WEB, false, "Init", "i");
      writer.record(WEB, false, "Init", "i");
      var event = Serialization.unmarshal(next().body(), Event.class);
      assertEquals(2, event.getCount());
      assertTrue(System.nanoTime() - began >= company.toNanos(), "it has waited");
    }
  }
}
