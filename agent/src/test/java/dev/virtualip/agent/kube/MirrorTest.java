package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.report.AgentHttp;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class MirrorTest {
  private static NodeStatus report(Long accepted, Long refused) {
    return new NodeStatus(State.Master, 100, null, "MasterDown", null, accepted, refused, 3L);
  }

  private static NodeStatus translated(Long accepted, Long refused, long object, boolean same) {
    return Mirror.translated(report(accepted, refused), 4L, object, same);
  }

  @Test
  void whoRunsTheFileThatIsShownRunsTheObjectsGeneration() {
    assertEquals(report(9L, null), translated(4L, null, 9, true));
  }

  @Test
  void whoRefusesTheFileThatIsShownRunsAnOlderOne() {
    assertEquals(report(8L, 9L), translated(3L, 4L, 9, true));
    assertEquals(report(null, 9L), translated(null, 4L, 9, true));
  }

  @Test
  void whoHasAnotherFileIsBehind() {
    assertEquals(report(8L, null), translated(4L, null, 9, false));
    assertEquals(report(8L, null), translated(3L, 4L, 9, false));
    assertEquals(report(null, null), translated(4L, null, 1, false));
  }

  @Test
  void whatAnAgentRunsFromFilesIsAskedOfIt() throws IOException {
    var files = new AtomicReference<List<VirtualIp>>();
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), freePort());
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (var _ =
        new AgentHttp(
            address,
            "a",
            () -> true,
            () -> true,
            () -> Map.of("control-plane", report(4L, null)),
            files::get,
            registry)) {
      var agent = new FilesAgent(address);
      var early = assertThrows(IOException.class, agent::virtualIps);
      assertTrue(early.getMessage().contains("/virtualips"), early.getMessage());

      var sample = Path.of("../samples/20-control-plane/virtualip.yaml");
      var vip = Manifests.parse(sample, Files.readString(sample)).virtualIps().getFirst();
      vip.getMetadata().setGeneration(4L);
      files.set(List.of(vip));
      var asked = agent.virtualIps().getFirst();
      assertEquals(vip.getSpec(), asked.getSpec());
      assertEquals("control-plane", asked.getMetadata().getName());
      assertEquals(4, asked.getMetadata().getGeneration());
      assertEquals(Map.of("a", report(4L, null)), asked.getStatus().nodes());
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
