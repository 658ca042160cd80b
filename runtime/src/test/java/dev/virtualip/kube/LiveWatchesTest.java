package dev.virtualip.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.WebSocket;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server of web sockets that answers pings, until it does not. */
class LiveWatchesTest {
  private static final int PING = 0x89;
  private static final byte[] PONG = {(byte) 0x8A, 0};

  private final CountDownLatch threePongs = new CountDownLatch(3);
  private final CompletableFuture<Throwable> error = new CompletableFuture<>();
  private ServerSocket server;
  private volatile boolean answers = true;

  @BeforeEach
  void listen() throws IOException {
    server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::serve);
  }

  @AfterEach
  void close() throws IOException {
    server.close();
  }

  private void serve() {
    try (var socket = server.accept()) {
      shakeHands(socket);
      var in = socket.getInputStream();
      for (int b = in.read(); b >= 0; b = in.read()) {
        if (b == PING && answers) {
          in.skipNBytes(5); // length 0 and the mask
          socket.getOutputStream().write(PONG);
          threePongs.countDown();
        }
      }
    } catch (IOException | NoSuchAlgorithmException e) {
      error.completeExceptionally(e);
    }
  }

  private static void shakeHands(Socket socket) throws IOException, NoSuchAlgorithmException {
    var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), "US-ASCII"));
    var key = "";
    for (var line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
      key = line.startsWith("Sec-WebSocket-Key: ") ? line.substring(19) : key;
    }
    var accepted = (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes("US-ASCII");
    var digest = MessageDigest.getInstance("SHA-1").digest(accepted);
    var answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: %s\r\n\r\n"
                .formatted(Base64.getEncoder().encodeToString(digest));
    socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void aWatchOfAServerThatFallsSilentFails() throws Exception {
    HttpClient.Factory factory = new LiveWatches(Duration.ofMillis(50));
    try (var client = factory.newBuilder().build()) {
      client
          .newWebSocketBuilder()
          .uri(URI.create("ws://127.0.0.1:" + server.getLocalPort() + "/"))
          .buildAsync(
              new WebSocket.Listener() {
                @Override
                public void onError(WebSocket socket, Throwable cause) {
                  error.complete(cause);
                }
              })
          .get(10, TimeUnit.SECONDS);
      assertTrue(threePongs.await(10, TimeUnit.SECONDS), "pings go on");
      assertEquals(false, error.isDone(), "a server that answers is alive");
      answers = false;
      assertEquals(
          "the API server does not answer on this connection",
          error.get(10, TimeUnit.SECONDS).getMessage());
    }
  }
}
