package dev.virtualip.operator.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.operator.decide.Lanes;
import dev.virtualip.operator.decide.ServiceDecisions;
import dev.virtualip.operator.watch.Latest;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is sent to the API server for the status of Services. */
@Timeout(60)
class ServicesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Instant NOW = Instant.EPOCH;

  private final Map<String, JsonNode> patches = new ConcurrentHashMap<>();

  /** What the server answers instead of 200, by name of the Service. */
  private final Map<String, Integer> codes = new ConcurrentHashMap<>();

  /** Whether the server gives the causes of a refusal. */
  private volatile boolean causes;

  private final Latest latest = new Latest();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  /** So many requests have to be there before the first is answered. */
  private CountDownLatch together = new CountDownLatch(0);

  private HttpServer server;
  private KubernetesClient client;
  private EventWriter events;
  private Services services;

  @BeforeEach
  void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
    var url = "http://127.0.0.1:" + server.getAddress().getPort();
    client =
        new KubernetesClientBuilder()
            .withConfig(new ConfigBuilder().withMasterUrl(url).build())
            .build();
    events = EventWriter.start(ApiCall.sender(client), "virtualip-operator", "test");
    var journal = new Journal(events, new OperatorMetrics(registry), System::nanoTime);
    services = new Services(client, journal, latest);
  }

  @AfterEach
  void close() {
    events.close();
    client.close();
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    var path = exchange.getRequestURI().getPath().split("/");
    var body = JSON.readTree(exchange.getRequestBody());
    int code = 200;
    if (path[path.length - 1].equals("lan-0")) {
      patches.put("lan-0", body);
      code = codes.getOrDefault("lan-0", 200);
      body = JSON.createObjectNode();
      ((ObjectNode) body).putObject("metadata").put("uid", "uid-lan-0").put("resourceVersion", "8");
      if (causes) {
        ((ObjectNode) body).putObject("details").putArray("causes");
      }
    } else if (path[path.length - 1].equals("status")) {
      var name = path[path.length - 2];
      patches.put(name, body.deepCopy());
      together.countDown();
      awaitTheOthers();
      code = codes.getOrDefault(name, 200);
      ((ObjectNode) body.get("metadata")).put("uid", "uid-" + name).put("resourceVersion", "8");
    }
    var bytes = body.toString().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private void awaitTheOthers() {
    try {
      assertTrue(together.await(30, TimeUnit.SECONDS), "requests wait for each other's answers");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Service service(String name) {
    return Serialization.unmarshal(
        "metadata: {name: %s, namespace: default, uid: uid-%s, resourceVersion: '7'}"
            .formatted(name, name),
        Service.class);
  }

  /** At once and, if they wait for more of them, again. */
  private void write(Map<Service, List<String>> statuses) throws Exception {
    pass(statuses, NOW);
    if (services.isHolding()) {
      pass(statuses, NOW);
    }
  }

  private void pass(Map<Service, List<String>> statuses, Instant now) throws Exception {
    services.write(new ServiceDecisions(statuses, Map.of(), Map.of(), Lanes.NONE), now);
  }

  @Test
  void severalWaitForMoreButNotForLongAndOneDoesNot() throws Exception {
    pass(Map.of(service("one"), List.of("203.0.113.1")), NOW);
    assertEquals(Set.of("one"), patches.keySet());
    var many = new LinkedHashMap<Service, List<String>>();
    for (int i = 0; i <= 4; i++) {
      many.put(service("s" + i), List.of("203.0.113." + (10 + i)));
      many.put(service("t" + i), List.of("203.0.113." + (20 + i)));
      pass(many, NOW.plusMillis(250 * i));
      assertEquals(i < 4, services.isHolding());
      assertEquals(i < 4 ? 1 : 11, patches.size());
    }
  }

  private static VirtualIp lane() {
    return Serialization.unmarshal(
        "metadata: {name: lan-0, uid: uid-lan-0, resourceVersion: '7', generation: 3}",
        VirtualIp.class);
  }

  private void edit(VirtualIp vip) throws IOException, InterruptedException {
    var lane = new Lanes.Lane("lan-0", "lan", Map.of("interface", "eth1"));
    var lanes = new Lanes(List.of(), Map.of(vip, lane), List.of(), List.of());
    services.write(new ServiceDecisions(Map.of(), Map.of(), Map.of(), lanes), NOW);
  }

  @Test
  void aReportMeanwhileIsNoObstacleToTheEditOfALane() throws Exception {
    var vip = lane();
    edit(vip);
    assertEquals(
        JSON.readTree(
            """
            [{"op": "test", "path": "/metadata/uid", "value": "uid-lan-0"},
             {"op": "test", "path": "/metadata/generation", "value": 3},
             {"op": "add", "path": "/spec/interface", "value": "eth1"}]
            """),
        patches.get("lan-0"));
    assertTrue(latest.isNewerThan(vip));
  }

  @Test
  void anEditMeanwhileLetsItBeDecidedAnewAndARefusalIsAFailure() throws Exception {
    var vip = lane();
    codes.put("lan-0", 422);
    edit(vip);
    assertFalse(latest.isNewerThan(vip));
    causes = true;
    assertThrows(IOException.class, () -> edit(vip));
  }

  /** Nothing would tell of it again, as nothing has changed. */
  @Test
  void aServerThatDoesNotServeVirtualIpsYetIsAFailure() {
    codes.put("lan-0", 404);
    assertThrows(IOException.class, () -> edit(lane()));
  }

  /** The addresses that the operator takes a Service to have. */
  private List<String> known(String name) {
    return latest.of(Service.class, Stream.of(service(name)), NOW).stream()
        .filter(seen -> seen.getStatus() != null)
        .flatMap(seen -> seen.getStatus().getLoadBalancer().getIngress().stream())
        .map(ingress -> ingress.getIp())
        .toList();
  }

  @Test
  void bothFamiliesAreInTheStatusForTheVersionThatWasDecidedBy() throws Exception {
    write(Map.of(service("dual"), List.of("203.0.113.10", "2001:db8::10")));
    assertEquals(
        JSON.readTree(
            """
            [{"ip": "203.0.113.10", "ipMode": "VIP"}, {"ip": "2001:db8::10", "ipMode": "VIP"}]
            """),
        patches.get("dual").at("/status/loadBalancer/ingress"));
    assertEquals("7", patches.get("dual").at("/metadata/resourceVersion").asText());
    assertEquals(List.of("203.0.113.10", "2001:db8::10"), known("dual"));
  }

  @Test
  void whoHasNoneAnyMoreLosesTheEntry() throws Exception {
    write(Map.of(service("former"), List.of()));
    assertTrue(patches.get("former").at("/status/loadBalancer/ingress").isNull());
  }

  @Test
  void severalAreUnderWayAtOnce() throws Exception {
    together = new CountDownLatch(8);
    var many = new LinkedHashMap<Service, List<String>>();
    IntStream.range(0, 20).forEach(i -> many.put(service("s" + i), List.of("203.0.113." + i)));
    write(many);
    assertEquals(20, patches.size());
  }

  @Test
  void aFailureOfOneIsToldAfterTheOthersAreWrittenAndAConflictIsNone() throws Exception {
    var all = new LinkedHashMap<Service, List<String>>();
    for (var name : List.of("failing", "changed", "good")) {
      all.put(service(name), List.of("203.0.113.10"));
    }
    codes.put("failing", 403);
    codes.put("changed", 409);
    var failure = assertThrows(IOException.class, () -> write(all));
    assertTrue(failure.getMessage().startsWith("failing not written: HTTP status 403"));
    assertEquals(Set.of("failing", "changed", "good"), patches.keySet());
    assertEquals(List.of("203.0.113.10"), known("good"));
    assertEquals(List.of(), known("changed"));
  }
}
