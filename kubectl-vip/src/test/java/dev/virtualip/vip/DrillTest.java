package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.Probe.Sample;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnableKubernetesMockClient(crud = true, https = false)
class DrillTest {
  @TempDir static Path folder;

  KubernetesClient client;
  private StandIn cluster;
  private HttpServer nginx;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile int status = 200;

  @BeforeEach
  void begin() throws IOException {
    cluster = new StandIn(client, Map.of("node-c", "it can't serve"));
    nginx = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    nginx.setExecutor(threads);
    nginx.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
    nginx.start();
  }

  @AfterEach
  void end() {
    nginx.stop(0);
    threads.close();
    cluster.close();
  }

  private String url() {
    return "http://127.0.0.1:" + nginx.getAddress().getPort() + "/health";
  }

  private Run drill(String... more) {
    var args =
        new ArrayList<>(
            List.of(
                "drill",
                "web",
                "--url",
                url() + "?token=secret",
                "--kubeconfig",
                StandIn.kubeconfig(client.getMasterUrl().toString(), folder).toString()));
    args.addAll(List.of(more));
    return Run.of(args.toArray(String[]::new));
  }

  private void assertTold(String expected, Run run) {
    assertEquals(
        new Run(0, expected.formatted(url()), ""),
        new Run(
            run.code(),
            run.out().replaceAll("[0-9]+ ms", "N ms").replaceAll("[0-9]+ of [0-9]+", "N of N"),
            run.err()));
  }

  @Test
  void aSwitchOverAndBackIsMeasuredAndWrittenDown() {
    assertTold(
        """
        node-a is master, and %s answered 100 requests
        node-b took over: a client was without service for N ms
        node-a took over again: a client was without service for N ms
        N of N requests had no good answer within a second
        """,
        drill());
    var drill = cluster.status().at("/lastDrill");
    assertEquals("Switch", drill.at("/kind").asText());
    assertEquals("node-a", drill.at("/from").asText());
    assertEquals("node-b", drill.at("/to").asText());
    assertEquals(url(), drill.at("/url").asText());
    assertTrue(drill.at("/requests").asInt() >= 500, drill::toString);
    assertTrue(drill.at("/backLostMillis").asInt() >= 10, drill::toString);
    assertNull(cluster.switchTo());
  }

  @Test
  void itMayStayOnTheNewNode() {
    assertTold(
        """
        node-a is master, and %s answered 100 requests
        node-b took over: a client was without service for N ms
        node-b is master now
        N of N requests had no good answer within a second
        """,
        drill("--stay", "--to", "node-b"));
    assertEquals("node-b", cluster.switchTo());
  }

  @Test
  void anAgentIsStoppedByItsPod() {
    assertTold(
        """
        node-a is master, and %s answered 100 requests
        node-b took over: a client was without service for N ms
        node-a took over again: a client was without service for N ms
        N of N requests had no good answer within a second
        """,
        drill("--kind", "stop-agent"));
    assertEquals("StopAgent", cluster.status().at("/lastDrill/kind").asText());
  }

  @Test
  void aCheckFailsForTheDrillAlone() {
    assertTold(
        """
        node-a is master, and %s answered 100 requests
        node-b took over: a client was without service for N ms
        node-a took over again: a client was without service for N ms
        N of N requests had no good answer within a second
        """,
        drill("--kind", "stop-check"));
    assertEquals("StopCheck", cluster.status().at("/lastDrill/kind").asText());
    assertNothingIsLeft();
  }

  private void assertNothingIsLeft() {
    assertEquals(1, cluster.vip().getSpec().healthChecks().size());
    // The mock server keeps a label that is patched to null.
    client
        .pods()
        .inNamespace("virtualip-system")
        .list()
        .getItems()
        .forEach(pod -> assertNull(pod.getMetadata().getLabels().get(FailingCheck.LABEL)));
    assertNull(cluster.switchTo());
  }

  @ParameterizedTest
  @ValueSource(strings = {"switch", "stop-check"})
  void anInterruptedDrillIsUndone(String kind) throws InterruptedException {
    var run = new AtomicReference<Run>();
    var worker = Thread.ofPlatform().start(() -> run.set(drill("--kind", kind)));
    var moved = client.resources(VirtualIp.class).withName("web");
    moved.waitUntilCondition(
        vip -> vip != null && Reports.masters(vip).equals(List.of("node-b")), 20, TimeUnit.SECONDS);
    worker.interrupt();
    worker.join();
    assertEquals(1, run.get().code());
    assertTrue(run.get().out().endsWith("interrupted: the drill is undone\n"), run.get().out());
    assertNothingIsLeft();
  }

  @Test
  void soIsOneThatIsTerminated() throws IOException, InterruptedException {
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                VipMain.class.getName(),
                "drill",
                "web",
                "--url",
                url(),
                "--kubeconfig",
                StandIn.kubeconfig(client.getMasterUrl().toString(), folder).toString())
            .redirectErrorStream(true)
            .start();
    client
        .resources(VirtualIp.class)
        .withName("web")
        .waitUntilCondition(
            vip -> vip != null && Reports.masters(vip).equals(List.of("node-b")),
            60,
            TimeUnit.SECONDS);
    // Process.destroy would close its output, too.
    process.toHandle().destroy();
    var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(128 + 15, process.waitFor(), out);
    assertTrue(out.contains("interrupted: the drill is undone\n"), out);
    assertNothingIsLeft();
  }

  @Test
  void whatACutDrillHasLeftIsInTheWayUntilItIsReleased() {
    new FailingCheck(client, "virtualip-system")
        .add(cluster.vip(), new SwitchOver(client, Duration.ofSeconds(20)));
    assertEquals(
        new Run(
            1,
            "",
            "kubectl-vip: no drill: one before it has left its check vip-drill: kubectl vip release"
                + " web\n"),
        drill());
    var kubeconfig = StandIn.kubeconfig(client.getMasterUrl().toString(), folder).toString();
    assertEquals(
        new Run(0, "web: the check of a drill that was cut short is removed\n", ""),
        Run.of("release", "web", "--kubeconfig", kubeconfig));
    assertNothingIsLeft();
  }

  @Test
  void aScheduleMakesTheSampleOfACronJob() throws IOException {
    var run =
        Run.of(
            "drill",
            "web",
            "--url",
            "http://203.0.113.10/",
            "--kind",
            "stop-agent",
            "--schedule",
            "0 4 * * 0");
    assertEquals(Files.readString(Path.of("../samples/21-drill-cronjob.yaml")), run.out());
    assertEquals(2, drill("--schedule", "daily").code());
    assertEquals(2, drill("--file", "x.yaml").code());
    assertEquals(2, drill("--schedule", "@daily", "--stay").code());
  }

  @Test
  void aSwitchOverNeedsNoRightsOnPods() throws IOException {
    var file = folder.resolve("job.yaml");
    Files.deleteIfExists(file);
    assertEquals(
        new Run(0, "wrote " + file + "\n", ""),
        drill("--schedule", "@daily", "--file", file.toString()));
    var kinds = new ArrayList<String>();
    try (var objects =
        new YAMLMapper().readerFor(JsonNode.class).<JsonNode>readValues(file.toFile())) {
      objects.forEachRemaining(object -> kinds.add(object.path("kind").asText()));
    }
    assertEquals(List.of("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "CronJob"), kinds);
    assertEquals(1, drill("--schedule", "@daily", "--file", file.toString()).code());
  }

  @Test
  void noDrillWhereTheUrlDoesNotAnswerWell() {
    status = 503;
    assertEquals(
        new Run(
            1,
            "",
            "kubectl-vip: no drill: %s does not answer well before it: HTTP status 503\n"
                .formatted(url())),
        drill());
    assertTrue(cluster.status().at("/lastDrill").isMissingNode());
  }

  @Test
  void noDrillWithoutABackup() {
    cluster.patch("{\"status\":{\"nodes\":{\"node-b\":{\"state\":\"Fault\"}}}}");
    var run = drill();
    assertEquals(1, run.code());
    assertTrue(run.err().startsWith("kubectl-vip: no drill: no backup can serve"), run.err());
  }

  @Test
  void aGapIsTheTimeBetweenTwoGoodAnswers() {
    var samples =
        List.of(
            new Sample(0, null),
            new Sample(10, null),
            new Sample(20, "refused"),
            new Sample(30, "refused"),
            new Sample(45, null),
            new Sample(50, null));
    assertEquals(Duration.ofNanos(35), Probe.longestGap(samples, 15, 40));
    assertEquals(Duration.ofNanos(10), Probe.longestGap(samples, 0, 9));
    assertEquals(Duration.ofNanos(5), Probe.longestGap(samples, 46, 60));
    assertEquals(Duration.ZERO, Probe.longestGap(List.of(new Sample(0, "refused")), 0, 60));
  }

  @Test
  void aUrlIsShownWithoutSecrets() {
    assertEquals(
        "https://[2001:db8::10]:8443/a",
        DrillCommand.withoutSecrets(URI.create("https://me:pw@[2001:db8::10]:8443/a?b=c#d")));
  }
}
