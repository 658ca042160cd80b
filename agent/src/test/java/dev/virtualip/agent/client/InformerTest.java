package dev.virtualip.agent.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.client.Access.Content;
import dev.virtualip.agent.client.FakeApi.Reply;
import dev.virtualip.agent.client.FakeApi.Request;
import dev.virtualip.agent.client.FakeApi.Watcher;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import javax.net.ServerSocketFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against a server that does what servers and networks do. */
class InformerTest {
  private static final Resource<String> THINGS =
      new Resource<>(
          "things",
          "apis/g/v1/things",
          "",
          Fields.ALL,
          object -> object.path("spec").path("value").asText());

  private static final Duration PINGS = Duration.ofMillis(100);

  private final List<Watcher> watchers = new CopyOnWriteArrayList<>();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final List<Integer> refusals = new CopyOnWriteArrayList<>();
  private FakeApi server;
  private ApiServer api;
  private Informer<String> informer;

  @AfterEach
  void close() throws IOException {
    if (informer != null) {
      informer.close();
      api.close();
      server.close();
    }
  }

  private void start(Function<Request, Reply> answer) throws IOException {
    server = new FakeApi(ServerSocketFactory.getDefault(), answer, watchers::add);
    start(MockApi.at("http://" + server.address(), Content.NONE, Content.NONE, false, PINGS));
  }

  private void start(ApiServer client) {
    api = client;
    informer = new Informer<>(api, THINGS, new Told());
    informer.start();
  }

  private final class Told implements Informer.Listener<String> {
    @Override
    public void changed(String before, String now) {
      told.add(before + ">" + now);
    }

    @Override
    public void listed() {
      told.add("listed");
    }

    @Override
    public void refused(int code) {
      refusals.add(code);
    }
  }

  private static String thing(String name, int version, String value) {
    return """
    {"metadata": {"name": "%s", "resourceVersion": "%d"}, "spec": {"value": "%s"}}"""
        .formatted(name, version, value);
  }

  private static Reply list(int version, String... things) {
    return Reply.ok(
        """
        {"kind": "ThingList", "metadata": {"resourceVersion": "%d"}, "items": [%s]}"""
            .formatted(version, String.join(",", things)));
  }

  private static String event(String type, String object) {
    return "{\"type\": \"%s\", \"object\": %s}".formatted(type, object);
  }

  /** Lists of one object, and watches. */
  private static Reply oneThing(Request request) {
    return request.isWatch() ? new Reply(101, "", "") : list(7, thing("a", 5, "x"));
  }

  private Watcher watch(int number) {
    Await.until(() -> watchers.size() >= number, () -> server.requests);
    return watchers.get(number - 1);
  }

  private String since(int number) {
    return watch(number).request.parameter("resourceVersion");
  }

  private long lists() {
    return server.requests.stream().filter(request -> !request.isWatch()).count();
  }

  private void awaitTold(String... expected) {
    Await.until(() -> told.equals(List.of(expected)), () -> told);
  }

  @Test
  void whatIsListedAndWatchedIsInTheStoreAndTold() throws IOException {
    start(InformerTest::oneThing);
    assertEquals("7", since(1), "it goes on where the list was");
    assertEquals("true", watch(1).request.parameter("allowWatchBookmarks"));
    watch(1).send(event("ADDED", thing("b", 8, "y")));
    watch(1).send(event("MODIFIED", thing("a", 9, "z")));
    watch(1).send(event("DELETED", thing("b", 10, "y")));
    watch(1).send(event("OFTHEFUTURE", "[1]"));
    watch(1).send(event("MODIFIED", thing("a", 11, "w")));
    awaitTold("null>x", "listed", "null>y", "x>z", "y>null", "z>w");
    assertEquals("w", informer.get("a"));
    assertEquals(List.of("w"), List.copyOf(informer.list()));
  }

  @Test
  void aWatchThatIsDroppedGoesOnAfterTheLastEvent() throws IOException {
    start(InformerTest::oneThing);
    watch(1).send(event("MODIFIED", thing("a", 9, "y")));
    awaitTold("null>x", "listed", "x>y");
    watch(1).close();
    assertEquals("9", since(2));
    watch(2).send(event("MODIFIED", thing("a", 12, "z")));
    awaitTold("null>x", "listed", "x>y", "y>z");
    watch(2).end();
    assertEquals("12", since(3), "the same where the server ends it");
    assertEquals(1, lists());
  }

  @Test
  void afterABookmarkItGoesOnFromThere() throws IOException {
    start(InformerTest::oneThing);
    watch(1).send(event("BOOKMARK", "{\"metadata\": {\"resourceVersion\": \"100\"}}"));
    watch(1).end();
    assertEquals("100", since(2));
    assertEquals(List.of("null>x", "listed"), told);
  }

  @Test
  void halfAnEventIsNone() throws IOException {
    start(InformerTest::oneThing);
    watch(1).sendHalf(event("MODIFIED", thing("a", 9, "y")));
    watch(1).close();
    assertEquals("7", since(2));
    watch(2).send(event("MODIFIED", thing("a", 9, "y")).substring(0, 40));
    assertEquals("7", since(3));
    watch(3).send(event("MODIFIED", thing("a", 9, "y")));
    awaitTold("null>x", "listed", "x>y");
    assertEquals(1, lists());
  }

  /** What happened meanwhile is told as if it had been watched. */
  @Test
  void whatTheServerHasForgottenIsListedAgain() throws IOException {
    var lists = new AtomicInteger();
    start(
        request ->
            request.isWatch()
                ? new Reply(101, "", "")
                : lists.incrementAndGet() == 1
                    ? list(7, thing("a", 5, "x"), thing("b", 6, "y"))
                    : list(20, thing("a", 5, "x"), thing("c", 19, "z")));
    watch(1).send(event("ERROR", "{\"kind\": \"Status\", \"code\": 410, \"reason\": \"Expired\"}"));
    assertEquals("20", since(2));
    assertEquals(List.of(410), refusals);
    assertEquals(List.of("y>null", "null>z", "listed"), told.subList(3, told.size()));
  }

  @Test
  void aServerThatStopsTalkingIsLeft() throws IOException {
    start(InformerTest::oneThing);
    Await.until(() -> watch(1).pongs() > 2, () -> "no pings");
    assertEquals(1, watchers.size(), "one that answers is alive");
    watch(1).fallSilent();
    assertEquals("7", since(2));
    assertEquals(1, lists());
  }

  /** As while an API server opens the storage of a kind. */
  @Test
  void aListThatIsPutOffIsAskedForAgainAfterTheTimeThatTheServerAsksFor() throws IOException {
    var asked = new CopyOnWriteArrayList<Long>();
    start(
        request -> {
          if (!request.isWatch()) {
            asked.add(System.nanoTime());
          }
          return !request.isWatch() && asked.size() == 1
              ? new Reply(429, "Retry-After: 1\r\n", "{\"kind\": \"Status\"}")
              : oneThing(request);
        });
    awaitTold("null>x", "listed");
    assertEquals(List.of(429), refusals);
    assertTrue(asked.get(1) - asked.get(0) >= 1_000_000_000, "a second");
  }

  @Test
  void aKindThatIsNotKnownIsTriedAgainAndNeverKnown() throws IOException {
    start(_ -> new Reply(404, "", "404 page not found\n"));
    Await.until(() -> refusals.equals(List.of(404, 404)), () -> refusals);
    assertFalse(informer.hasSynced());
  }

  @Test
  void theNextTriesComeLaterAndNotAllAtOnce() {
    for (int failures = 1; failures < 100; failures++) {
      long longest = Math.min(250L << Math.min(failures - 1, 10), 8_000);
      long wait = Informer.backOff(failures).toMillis();
      assertTrue(wait >= longest / 2 && wait <= longest, failures + ": " + wait);
    }
    var waits = IntStream.range(0, 100).mapToObj(_ -> Informer.backOff(9)).distinct().count();
    assertTrue(waits > 10, "chance");
  }
}
