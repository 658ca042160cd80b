package dev.virtualip.operator.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.operator.decide.StatusDecision;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RequestsTest {
  private static final HandOver DRAIN = new HandOver(1, "Drain(cordoned)", "t");
  private static final SwitchOver DONE = new SwitchOver("b", SwitchOver.Result.Done, "b is master");
  private static final String DRAIN_TEXT =
      "{\"handOvers\":{\"a\":{\"priority\":1,\"reason\":\"Drain(cordoned)\",\"since\":\"t\"}}}";

  private final List<String> patches = new CopyOnWriteArrayList<>();

  /** The ConfigMap's data as JSON; null if there is none. */
  private volatile String data;

  private volatile String metadata = "{}";
  private volatile int patchCode = 200;
  private HttpServer server;
  private KubernetesClient client;
  private Requests requests;

  @BeforeEach
  void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/api/v1/namespaces/virtualip-system/configmaps/virtualip-hand-overs", this::answer);
    server.start();
    var url = "http://127.0.0.1:" + server.getAddress().getPort();
    client =
        new KubernetesClientBuilder()
            .withConfig(new ConfigBuilder().withMasterUrl(url).build())
            .build();
    requests = new Requests(client, "virtualip-system");
  }

  @AfterEach
  void close() {
    client.close();
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    boolean patch = exchange.getRequestMethod().equals("PATCH");
    if (patch) {
      patches.add(body);
    }
    var map =
        data == null
            ? "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"code\": 404}"
            : "{\"kind\": \"ConfigMap\", \"apiVersion\": \"v1\", \"metadata\": %s, \"data\": %s}"
                .formatted(metadata, data);
    var bytes = map.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(data == null ? 404 : patch ? patchCode : 200, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static StatusDecision decided(Map<String, HandOver> handOvers, SwitchOver switchOver) {
    return new StatusDecision(List.of(), null, 0, Map.of(), Set.of(), handOvers, switchOver);
  }

  @Test
  void whatIsAskedIsWrittenAndReadAgain() throws IOException, InterruptedException {
    data = "{}";
    assertEquals(Optional.of(Map.of()), requests.read());
    requests.write(
        Map.of("web", decided(Map.of("a", DRAIN), null), "quiet", decided(Map.of(), null)));
    assertEquals(
        List.of("{\"data\":{\"web\":\"%s\"}}".formatted(DRAIN_TEXT.replace("\"", "\\\""))),
        patches);
    data = "{\"web\": \"%s\"}".formatted(DRAIN_TEXT.replace("\"", "\\\""));
    var read = requests.read().orElseThrow();
    assertEquals(Map.of("a", DRAIN), read.get("web").handOvers());
    requests.write(Map.of("web", decided(Map.of("a", DRAIN), null)));
    assertEquals(1, patches.size(), "nothing new");
  }

  @Test
  void whatIsAskedNoMoreIsRemovedAndSoAreVirtualIpsThatAreGone()
      throws IOException, InterruptedException {
    data = "{\"gone\": \"{}\", \"web\": \"{}\", \"broken\": \"{\"}";
    assertEquals(
        VirtualIpStatus.EMPTY,
        requests.read().orElseThrow().get("broken"),
        "what cannot be read asks for nothing");
    requests.write(Map.of("web", decided(Map.of(), DONE), "broken", decided(Map.of(), null)));
    assertEquals(1, patches.size());
    var patch = new ObjectMapper().readTree(patches.getFirst()).path("data");
    assertEquals(
        "{\"switchOver\":{\"to\":\"b\",\"result\":\"Done\",\"message\":\"b is master\"}}",
        patch.path("web").asText());
    assertTrue(patch.path("broken").isNull() && patch.path("gone").isNull(), patches::toString);
  }

  @Test
  void withoutTheConfigMapTheStatusHolds() throws IOException, InterruptedException {
    assertEquals(Optional.empty(), requests.read());
    requests.write(Map.of("web", decided(Map.of("a", DRAIN), null)));
    assertEquals(List.of(), patches);
  }

  @Test
  void theirAnnotationSetsTheLevelOfTheLog() {
    var log = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    var usual = log.getLevel();
    data = "{}";
    metadata = "{\"annotations\": {\"virtualip.dev/log-level\": \"ERROR\"}}";
    requests.read();
    assertEquals(Level.ERROR, log.getLevel());
    metadata = "{}";
    requests.read();
    assertEquals(usual, log.getLevel());
  }

  @Test
  void aRefusalIsAFailure() {
    data = "{}";
    patchCode = 403;
    requests.read();
    assertThrows(
        IOException.class, () -> requests.write(Map.of("web", decided(Map.of("a", DRAIN), null))));
  }
}
