package dev.virtualip.agent.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.agent.client.Resource.Kept;
import dev.virtualip.kube.ApiCall;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API server, as the agent talks to it. Timeouts are short, since each caller tries again by
 * itself. Token and certificates are read again each minute, and at once where the server refuses
 * them or shows a certificate that is not trusted.
 */
public final class ApiServer implements AutoCloseable {
  /** For what comes from the API server. */
  static final JsonMapper JSON = new JsonMapper();

  static final int TOO_MANY_REQUESTS = 429;

  private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);
  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** For a whole list: a server sends it from its storage, and there may be thousands. */
  private static final Duration LIST = Duration.ofSeconds(30);

  private static final Duration PING = Duration.ofSeconds(5);
  private static final long REREAD_NANOS = Duration.ofMinutes(1).toNanos();
  private static final int ERROR_MAX = 64 << 10;

  private final Access access;
  private final Duration pings;
  private Session session;

  /** The client for credentials as they were read. */
  private record Session(HttpClient http, Credentials credentials, long readAtNanos) {
    HttpRequest.Builder request(URI uri) {
      var builder = HttpRequest.newBuilder(uri).header("Accept", ApiCall.JSON);
      authorize(builder::header);
      return builder;
    }

    void authorize(BiConsumer<String, String> header) {
      if (credentials.token() != null) {
        header.accept("Authorization", "Bearer " + credentials.token());
      }
    }
  }

  /** One way to ask, which may be asked twice. */
  private interface Attempt<T> {
    CompletableFuture<T> send(Session session);
  }

  ApiServer(Access access, Duration pings) {
    this.access = access;
    this.pings = pings;
  }

  /**
   * A client that has sent no request yet.
   *
   * @param kubeconfig null for the file that kubectl would use, or else the pod's service account
   * @throws IOException if the file does not say where the API server is and as whom to speak to
   *     it; the message says what to do
   */
  public static ApiServer of(Path kubeconfig) throws IOException {
    return new ApiServer(Access.of(kubeconfig, System.getenv()), PING);
  }

  /**
   * Sends a request with a body.
   *
   * @param path path below the server's root, without a leading slash
   * @throws IOException if there is no answer within 5 s, or the server does not serve the path
   */
  public ApiCall.Answer send(String method, String path, String contentType, String body)
      throws IOException, InterruptedException {
    var answer =
        answer(
            session ->
                session
                    .request(access.request(path))
                    .header("Content-Type", contentType)
                    .method(method, HttpRequest.BodyPublishers.ofString(body))
                    .build());
    return ApiCall.Answer.of(answer.code(), answer.body(), path);
  }

  /**
   * Reads an object.
   *
   * @throws ApiException if there is none, or it may not be read
   * @throws IOException if there is no answer within 5 s
   */
  public JsonNode get(String path) throws IOException, InterruptedException {
    var answer = answer(session -> session.request(access.request(path)).build());
    if (!answer.ok()) {
      throw ApiException.of(answer.code(), answer.body(), Duration.ZERO);
    }
    return JSON.readTree(answer.body());
  }

  private ApiCall.Answer answer(Function<Session, HttpRequest> request)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + ANSWER.toNanos();
    while (true) {
      var got = exchange(request, HttpResponse.BodyHandlers.ofString(), end);
      var wait = retryAfter(got);
      if (wait.isZero() || System.nanoTime() + wait.toNanos() - end > 0) {
        return new ApiCall.Answer(got.statusCode(), got.body());
      }
      Thread.sleep(wait);
    }
  }

  /**
   * Reads what is kept of each object.
   *
   * @throws ApiException if they may not be read
   * @throws IOException if they do not come within 30 s
   */
  public <T> List<T> list(Resource<T> resource) throws IOException, InterruptedException {
    var all = new ArrayList<T>();
    list(resource, one -> all.add(one.value()));
    return all;
  }

  /**
   * Reads a list, one object at a time.
   *
   * @return the list's resourceVersion
   */
  <T> String list(Resource<T> resource, Consumer<Kept<T>> each)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + LIST.toNanos();
    var got =
        exchange(
            session -> session.request(access.request(resource.list())).build(),
            HttpResponse.BodyHandlers.ofInputStream(),
            end);
    var overdue = new CompletableFuture<Void>().orTimeout(left(end), TimeUnit.NANOSECONDS);
    try (var in = got.body()) {
      overdue.exceptionally(
          _ -> {
            close(in);
            return null;
          });
      if (got.statusCode() != HttpURLConnection.HTTP_OK) {
        var body = new String(in.readNBytes(ERROR_MAX), StandardCharsets.UTF_8);
        throw ApiException.of(got.statusCode(), body, retryAfter(got));
      }
      return resource.readList(in, each);
    } finally {
      overdue.complete(null);
    }
  }

  private static void close(InputStream in) {
    try {
      in.close();
    } catch (IOException e) {
      LOG.debug("list_not_closed", e);
    }
  }

  /** Opens a watch. The caller has to close it. */
  Watch watch(String path) throws IOException, InterruptedException {
    var watch = new Watch(pings);
    boolean opened = false;
    try {
      attempt(
          session -> {
            var builder = session.http().newWebSocketBuilder().connectTimeout(CONNECT);
            // kube-apiserver refuses web sockets without an origin, with 403; any will do.
            builder.header("Origin", access.request("").toString());
            session.authorize(builder::header);
            return builder.buildAsync(access.webSocket(path), watch);
          },
          System.nanoTime() + ANSWER.toNanos());
      opened = true;
    } catch (WebSocketHandshakeException e) {
      var answer = e.getResponse();
      throw ApiException.of(answer.statusCode(), String.valueOf(answer.body()), retryAfter(answer));
    } finally {
      if (!opened) {
        watch.close();
      }
    }
    return watch;
  }

  private <T> HttpResponse<T> exchange(
      Function<Session, HttpRequest> request, HttpResponse.BodyHandler<T> body, long end)
      throws IOException, InterruptedException {
    Attempt<HttpResponse<T>> attempt =
        session -> session.http().sendAsync(request.apply(session), body);
    var used = session();
    try {
      var got = awaited(attempt.send(used), end);
      if (!isUnauthorized(got) || !isRenewed(used)) {
        return got;
      }
      if (got.body() instanceof InputStream in) {
        close(in);
      }
    } catch (SSLException e) {
      if (!isRenewed(used)) {
        throw e;
      }
    }
    return awaited(attempt.send(session()), end);
  }

  private <T> T attempt(Attempt<T> attempt, long end) throws IOException, InterruptedException {
    var used = session();
    try {
      return awaited(attempt.send(used), end);
    } catch (WebSocketHandshakeException e) {
      if (!isUnauthorized(e.getResponse()) || !isRenewed(used)) {
        throw e;
      }
    } catch (SSLException e) {
      if (!isRenewed(used)) {
        throw e;
      }
    }
    return awaited(attempt.send(session()), end);
  }

  private static boolean isUnauthorized(HttpResponse<?> answer) {
    return answer.statusCode() == HttpURLConnection.HTTP_UNAUTHORIZED;
  }

  private static <T> T awaited(CompletableFuture<T> answer, long end)
      throws IOException, InterruptedException {
    try {
      return answer.get(left(end), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("the API server does not answer in time", e);
    } finally {
      answer.cancel(true);
    }
  }

  private static long left(long end) {
    return Math.max(0, end - System.nanoTime());
  }

  /** How long a server that has too much to do asks to wait; at least a second if it asks. */
  private static Duration retryAfter(HttpResponse<?> answer) {
    int code = answer.statusCode();
    var asked = answer.headers().firstValue("Retry-After");
    boolean busy = code == TOO_MANY_REQUESTS || code == HttpURLConnection.HTTP_UNAVAILABLE;
    if (!busy || asked.isEmpty()) {
      return Duration.ZERO;
    }
    // It may be a date too, which no API server writes.
    boolean seconds = asked.get().matches("[0-9]{1,4}");
    return Duration.ofSeconds(seconds ? Math.max(1, Integer.parseInt(asked.get())) : 1);
  }

  private synchronized Session session() throws IOException {
    if (session == null || System.nanoTime() - session.readAtNanos() > REREAD_NANOS) {
      renew();
    }
    return session;
  }

  /** Whether there are other credentials than those that were used in vain. */
  private synchronized boolean isRenewed(Session used) throws IOException {
    return session != used || renew();
  }

  private boolean renew() throws IOException {
    var before = session;
    Credentials read;
    try {
      read = access.credentials();
    } catch (IOException e) {
      if (before == null) {
        throw e;
      }
      LOG.warn("credentials_not_read error=\"{}\": going on with those from before", reason(e));
      read = before.credentials();
    }
    boolean same = before != null && before.credentials().equals(read);
    boolean keep = before != null && before.credentials().areOfTheSameTls(read);
    session = new Session(keep ? before.http() : http(read), read, System.nanoTime());
    return !same;
  }

  private HttpClient http(Credentials credentials) throws IOException {
    // With HTTP/2 every request would go into the same pooled connection, even to a dead server.
    var builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .executor(virtualThreads());
    access.proxy().ifPresent(builder::proxy);
    if (access.isEncrypted()) {
      builder.sslContext(Tls.context(credentials, access.insecure()));
    }
    return builder.build();
  }

  private static Executor virtualThreads() {
    return task -> Thread.ofVirtual().name("api-client").start(task);
  }

  /** The first line of what an error says, or its cause if it has no words itself. */
  static String reason(Throwable error) {
    var cause = error;
    while (cause.getMessage() == null && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof ApiException
        ? cause.getMessage()
        : cause.toString().lines().findFirst().orElse("");
  }

  /** Ends what is being sent. */
  @Override
  public synchronized void close() {
    if (session != null) {
      session.http().shutdownNow();
    }
  }
}
