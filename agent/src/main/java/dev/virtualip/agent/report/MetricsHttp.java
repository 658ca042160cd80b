package dev.virtualip.agent.report;

import dev.virtualip.log.Defects;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves {@code /metrics} to the network, and nothing else. Whoever reaches the node may connect,
 * so all is bounded: {@value #CONNECTIONS} connections of one request each, {@value #REQUEST_MAX}
 * bytes of request, 10 s for all of it, and one page made in a second. The probes of the kubelet
 * have {@link AgentHttp}, which nobody can fill from outside.
 */
public final class MetricsHttp implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MetricsHttp.class);
  static final int CONNECTIONS = 16;
  static final int REQUEST_MAX = 8_192;
  private static final Duration RETRY = Duration.ofSeconds(5);
  private static final long PAGE_NANOS = Duration.ofSeconds(1).toNanos();

  private final InetSocketAddress listen;
  private final Supplier<String> metrics;
  private final LongSupplier clock;
  private final Duration timeMax;
  private final Semaphore connections = new Semaphore(CONNECTIONS);
  private final Thread thread = Thread.ofVirtual().name("metrics").unstarted(this::run);
  private ServerSocket server;
  private boolean closed;
  private byte[] page;
  private long pageAt;

  private MetricsHttp(
      InetSocketAddress listen, Supplier<String> metrics, LongSupplier clock, Duration timeMax) {
    this.listen = listen;
    this.metrics = metrics;
    this.clock = clock;
    this.timeMax = timeMax;
  }

  /**
   * Starts serving. While the node does not have the address, it tries again every 5 s.
   *
   * @param metrics makes the page
   * @param clock nanoseconds
   */
  public static MetricsHttp start(
      InetSocketAddress listen, Supplier<String> metrics, LongSupplier clock) {
    return start(listen, metrics, clock, Duration.ofSeconds(10));
  }

  static MetricsHttp start(
      InetSocketAddress listen, Supplier<String> metrics, LongSupplier clock, Duration timeMax) {
    var http = new MetricsHttp(listen, metrics, clock, timeMax);
    http.thread.start();
    return http;
  }

  /** The port, or 0 while it does not listen. */
  synchronized int port() {
    return server == null ? 0 : server.getLocalPort();
  }

  private void run() {
    boolean told = false;
    try {
      while (true) {
        try (var socket = new ServerSocket()) {
          socket.setReuseAddress(true);
          socket.bind(listen, CONNECTIONS);
          told = false;
          serve(socket);
        } catch (IOException e) {
          if (isClosed()) {
            return;
          }
          if (!told) {
            LOG.warn(
                "metrics_not_served listen={} error=\"{}\": trying again", listen, e.getMessage());
          }
          told = true;
        }
        Thread.sleep(RETRY);
      }
    } catch (InterruptedException _) {
      LOG.debug("metrics_closed");
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private void serve(ServerSocket socket) throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
      server = socket;
    }
    while (true) {
      var client = socket.accept();
      if (connections.tryAcquire()) {
        Thread.ofVirtual().name("metrics-client").start(() -> limit(client));
      } else {
        client.close();
      }
    }
  }

  /** Answers a client, and ends its connection when its time is over. */
  private void limit(Socket client) {
    var answering = Thread.ofVirtual().name("metrics-answer").unstarted(() -> answer(client));
    try {
      answering.start();
      answering.join(timeMax);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      try {
        client.close();
      } catch (IOException e) {
        LOG.debug("metrics_client_not_closed error=\"{}\"", e.getMessage());
      }
      connections.release();
    }
  }

  private void answer(Socket client) {
    try {
      boolean known = request(client).startsWith("GET /metrics ");
      var body = known ? page() : "not found\n".getBytes(StandardCharsets.UTF_8);
      var head =
          "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                  .formatted(known ? "200 OK" : "404 Not Found")
              + "Content-Length: %d\r\nConnection: close\r\n\r\n".formatted(body.length);
      client.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      client.getOutputStream().write(body);
    } catch (IOException e) {
      LOG.debug("metrics_not_sent error=\"{}\"", e.getMessage());
    } catch (RuntimeException | Error e) {
      Defects.goOn(e);
    }
  }

  /** The request with its headers; a longer one, or one that ends early, is refused. */
  private static String request(Socket client) throws IOException {
    var in = client.getInputStream();
    var bytes = new byte[REQUEST_MAX];
    var text = "";
    for (int length = 0; !text.contains("\r\n\r\n"); ) {
      int read = in.read(bytes, length, bytes.length - length);
      if (read <= 0) {
        throw new IOException("no whole request in " + length + " bytes");
      }
      length += read;
      text = new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
    }
    return text;
  }

  private synchronized byte[] page() {
    long now = clock.getAsLong();
    if (page == null || now - pageAt >= PAGE_NANOS) {
      page = metrics.get().getBytes(StandardCharsets.UTF_8);
      pageAt = now;
    }
    return page;
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    thread.interrupt();
  }
}
