package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.agent.Await;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against an API server that is not there yet with all that it has. */
class InformersTest {
  private static final String REINITIALIZING =
      """
      {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "TooManyRequests",
       "message": "storage is (re)initializing", "code": 429}""";
  private static final String NODES =
      """
      {"kind": "NodeList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
       "items": [{"metadata": {"name": "n", "resourceVersion": "1"}}]}""";

  private final AtomicInteger lists = new AtomicInteger();
  private HttpServer server;
  private KubernetesClient client;

  @BeforeEach
  void listen(@TempDir Path dir) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    var kubeconfig =
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
        users: [{name: u, user: {}}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """
            .formatted(server.getAddress().getPort());
    client = ApiServer.client(Files.writeString(dir.resolve("kubeconfig"), kubeconfig));
  }

  @AfterEach
  void close() {
    client.close();
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    if (exchange.getRequestURI().getPath().endsWith("/virtualippools")) {
      // As an API server answers that does not know the kind.
      var body = "404 page not found\n".getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
      exchange.sendResponseHeaders(404, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
      return;
    }
    boolean list = !exchange.getRequestURI().toString().contains("watch=true");
    boolean early = !list || lists.incrementAndGet() <= 2;
    var body = (early ? REINITIALIZING : NODES).getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(early ? 429 : 200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Test
  void withWhatCodeTheServerRefusesIsTold() {
    var ofPools = new CopyOnWriteArrayList<Integer>();
    var ofNodes = new CopyOnWriteArrayList<Integer>();
    try (var pools = client.genericKubernetesResources(ApiServer.POOLS).runnableInformer(0);
        var nodes = client.nodes().runnableInformer(0)) {
      Informers.startForEver(nodes, "nodes", ofNodes::add);
      Await.until(() -> nodes.getStore().getByKey("n") != null, lists::get);
      Informers.startForEver(pools, "virtualippools", ofPools::add);
      Await.until(() -> !ofPools.isEmpty(), () -> ofPools);
      assertEquals(Set.of(404), Set.copyOf(ofPools), "a kind that it does not know");
      assertEquals(Set.of(429), Set.copyOf(ofNodes), "too many requests");
      assertFalse(pools.hasSynced());
    }
  }

  @Test
  void aListThatAServerPutsOffWhileItOpensItsStorageIsAskedForAgain() {
    try (var informer = client.nodes().runnableInformer(0)) {
      Informers.startForEver(informer, "nodes");
      Await.until(() -> informer.getStore().getByKey("n") != null, lists::get);
      assertEquals(3, lists.get());
    }
  }
}
