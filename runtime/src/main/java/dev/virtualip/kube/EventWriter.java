package dev.virtualip.kube;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.ObjectReference;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Kubernetes Events. Callers never wait. Equal Events within ten minutes become one Event
 * whose count is raised once a second at most, as {@code kubectl describe} expects. While the API
 * server is away Events wait; beyond 1,000 of them the oldest are dropped.
 */
public final class EventWriter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EventWriter.class);
  private static final JsonMapper JSON = new JsonMapper();
  private static final int MAX = 1_000;
  private static final int MESSAGE_MAX = 1_000;
  private static final Duration SAME = Duration.ofMinutes(10);

  /** How often the count of an Event is raised at most: what it is about may flap. */
  private static final long RAISE_NANOS = Duration.ofSeconds(1).toNanos();

  private static final Set<Integer> LATER = Set.of(401, 403, 408, 429);
  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration FLUSH = Duration.ofMillis(300);

  /** Namespace of Events about objects without a namespace. */
  public static final String DEFAULT_NAMESPACE = "default";

  private final Sender sender;
  private final String component;
  private final String host;
  private final long companyNanos;
  private final Map<Said, Occurred> waiting = new LinkedHashMap<>();
  private final Map<Said, Written> written =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Said, Written> eldest) {
          return size() > MAX;
        }
      };
  private final Thread thread = Thread.ofVirtual().name("events").unstarted(this::run);

  /** Until when what is waiting waits for more. */
  private long dueNanos;

  private boolean closing;
  private boolean failing;

  /** Sends a request, see {@link ApiCall#send}. */
  @FunctionalInterface
  public interface Sender {
    /**
     * @throws IOException if there is no answer
     */
    ApiCall.Answer send(String method, String path, String contentType, String body)
        throws IOException, InterruptedException;
  }

  private record Said(ObjectReference about, String type, String reason, String message) {}

  /**
   * An Event as it was written.
   *
   * @param last its lastTimestamp
   */
  private record Written(String path, int count, Instant last, long nanos) {}

  private record Occurred(int times, Instant first, Instant last, String detail) {}

  private EventWriter(Sender sender, String component, String host, Duration company) {
    this.sender = sender;
    this.component = component;
    this.host = host;
    companyNanos = company.toNanos();
  }

  /**
   * Starts a writer.
   *
   * @param component name of the program that the Events come from
   * @param host node or pod that it runs on
   */
  public static EventWriter start(Sender sender, String component, String host) {
    return start(sender, component, host, Duration.ZERO);
  }

  /**
   * Starts a writer that lets Events wait for more of them.
   *
   * @param component name of the program that the Events come from
   * @param host node or pod that it runs on
   * @param company how long the first Event after a while waits for more: they have the time of
   *     what happened, and whatever made them may have more to do in this moment
   */
  public static EventWriter start(Sender sender, String component, String host, Duration company) {
    var writer = new EventWriter(sender, component, host, company);
    writer.thread.start();
    return writer;
  }

  /**
   * Records an Event; never waits.
   *
   * @param about the object, with its UID
   * @param warning whether it is of the type Warning, else Normal
   * @param reason one word in camel case
   */
  public void record(ObjectReference about, boolean warning, String reason, String message) {
    record(about, warning, reason, message, "");
  }

  /**
   * Records an Event with a detail. Events that differ only in their detail become one, with the
   * last detail.
   *
   * @param detail text that is appended to the message
   */
  public synchronized void record(
      ObjectReference about, boolean warning, String reason, String message, String detail) {
    var text = message.length() > MESSAGE_MAX ? message.substring(0, MESSAGE_MAX) : message;
    var said = new Said(about, warning ? "Warning" : "Normal", reason, text);
    var now = Instant.now();
    if (waiting.isEmpty()) {
      dueNanos = System.nanoTime() + companyNanos;
    }
    waiting.merge(
        said,
        new Occurred(1, now, now, detail),
        (before, _) -> new Occurred(before.times() + 1, before.first(), now, detail));
    if (waiting.size() > MAX) {
      waiting.remove(waiting.keySet().iterator().next());
    }
    notifyAll();
  }

  /** Writes the waiting Events, for at most 300 ms, and ends. */
  @Override
  public void close() {
    close(System.nanoTime() + FLUSH.toNanos());
  }

  /**
   * Writes the waiting Events, and ends.
   *
   * @param endNanos System.nanoTime at which it ends even if some are left
   */
  public void close(long endNanos) {
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, endNanos - System.nanoTime());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    thread.interrupt();
  }

  private void run() {
    try {
      for (var next = next(); next != null; next = next()) {
        try {
          write(next.getKey(), next.getValue());
        } catch (RuntimeException | Error e) {
          // Not tried again: an Event that cannot be written would block all others.
          Defects.goOn(e);
        }
      }
    } catch (InterruptedException _) {
      LOG.debug("event_writer_closed");
    }
  }

  private synchronized Map.Entry<Said, Occurred> next() throws InterruptedException {
    while (!waiting.isEmpty() || !closing) {
      long now = System.nanoTime();
      if (!closing && dueNanos - now > 0) {
        wait(Math.ceilDiv(dueNanos - now, 1_000_000));
        continue;
      }
      var first =
          waiting.keySet().stream()
              .filter(said -> waitNanos(said, now) <= 0)
              .findFirst()
              .or(
                  () ->
                      waiting.keySet().stream()
                          .min(Comparator.comparingLong(said -> waitNanos(said, now))));
      if (first.isEmpty()) {
        wait();
      } else if (waitNanos(first.get(), now) > 0) {
        wait(Math.ceilDiv(waitNanos(first.get(), now), 1_000_000));
      } else {
        return Map.entry(first.get(), waiting.remove(first.get()));
      }
    }
    return null;
  }

  private long waitNanos(Said said, long now) {
    var before = written.get(said);
    return closing || before == null ? 0 : before.nanos() + RAISE_NANOS - now;
  }

  private void write(Said said, Occurred occurred) throws InterruptedException {
    try {
      var again = again(said, occurred);
      var answer = again.isPresent() ? again.get() : create(said, occurred);
      if (answer.ok()) {
        failing = false;
        return;
      }
      failed(said, answer.toString());
      // 400 and similar errors are permanent. A server that starts answers 401, 403 and 500 for a
      // moment.
      boolean later = answer.code() >= 500 || LATER.contains(answer.code());
      if (later && occurred.last().plus(SAME).isAfter(Instant.now())) {
        putBack(said, occurred);
      }
    } catch (IOException e) {
      failed(said, e.toString().lines().findFirst().orElse(""));
      putBack(said, occurred);
    }
  }

  /**
   * Raises the count of an equal Event written before.
   *
   * @return the answer, or empty if there is no such Event
   */
  private Optional<ApiCall.Answer> again(Said said, Occurred occurred)
      throws IOException, InterruptedException {
    var before = written.get(said);
    if (before == null) {
      return Optional.empty();
    }
    if (before.last().plus(SAME).isBefore(occurred.last())) {
      return Optional.empty();
    }
    int count = before.count() + occurred.times();
    var patch =
        Map.of(
            "count",
            count,
            "lastTimestamp",
            seconds(occurred.last()),
            "message",
            said.message() + occurred.detail());
    var answer =
        sender.send("PATCH", before.path(), ApiCall.MERGE_PATCH, JSON.writeValueAsString(patch));
    if (answer.code() == HttpURLConnection.HTTP_NOT_FOUND) {
      return Optional.empty();
    }
    if (answer.ok()) {
      written.put(said, new Written(before.path(), count, occurred.last(), System.nanoTime()));
    }
    return Optional.of(answer);
  }

  private ApiCall.Answer create(Said said, Occurred occurred)
      throws IOException, InterruptedException {
    var about = said.about();
    var name = about.getName() + "." + Long.toHexString(nanos(occurred.first()));
    var namespace = Objects.requireNonNullElse(about.getNamespace(), DEFAULT_NAMESPACE);
    var path = "api/v1/namespaces/" + namespace + "/events";
    var event = event(said, occurred, namespace, name).toString();
    var answer = sender.send("POST", path, ApiCall.JSON, event);
    if (answer.ok()) {
      written.put(
          said,
          new Written(path + "/" + name, occurred.times(), occurred.last(), System.nanoTime()));
    }
    return answer;
  }

  private static long nanos(Instant time) {
    return ChronoUnit.NANOS.between(Instant.EPOCH, time);
  }

  /** Field by field: Jackson would load the classes of all that an Event might have. */
  private ObjectNode event(Said said, Occurred occurred, String namespace, String name) {
    var event = JSON.createObjectNode();
    event.put("apiVersion", "v1").put("kind", "Event");
    event.putObject("metadata").put("name", name).put("namespace", namespace);
    var about = said.about();
    var object = event.putObject("involvedObject");
    putIfSet(object, "apiVersion", about.getApiVersion());
    putIfSet(object, "kind", about.getKind());
    putIfSet(object, "namespace", about.getNamespace());
    putIfSet(object, "name", about.getName());
    putIfSet(object, "uid", about.getUid());
    putIfSet(object, "resourceVersion", about.getResourceVersion());
    putIfSet(object, "fieldPath", about.getFieldPath());
    event.put("type", said.type()).put("reason", said.reason());
    event.put("message", said.message() + occurred.detail());
    event.put("firstTimestamp", seconds(occurred.first()));
    event.put("lastTimestamp", seconds(occurred.last()));
    event.put("count", occurred.times());
    event.putObject("source").put("component", component).put("host", host);
    event.put("reportingComponent", "virtualip.dev/" + component);
    event.put("reportingInstance", host);
    return event;
  }

  private static void putIfSet(ObjectNode object, String name, String value) {
    if (value != null) {
      object.put(name, value);
    }
  }

  private static String seconds(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private void failed(Said said, String error) {
    if (!failing) {
      LOG.warn(
          "event_not_written about={} reason={} error=\"{}\"",
          said.about().getName(),
          said.reason(),
          error);
    }
    failing = true;
  }

  private void putBack(Said said, Occurred occurred) throws InterruptedException {
    synchronized (this) {
      if (closing) {
        return;
      }
      waiting.merge(
          said,
          occurred,
          (later, _) ->
              new Occurred(
                  later.times() + occurred.times(),
                  occurred.first(),
                  later.last(),
                  later.detail()));
    }
    Thread.sleep(RETRY);
  }
}
