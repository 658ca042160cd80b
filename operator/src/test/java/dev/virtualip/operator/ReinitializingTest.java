package dev.virtualip.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.kube.LiveWatches;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the operator's client does while an API server opens the storage of a kind. */
class ReinitializingTest {
  private static final String REINITIALIZING =
      """
      {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "TooManyRequests",
       "message": "storage is (re)initializing", "code": 429}""";
  private static final String NODES =
      """
      {"kind": "NodeList", "apiVersion": "v1", "items": [{"metadata": {"name": "n"}}]}""";

  private final AtomicInteger lists = new AtomicInteger();
  private HttpServer server;

  @BeforeEach
  void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  @AfterEach
  void close() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    boolean early = lists.incrementAndGet() <= 2;
    var body = (early ? REINITIALIZING : NODES).getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(early ? 429 : 200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Test
  void aListThatIsPutOffIsAskedForAgainAndKeepsNoOperatorFromStarting() {
    var url = "http://127.0.0.1:" + server.getAddress().getPort();
    try (var client =
        new KubernetesClientBuilder()
            .withHttpClientFactory(new LiveWatches())
            .withConfig(new ConfigBuilder().withMasterUrl(url).build())
            .build()) {
      assertEquals(1, client.nodes().list().getItems().size());
      assertEquals(3, lists.get());
    }
  }
}
