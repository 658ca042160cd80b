package dev.virtualip.agent.client;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.virtualip.agent.client.Resource.Kept;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists objects, watches them, and keeps the newest version of each. It never gives up: a watch
 * that is lost is resumed where it was, with what the API server has forgotten it lists again, and
 * while the server is away the last answer holds.
 */
public final class Informer<T> implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Informer.class);

  /** Ends of watches are spread, so that not all agents come back at once. */
  private static final int WATCH_MIN_SECONDS = 300;

  private static final int WATCH_MAX_SECONDS = 600;

  /** A watch that has lasted for so long is no failure, even without an event. */
  private static final Duration LASTING = Duration.ofSeconds(5);

  private static final Duration BACK_OFF_MIN = Duration.ofMillis(250);
  private static final Duration BACK_OFF_MAX = Duration.ofSeconds(8);

  private final ApiServer api;
  private final Resource<T> resource;
  private final Listener<T> listener;
  private final Map<String, Kept<T>> store = new ConcurrentHashMap<>();
  private final Thread thread;

  /** Where to go on watching; null before a list. */
  private String version;

  /** In a row. */
  private int failures;

  /** Whether the last turn got as far as a watch, and when that began. */
  private boolean watching;

  private long watchingSince;

  private String logged = "";
  private volatile boolean synced;

  /** Called by the informer's thread; must not block. */
  public interface Listener<T> {
    /**
     * One object has changed. It is in the store already.
     *
     * @param before null of a new one
     * @param now null of a deleted one
     */
    void changed(T before, T now);

    /** All objects are known, after the changes of a list were told. */
    default void listed() {}

    /** The API server refuses, with this HTTP status. */
    default void refused(int code) {}
  }

  /** An informer that does nothing before {@link #start}. */
  public Informer(ApiServer api, Resource<T> resource, Listener<T> listener) {
    this.api = api;
    this.resource = resource;
    this.listener = listener;
    thread = Thread.ofVirtual().name("informer-" + resource.what()).unstarted(this::run);
  }

  /** Starts; returns at once, whether the API server is there or not. */
  public void start() {
    thread.start();
  }

  /** Whether there has been a first list. */
  public boolean hasSynced() {
    return synced;
  }

  /** What is kept of each object, in no order. */
  public Collection<T> list() {
    return store.values().stream().map(Kept::value).toList();
  }

  /**
   * What is kept of one object, or null.
   *
   * @param key NAME, or NAMESPACE/NAME
   */
  public T get(String key) {
    var found = store.get(key);
    return found == null ? null : found.value();
  }

  @Override
  public void close() {
    thread.interrupt();
  }

  private void run() {
    try {
      while (true) {
        Thread.sleep(turn());
      }
    } catch (InterruptedException _) {
      LOG.debug("informer_closed what={}", resource.what());
    }
  }

  /** Lists if needed, and watches; returns how long to wait before the next turn. */
  private Duration turn() throws InterruptedException {
    var asked = Duration.ZERO;
    watching = false;
    try {
      if (version == null) {
        relist();
      }
      watch();
    } catch (ApiException e) {
      asked = e.retryAfter();
      failed(e);
      if (!isBusy(e.code())) {
        version = null;
      }
      Defects.contain(() -> listener.refused(e.code()));
    } catch (IOException e) {
      failed(e);
    } catch (RuntimeException | Error e) {
      version = null;
      Defects.goOn(e);
    }
    failures = lasted() ? 1 : failures + 1;
    var wait = backOff(failures);
    return wait.compareTo(asked) < 0 ? asked : wait;
  }

  /** A server that only has too much to do has not forgotten where the watch was. */
  private static boolean isBusy(int code) {
    return code == ApiServer.TOO_MANY_REQUESTS || code == HttpURLConnection.HTTP_UNAVAILABLE;
  }

  private boolean lasted() {
    return watching && System.nanoTime() - watchingSince >= LASTING.toNanos();
  }

  /** Half of it is chance, so that not all agents come back at once. */
  static Duration backOff(int failures) {
    long longest =
        Math.min(BACK_OFF_MIN.toMillis() << Math.min(failures - 1, 10), BACK_OFF_MAX.toMillis());
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest / 2, longest + 1));
  }

  /** That a watch is lost once, or has become too old, is daily life. */
  private void failed(IOException e) {
    var text = ApiServer.reason(e);
    boolean gone = e instanceof ApiException a && a.code() == HttpURLConnection.HTTP_GONE;
    boolean usual =
        watching && (failures == 0 || lasted()) && (gone || !(e instanceof ApiException));
    if (usual || text.equals(logged)) {
      LOG.debug("watch_lost what={} error=\"{}\"", resource.what(), text);
      return;
    }
    logged = text;
    LOG.warn("watch_failed what={} error=\"{}\": trying again", resource.what(), text);
  }

  private void relist() throws IOException, InterruptedException {
    var listed = new HashMap<String, Kept<T>>();
    var at = api.list(resource, one -> listed.put(one.key(), one));
    for (var key : List.copyOf(store.keySet())) {
      if (!listed.containsKey(key)) {
        remove(key);
      }
    }
    listed.values().forEach(this::put);
    version = at;
    synced = true;
    logged = "";
    Defects.contain(listener::listed);
  }

  private void watch() throws IOException, InterruptedException {
    int seconds = ThreadLocalRandom.current().nextInt(WATCH_MIN_SECONDS, WATCH_MAX_SECONDS);
    try (var watch = api.watch(resource.watch(version, seconds))) {
      watching = true;
      watchingSince = System.nanoTime();
      for (var event = watch.next(); event != null; event = watch.next()) {
        handle(event);
        failures = 0;
        logged = "";
      }
    }
  }

  /** The type comes first from an API server, but an object of JSON has no order. */
  private void handle(String event) throws IOException {
    String type;
    try (var parser = ApiServer.JSON.createParser(event)) {
      type = to("type", parser) ? parser.getText() : "";
    }
    try (var parser = ApiServer.JSON.createParser(event)) {
      if (to("object", parser)) {
        handle(type, parser);
      }
    }
  }

  /** Goes to the value of a field; whether there is one. */
  private static boolean to(String field, JsonParser parser) throws IOException {
    Resource.expectObject(parser);
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      boolean found = parser.currentName().equals(field);
      parser.nextToken();
      if (found) {
        return true;
      }
      parser.skipChildren();
    }
    return false;
  }

  private void handle(String type, JsonParser parser) throws IOException {
    switch (type) {
      case "ADDED", "MODIFIED" -> {
        var one = resource.read(parser);
        put(one);
        version = one.resourceVersion();
      }
      case "DELETED" -> {
        var one = resource.read(parser);
        remove(one.key());
        version = one.resourceVersion();
      }
      case "BOOKMARK" ->
          version =
              Fields.ALL.read(parser).path("metadata").path("resourceVersion").asText(version);
      case "ERROR" -> {
        var status = Fields.ALL.read(parser);
        throw ApiException.of(status.path("code").asInt(), status.toString(), Duration.ZERO);
      }
      default -> parser.skipChildren();
    }
  }

  private void put(Kept<T> now) {
    var before = store.put(now.key(), now);
    if (!now.equals(before)) {
      Defects.contain(() -> listener.changed(before == null ? null : before.value(), now.value()));
    }
  }

  private void remove(String key) {
    var before = store.remove(key);
    if (before != null) {
      Defects.contain(() -> listener.changed(before.value(), null));
    }
  }
}
