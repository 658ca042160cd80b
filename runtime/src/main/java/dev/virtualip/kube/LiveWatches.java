package dev.virtualip.kube;

import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/**
 * HTTP clients that ping their watches. If a server vanishes, or a firewall has forgotten the
 * connection, a watch only looks idle, and the client would notice after minutes. Here a watch
 * without an answer for 5 s to 10 s fails, and so is started again.
 */
public final class LiveWatches extends JdkHttpClientFactory {
  private static final ScheduledExecutorService TIMER =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("watch-pings").factory());

  private final long periodMillis;

  /** Clients that ping every 5 s. */
  public LiveWatches() {
    this(Duration.ofSeconds(5));
  }

  LiveWatches(Duration period) {
    this.periodMillis = period.toMillis();
  }

  @Override
  protected HttpClient.Builder createNewHttpClientBuilder() {
    var builder = super.createNewHttpClientBuilder();
    return (HttpClient.Builder)
        Proxy.newProxyInstance(
            HttpClient.Builder.class.getClassLoader(),
            new Class<?>[] {HttpClient.Builder.class},
            (proxy, method, arguments) -> {
              try {
                var result = method.invoke(builder, arguments);
                return result == builder
                    ? proxy
                    : result instanceof HttpClient client ? new Pinging(client) : result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** A listener that notes each sign of life of the server. */
  private final class Heard implements WebSocket.Listener {
    private final WebSocket.Listener listener;
    private volatile boolean heard = true;
    private volatile ScheduledFuture<?> pings;

    Heard(WebSocket.Listener listener) {
      this.listener = listener;
    }

    private void ping(WebSocket socket) {
      if (heard) {
        heard = false;
        socket.sendPing(ByteBuffer.allocate(0));
        return;
      }
      socket.abort();
      onError(socket, new IOException("the API server does not answer on this connection"));
    }

    @Override
    public void onOpen(WebSocket socket) {
      listener.onOpen(socket);
      pings =
          TIMER.scheduleAtFixedRate(
              () -> Defects.contain(() -> ping(socket)),
              periodMillis,
              periodMillis,
              TimeUnit.MILLISECONDS);
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      heard = true;
      return listener.onText(socket, data, last);
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
      heard = true;
      return listener.onBinary(socket, data, last);
    }

    @Override
    public CompletionStage<?> onPing(WebSocket socket, ByteBuffer message) {
      heard = true;
      return listener.onPing(socket, message);
    }

    @Override
    public CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
      heard = true;
      return listener.onPong(socket, message);
    }

    private void stopPings() {
      if (pings != null) {
        pings.cancel(false);
      }
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      stopPings();
      return listener.onClose(socket, code, reason);
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      stopPings();
      listener.onError(socket, error);
    }
  }

  /** Delegates to the JDK's client, except for web sockets, which are pinged. */
  private final class Pinging extends HttpClient {
    private final HttpClient client;

    Pinging(HttpClient client) {
      this.client = client;
    }

    @Override
    public WebSocket.Builder newWebSocketBuilder() {
      var builder = client.newWebSocketBuilder();
      return new WebSocket.Builder() {
        @Override
        public WebSocket.Builder header(String name, String value) {
          builder.header(name, value);
          return this;
        }

        @Override
        public WebSocket.Builder connectTimeout(Duration timeout) {
          builder.connectTimeout(timeout);
          return this;
        }

        @Override
        public WebSocket.Builder subprotocols(String most, String... lesser) {
          builder.subprotocols(most, lesser);
          return this;
        }

        @Override
        public CompletableFuture<WebSocket> buildAsync(URI uri, WebSocket.Listener listener) {
          return builder.buildAsync(uri, new Heard(listener));
        }
      };
    }

    @Override
    public Optional<CookieHandler> cookieHandler() {
      return client.cookieHandler();
    }

    @Override
    public Optional<Duration> connectTimeout() {
      return client.connectTimeout();
    }

    @Override
    public Redirect followRedirects() {
      return client.followRedirects();
    }

    @Override
    public Optional<ProxySelector> proxy() {
      return client.proxy();
    }

    @Override
    public SSLContext sslContext() {
      return client.sslContext();
    }

    @Override
    public SSLParameters sslParameters() {
      return client.sslParameters();
    }

    @Override
    public Optional<Authenticator> authenticator() {
      return client.authenticator();
    }

    @Override
    public Version version() {
      return client.version();
    }

    @Override
    public Optional<Executor> executor() {
      return client.executor();
    }

    @Override
    public <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> body)
        throws IOException, InterruptedException {
      return client.send(request, body);
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(
        HttpRequest request, HttpResponse.BodyHandler<T> body) {
      return client.sendAsync(request, body);
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(
        HttpRequest request,
        HttpResponse.BodyHandler<T> body,
        HttpResponse.PushPromiseHandler<T> pushes) {
      return client.sendAsync(request, body, pushes);
    }
  }
}
