package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.virtualip.agent.Await;
import dev.virtualip.agent.notify.Lane.Patience;
import dev.virtualip.crds.schema.Notifications.State;
import dev.virtualip.crds.schema.VirtualIp;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With webhooks that end in this JVM. */
class NotifierTest {
  private static final Patience SHORT =
      new Patience(Duration.ofMillis(5), Duration.ofMillis(20), Duration.ofMinutes(1));

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final Map<String, List<?>> problems = new ConcurrentHashMap<>();
  private final List<String> heard = new CopyOnWriteArrayList<>();
  @TempDir private Path scripts;
  private Notifier notifier;
  private HttpServer server;

  @BeforeEach
  void serve() throws IOException {
    notifier =
        new Notifier("node-b", scripts, registry, problems::put, SHORT, Duration.ofMillis(5));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          heard.add(exchange.getRequestURI() + " " + body);
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    notifier.close(System.nanoTime() + 5_000_000_000L);
    server.stop(0);
  }

  /** A VirtualIP that posts to a path of the server. */
  private VirtualIp vip(String path, String fields) {
    return vip(server.getAddress().getPort(), path, fields);
  }

  private static VirtualIp vip(int port, String path, String fields) {
    return Notes.vip(
        "%s notifications: {webhook: {plainHttp: true, url: 'http://127.0.0.1:%d/%s', format: Custom, timeout: 1s,"
                .formatted(fields, port, path)
            + " body: '${type} ${name} ${state} ${priority}', contentType: text/plain}}");
  }

  private void changed(String name, State state) {
    notifier.changed(name, state, Notes.status("Why"));
  }

  private void awaitHeard(String... lines) {
    Await.until(() -> heard.size() >= lines.length, () -> heard);
    assertEquals(List.of(lines), heard);
  }

  private double count(String name, String channel, String result) {
    var counter =
        registry
            .find("virtualip.notifications")
            .tags("vip", name, "channel", channel, "result", result)
            .counter();
    return counter == null ? -1 : counter.count();
  }

  @Test
  void transitionsAreToldInOrderAndCounted() {
    notifier.running(Map.of("web", vip("a", "")), Map.of());
    changed("web", null);
    changed("web", State.Backup);
    changed("web", State.Master);
    changed("web", State.Master);
    changed("web", State.Deleted);
    notifier.removed("web");
    awaitHeard(
        "/a INSTANCE web BACKUP 80", "/a INSTANCE web MASTER 80", "/a INSTANCE web DELETED 80");
    Await.until(() -> count("web", "webhook", "delivered") == 3, registry::getMeters);
    assertEquals(0, count("web", "webhook", "failed"), "there from the beginning");
  }

  @Test
  void ofAGroupEachSettingIsToldOnce() {
    notifier.running(
        Map.of(
            "a", vip("same", "syncGroup: edge,"),
            "b", vip("same", "syncGroup: edge,"),
            "c", vip("other", "syncGroup: edge,")),
        Map.of());
    changed("a", State.Fault);
    awaitHeard(
        "/same INSTANCE a FAULT 80", "/same GROUP edge FAULT 0", "/other GROUP edge FAULT 0");
  }

  @Test
  void onlyTheStatesAskedForAreTold() {
    var vip =
        Notes.vip(
            "notifications: {webhook: {plainHttp: true, url: 'http://127.0.0.1:%d/a', states: [Fault, Stop]}}"
                .formatted(server.getAddress().getPort()));
    notifier.running(Map.of("web", vip), Map.of());
    List.of(State.Backup, State.Master, State.Fault, State.Backup, State.Stop)
        .forEach(state -> changed("web", state));
    Await.until(() -> heard.size() == 2, () -> heard);
    assertTrue(heard.getFirst().contains("\"state\":\"FAULT\",\"previous\":\"MASTER\""));
    assertTrue(heard.getLast().contains("\"state\":\"STOP\",\"previous\":\"BACKUP\""));
  }

  @Test
  void aCorrectedSettingCountsForWhatWaits() throws IOException {
    int nobody;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = free.getLocalPort();
    }
    notifier.running(Map.of("web", vip(nobody, "a", "")), Map.of());
    changed("web", State.Backup);
    changed("web", State.Master);
    Await.until(() -> count("web", "webhook", "retried") > 1, registry::getMeters);
    notifier.running(Map.of("web", vip("a", "")), Map.of());
    awaitHeard("/a INSTANCE web BACKUP 80", "/a INSTANCE web MASTER 80");
  }

  @Test
  void oneVirtualIpDoesNotWaitForAnother() throws IOException {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      notifier.running(
          Map.of("hung", vip(silent.getLocalPort(), "x", ""), "web", vip("a", "")), Map.of());
      changed("hung", State.Master);
      changed("web", State.Master);
      awaitHeard("/a INSTANCE web MASTER 80");
      assertEquals(0, count("hung", "webhook", "delivered"));
    }
  }

  @Test
  void whatCannotWorkIsReportedAndNoLongerWhenItCan() {
    var yaml = "notifications: {exec: {command: [a]}, webhook: {urlSecretRef: {name: s, key: u}}}";
    notifier.running(Map.of("web", Notes.vip(yaml)), Map.of());
    Await.until(() -> problems.containsKey("web"), () -> problems);
    assertEquals(
        List.of("spec.notifications.exec", "spec.notifications.webhook.urlSecretRef"),
        problems.get("web").stream().map(p -> p.toString().split(":")[0]).toList());
    changed("web", State.Master);
    Await.until(() -> count("web", "exec", "failed") == 1, registry::getMeters);
    notifier.running(Map.of("web", Notes.vip("")), Map.of());
    Await.until(() -> problems.get("web").isEmpty(), () -> problems);
  }

  @Test
  void aScriptThatComesLaterIsNoProblemAnyMore() throws IOException {
    notifier.running(
        Map.of("web", Notes.vip("notifications: {exec: {command: [notify.sh]}}")), Map.of());
    Await.until(() -> problems.containsKey("web"), () -> problems);
    var missing =
        "[spec.notifications.exec: there is no %s/notify.sh: put it there or correct the command]"
            .formatted(scripts);
    assertEquals(missing, problems.get("web").toString());
    var executable = PosixFilePermissions.fromString("rwxr-xr-x");
    var script =
        Files.createFile(
            scripts.resolve("notify.sh"), PosixFilePermissions.asFileAttribute(executable));
    Await.until(() -> problems.get("web").isEmpty(), () -> problems);
    Files.delete(script);
    Await.until(() -> problems.get("web").toString().equals(missing), () -> problems);
  }

  @Test
  void theEndWaitsForWhatIsUnderWay() {
    notifier.running(Map.of("web", vip("a", "")), Map.of());
    changed("web", State.Backup);
    changed("web", State.Stop);
    notifier.close(System.nanoTime() + 20_000_000_000L);
    assertEquals(List.of("/a INSTANCE web BACKUP 80", "/a INSTANCE web STOP 80"), heard);
  }

  @Test
  void theEndDoesNotWaitForWhatHangs() throws IOException {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      notifier.running(Map.of("hung", vip(silent.getLocalPort(), "x", "")), Map.of());
      changed("hung", State.Stop);
      notifier.close(System.nanoTime() + 50_000_000L);
      assertEquals(0, count("hung", "webhook", "delivered"));
    }
  }
}
