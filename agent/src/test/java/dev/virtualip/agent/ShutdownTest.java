package dev.virtualip.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.client.MockApi;
import dev.virtualip.agent.kube.Heartbeat;
import dev.virtualip.agent.kube.StatusReporter;
import dev.virtualip.agent.loop.FileRecorder;
import dev.virtualip.agent.notify.Notifier;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShutdownTest {
  private static final NodeStatus STOPPED =
      new NodeStatus(
          State.Init, 100, "2026-01-02T03:04:05Z", "AgentStopped", null, null, null, null);

  private final List<String> order = new CopyOnWriteArrayList<>();

  private void exit(int code) {
    order.add("exit " + code);
  }

  /** A hand-over that takes all that it is given. */
  private void slowHandOver(long millis) {
    try {
      assertTrue(!new CountDownLatch(1).await(millis, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    order.add("handed over");
  }

  /** One that took 700 + 300 + 300 ms once; 150 ms are for a machine that is busy. */
  @Test
  void whereTheApiServerHangsTheLimitIsKept(@TempDir Path folder) throws IOException {
    try (var server = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
        var client = MockApi.at("http://127.0.0.1:" + server.getLocalPort())) {
      var url = "http://127.0.0.1:" + server.getLocalPort() + "/hook";
      var heartbeat = Heartbeat.start(client, "a", "virtualip-system", null, () -> true, () -> {});
      var reporter = StatusReporter.start(client, "a", _ -> Optional.empty());
      var events = EventWriter.start(client::send, "virtualip-agent", "a");
      var notifier = new Notifier("a", null, new SimpleMeterRegistry(), (_, _) -> {});
      var recorder = FileRecorder.to(folder.resolve("record"), FileRecorder.SIZE_MAX);
      notifier.running(Map.of("web", notifying(url)), Map.of());
      var shutdown =
          new Shutdown(
              millis -> {
                reporter.report("web", STOPPED, false);
                events.record(new ObjectReference(), false, "Init", "AgentStopped");
                notifier.changed("web", Notifications.State.Stop, STOPPED);
                slowHandOver(millis);
              },
              List.of(
                  _ -> heartbeat.close(),
                  reporter::close,
                  events::close,
                  notifier::close,
                  recorder::close),
              this::exit);
      long start = System.nanoTime();
      shutdown.run();
      var took = Duration.ofNanos(System.nanoTime() - start);
      assertEquals(List.of("handed over", "exit 0"), order);
      assertTrue(
          took.compareTo(Shutdown.LIMIT.minus(Shutdown.HALT).plusMillis(150)) < 0, took.toString());
    }
  }

  private static VirtualIp notifying(String url) {
    var vip = new VirtualIp();
    vip.setSpec(
        Serialization.unmarshal(
            "---\n{notifications: {webhook: {plainHttp: true, url: '%s'}}}".formatted(url),
            VirtualIpSpec.class));
    return vip;
  }

  @Test
  void whoHangsTakesNoTimeFromTheOthers() {
    var shutdown =
        new Shutdown(
            _ -> {}, List.of(_ -> slowHandOver(5_000), _ -> order.add("closed")), this::exit);
    shutdown.run();
    assertEquals(List.of("closed", "exit 0"), order);
  }

  @Test
  void allIsHandedOverFirst() {
    new Shutdown(this::slowHandOver, List.of(_ -> order.add("closed")), this::exit).run();
    assertEquals(List.of("handed over", "closed", "exit 0"), order);
  }

  @Test
  void aDefectInOnePartEndsNeitherTheOthersNorTheExit() {
    var defect = new IllegalStateException("on purpose");
    Shutdown.Part broken =
        _ -> {
          throw defect;
        };
    new Shutdown(_ -> {}, List.of(broken, _ -> order.add("closed")), this::exit).run();
    assertEquals(List.of("closed", "exit 0"), order);
  }

  @Test
  void aStartThatFailedIsTheExitCode() {
    var shutdown = new Shutdown(_ -> order.add("handed over"), List.of(), this::exit);
    shutdown.failed();
    shutdown.run();
    shutdown.run();
    assertEquals(List.of("handed over", "exit 1"), order);
  }

  private static Thread thread(String name) {
    return Thread.ofVirtual().name(name).unstarted(() -> {});
  }

  @Test
  void aDefectOfAThreadThatOthersCanDoWithoutIsCountedAndEndsNothing() {
    var counted = new CopyOnWriteArrayList<String>();
    var shutdown = new Shutdown(_ -> order.add("handed over"), List.of(), this::exit);
    Defects.countBy(counted::add);
    for (var name : List.of("disk", "notifier", "lookup-example.com", "script-output", "http")) {
      shutdown.threadEnded(thread(name), new AssertionError("on purpose"));
    }
    Defects.countBy(_ -> {});
    assertEquals(List.of("disk", "notifier", "lookup", "script", "http"), counted);
    assertEquals(List.of(), order);
  }

  @Test
  void halfAnAgentHandsOverAndExits() {
    for (var name : List.of("vrrp", "netlink-monitor", "receive-eth0")) {
      order.clear();
      var shutdown =
          new Shutdown(
              _ -> order.add("handed over"), List.of(_ -> order.add("closed")), this::exit);
      shutdown.threadEnded(thread(name), new AssertionError("on purpose"));
      Await.until(() -> order.size() == 3, () -> name + ": " + order);
      assertEquals(List.of("handed over", "closed", "exit 1"), order);
    }
  }

  @Test
  void aDefectInTheHandOverKeepsNobodyFromTheExit() {
    new Shutdown(
            _ -> {
              throw new AssertionError("on purpose");
            },
            List.of(_ -> order.add("closed")),
            this::exit)
        .run();
    assertEquals(List.of("closed", "exit 0"), order);
  }
}
