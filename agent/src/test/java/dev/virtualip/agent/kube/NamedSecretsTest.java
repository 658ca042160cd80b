package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.agent.Await;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.client.MockApi;
import io.fabric8.kubernetes.api.model.Secret;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server that grants get of a Secret and nothing else, as RBAC does. */
class NamedSecretsTest {
  private static final String PATH = "/api/v1/namespaces/virtualip-system/secrets/";

  private final Map<String, String> values = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final AtomicInteger changes = new AtomicInteger();
  private volatile boolean failing;
  private HttpServer server;
  private ApiServer client;
  private NamedSecrets secrets;

  @BeforeEach
  void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    var url = "http://127.0.0.1:" + server.getAddress().getPort();
    client = MockApi.at(url);
    secrets =
        new NamedSecrets(
            client, "virtualip-system", changes::incrementAndGet, Duration.ofMillis(20));
    secrets.start();
  }

  @AfterEach
  void close() {
    secrets.close();
    client.close();
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    var uri = exchange.getRequestURI().toString();
    requests.add(uri);
    var name = uri.startsWith(PATH) ? uri.substring(PATH.length()) : "";
    int code =
        failing
            ? 500
            : name.isEmpty() || name.equals("forbidden")
                ? 403
                : values.containsKey(name) ? 200 : 404;
    var body =
        code == 200
            ? "{\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"data\": {\"k\": \"%s\"}}"
                .formatted(values.get(name))
            : "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"code\": %d}".formatted(code);
    var bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private List<String> read() {
    return secrets.secrets().stream().map(Secret::getData).map(data -> data.get("k")).toList();
  }

  private void awaitKnown(String... names) {
    Await.until(() -> secrets.follow(Set.of(names)).isEmpty(), requests::toString);
  }

  @Test
  void secretsAreReadByNameAndReadAgain() {
    values.put("auth", "YQ==");
    values.put("other", "Yg==");
    assertEquals(Set.of("auth"), secrets.follow(Set.of("auth")), "a first answer is on its way");
    awaitKnown("auth");
    assertEquals(List.of("YQ=="), read());
    int before = changes.get();
    values.put("auth", "Yw==");
    Await.until(() -> read().equals(List.of("Yw==")), () -> read());
    Await.until(() -> changes.get() > before, changes::toString);
    values.remove("auth");
    Await.until(() -> read().isEmpty(), () -> read());
    assertEquals(Set.of(PATH + "auth"), Set.copyOf(requests), "none is listed, and no other read");
  }

  @Test
  void oneThatIsNotThereYetIsAnAnswer() {
    awaitKnown("auth");
    assertEquals(List.of(), read());
    values.put("auth", "YQ==");
    Await.until(() -> read().equals(List.of("YQ==")), () -> read());
  }

  @Test
  void whileTheApiServerDoesNotAnswerTheLastAnswerHolds() {
    values.put("auth", "YQ==");
    awaitKnown("auth");
    failing = true;
    int before = requests.size();
    Await.until(() -> requests.size() > before + 1, requests::toString);
    assertEquals(Set.of(), secrets.follow(Set.of("auth")));
    assertEquals(List.of("YQ=="), read());
  }

  /** An agent that restarts goes on with what it had, as long as errors are all that it hears. */
  @Test
  void anApiServerInTroubleDoesNotSayThatASecretIsMissing() {
    failing = true;
    assertEquals(Set.of("auth"), secrets.follow(Set.of("auth")));
    Await.until(() -> requests.size() > 12, requests::toString);
    assertEquals(Set.of("auth"), secrets.follow(Set.of("auth")));
    values.put("auth", "YQ==");
    failing = false;
    awaitKnown("auth");
    assertEquals(List.of("YQ=="), read());
  }

  @Test
  void whatNoSecretCanBeNamedIsNotAskedFor() {
    awaitKnown("../configmaps/virtualip-hand-overs", "A", "");
    assertEquals(List.of(), requests);
  }

  @Test
  void oneThatIsRefusedDoesNotHoldUpAllElseForEver() {
    values.put("auth", "YQ==");
    assertEquals(Set.of("auth", "forbidden"), secrets.follow(Set.of("auth", "forbidden")));
    Await.until(() -> read().equals(List.of("YQ==")), () -> read());
    awaitKnown("auth", "forbidden");
  }

  @Test
  void onlyWhatIsWantedIsKept() {
    values.put("auth", "YQ==");
    awaitKnown("auth");
    assertEquals(Set.of(), secrets.follow(Set.of()));
    assertEquals(List.of(), read());
  }
}
