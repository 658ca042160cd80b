package dev.virtualip.agent.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What anybody who reaches the node can do to it by its metrics. */
class MetricsHttpTest {
  private static final long SECOND = 1_000_000_000L;
  private final AtomicInteger made = new AtomicInteger();
  private final AtomicLong now = new AtomicLong();
  private MetricsHttp http;

  private void start(Duration timeMax) {
    var any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    http = MetricsHttp.start(any, () -> "page " + made.incrementAndGet() + "\n", now::get, timeMax);
    Await.until(() -> http.port() > 0, () -> "not listening");
  }

  @AfterEach
  void close() {
    http.close();
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), http.port());
  }

  private String get(String path) throws IOException {
    try (var socket = connect()) {
      var request = "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "refused: " + e.getMessage();
    }
  }

  @Test
  void metricsAreServedAndNothingElse() throws IOException {
    start(Duration.ofSeconds(10));
    assertTrue(get("/metrics").endsWith("\r\n\r\npage 1\n"));
    assertTrue(get("/status").startsWith("HTTP/1.1 404 "));
  }

  @Test
  void aGreedyClientIsGivenOnePageASecond() throws IOException {
    start(Duration.ofSeconds(10));
    for (int i = 0; i < 50; i++) {
      assertTrue(get("/metrics").endsWith("page 1\n"));
    }
    now.addAndGet(SECOND);
    assertTrue(get("/metrics").endsWith("page 2\n"));
  }

  @Test
  void aSlowClientHasItsTimeAndThenOthersAreServed() throws IOException {
    start(Duration.ofMillis(300));
    var slow = new ArrayList<Socket>();
    for (int i = 0; i < 2 * MetricsHttp.CONNECTIONS; i++) {
      slow.add(connect());
    }
    for (var socket : slow) {
      try (socket) {
        assertEquals(-1, read(socket), "all are ended");
      }
    }
    Await.until(() -> served(), () -> "still busy");
  }

  /** As long as sixteen have time left, nobody else has a thread or a file of the agent. */
  @Test
  void noMoreThanSixteenAreListenedTo() throws IOException {
    start(Duration.ofSeconds(60));
    var slow = new ArrayList<Socket>();
    try {
      for (int i = 0; i < MetricsHttp.CONNECTIONS; i++) {
        slow.add(connect());
      }
      Await.until(() -> !served(), () -> "a seventeenth is served");
    } finally {
      for (var socket : slow) {
        socket.close();
      }
    }
    Await.until(() -> served(), () -> "still busy");
  }

  private static int read(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read();
    } catch (SocketException _) {
      return -1;
    }
  }

  private boolean served() {
    try {
      return get("/metrics").startsWith("HTTP/1.1 200 ");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aLongRequestIsRefused() throws IOException {
    start(Duration.ofSeconds(10));
    var answer = get("/" + "a".repeat(MetricsHttp.REQUEST_MAX));
    assertTrue(!answer.contains("HTTP/1.1"), answer);
    assertTrue(served());
  }
}
