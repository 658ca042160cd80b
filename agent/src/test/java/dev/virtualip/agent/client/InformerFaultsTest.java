package dev.virtualip.agent.client;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.client.Access.Content;
import dev.virtualip.agent.client.FakeApi.Reply;
import dev.virtualip.agent.client.FakeApi.Request;
import dev.virtualip.agent.client.FakeApi.Watcher;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ServerSocketFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever goes wrong on the way, the store ends as the server is, and so does what was told. */
class InformerFaultsTest {
  private static final int CHANGES = 100;
  private static final int NAMES = 8;
  private static final Resource<String> THINGS =
      new Resource<>(
          "things", "api/v1/things", "", Fields.ALL, object -> object.path("value").asText());

  /** The server's objects and what happened to them; guarded by this. */
  private final Map<String, String> objects = new TreeMap<>();

  private final List<String> events = new ArrayList<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private int compacted;
  private Random chance;
  private Watcher watcher;
  private final Map<String, String> told = new ConcurrentSkipListMap<>();

  private static String object(String name, int version, String value) {
    return """
    {"metadata": {"name": "%s", "resourceVersion": "%d"}, "value": "%s"}"""
        .formatted(name, version, value);
  }

  private synchronized Reply answer(Request request) {
    requests.add(request);
    if (chance.nextInt(12) == 0) {
      int code = List.of(429, 500, 503, 410).get(chance.nextInt(4));
      return Reply.refusal(code, "Chance");
    }
    if (request.isWatch()) {
      return new Reply(101, "", "");
    }
    var items = String.join(",", objects.values());
    var list =
        "{\"metadata\": {\"resourceVersion\": \"%d\"}, \"items\": [%s]}"
            .formatted(events.size(), items);
    boolean torn = chance.nextInt(8) == 0;
    return Reply.ok(torn ? list.substring(0, chance.nextInt(list.length())) : list);
  }

  /** From the version that is asked for, or an error if that is forgotten. */
  private synchronized void watched(Watcher on) {
    int since = Integer.parseInt(on.request.parameter("resourceVersion"));
    if (since < compacted) {
      on.send("{\"type\": \"ERROR\", \"object\": {\"kind\": \"Status\", \"code\": 410}}");
      return;
    }
    if (watcher != null) {
      watcher.close();
    }
    watcher = on;
    events.subList(since, events.size()).forEach(this::tell);
  }

  /** Each event may be the one at which something goes wrong. */
  private void tell(String event) {
    if (watcher == null) {
      return;
    }
    // So rare that the client does not back off for longer than a test waits.
    switch (chance.nextInt(60)) {
      case 0 -> watcher.close();
      case 1 -> watcher.end();
      case 2 -> {
        watcher.sendHalf(event);
        watcher.close();
      }
      case 3 -> {
        compacted = events.size();
        watcher.close();
      }
      case 4 -> watcher.fallSilent();
      default -> {
        watcher.send(event);
        return;
      }
    }
    watcher = null;
  }

  private synchronized void change() {
    int version = events.size() + 1;
    var name = "thing-" + chance.nextInt(NAMES);
    var type = objects.containsKey(name) ? "MODIFIED" : "ADDED";
    var now = object(name, version, "v" + version);
    if (type.equals("MODIFIED") && chance.nextInt(3) == 0) {
      type = "DELETED";
      objects.remove(name);
    } else {
      objects.put(name, now);
    }
    events.add("{\"type\": \"%s\", \"object\": %s}".formatted(type, now));
    tell(events.getLast());
  }

  /** What the client asked last. */
  private List<String> asked() {
    var targets = requests.stream().map(Request::target).toList();
    return targets.subList(Math.max(0, targets.size() - 20), targets.size());
  }

  private synchronized List<String> values() {
    return objects.values().stream()
        .map(text -> text.replaceFirst("(?s).*\"value\": \"(v[0-9]+)\".*", "$1"))
        .sorted()
        .toList();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theStoreEndsAsTheServerIs(long seed) throws IOException {
    chance = new Random(seed);
    try (var server = new FakeApi(ServerSocketFactory.getDefault(), this::answer, this::watched);
        var api =
            MockApi.at(
                "http://" + server.address(),
                Content.NONE,
                Content.NONE,
                false,
                Duration.ofMillis(500));
        var informer = new Informer<>(api, THINGS, this::told)) {
      informer.start();
      for (int i = 0; i < CHANGES; i++) {
        change();
        if (i % 25 == 0) {
          // Some faults meet a client that is up to date, and others one that is behind.
          Await.until(informer::hasSynced, () -> server.requests);
          awaitSame(informer, seed);
        }
      }
      awaitSame(informer, seed);
      Await.until(() -> List.copyOf(told.keySet()).equals(values()), () -> told);
    }
  }

  private void awaitSame(Informer<String> informer, long seed) {
    Await.until(
        () -> informer.list().stream().sorted().toList().equals(values()),
        () -> "seed %d: %s instead of %s: %s".formatted(seed, informer.list(), values(), asked()));
  }

  /** What it would have that believes what it is told. */
  private void told(String before, String now) {
    if (before != null) {
      told.remove(before);
    }
    if (now != null) {
      told.put(now, now);
    }
  }
}
