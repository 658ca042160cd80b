package dev.virtualip.agent.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.Reasons;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.agent.vrrp.VirtualRouter;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileRecorderTest {
  @TempDir private Path folder;

  @Test
  void whatIsReadIsWhatWasRecorded() throws IOException {
    var file = folder.resolve("a.jsonl");
    var written = new ArrayList<Recording>();
    try (var recorder = FileRecorder.to(file, 1 << 20)) {
      var config =
          new VirtualRouterConfig(
              Version.V3, 51, 1_000_000_000L, true, 0, false, LeasePolicy.Overlap, 1);
      var router = VirtualRouter.create(config, 100);
      recorder.started("web", router);
      written.add(Recording.started("web", router));
      long now = 5;
      for (var event :
          List.of(
              new SourceChanged(InetAddress.ofLiteral("fe80::1")),
              new FaultsChanged(List.of()),
              new TimerExpired(),
              new AdvertisementReceived(200, 1, InetAddress.ofLiteral("10.9.0.1")),
              new FaultsChanged(Reasons.of("LinkDown(eth0)")))) {
        var step = router.step(event, now);
        recorder.stepped("web", now++, event, step.effects());
        written.add(Recording.stepped("web", now - 1, event, step.effects()));
        router = step.router();
      }
    }
    var read = new ArrayList<Recording>();
    for (var line : Files.readAllLines(file)) {
      read.add(Recording.MAPPER.readValue(line, Recording.class));
    }
    assertEquals(written, read);
  }

  @Test
  void aFullFileEndsTheRecordingAtAWholeLine() throws IOException {
    var file = folder.resolve("full.jsonl");
    try (var recorder = FileRecorder.to(file, 1_000)) {
      for (int i = 0; i < 100; i++) {
        recorder.stepped("web", i, new TimerExpired(), List.of());
      }
    }
    assertTrue(Files.size(file) <= 1_000 && Files.size(file) > 900, Files.size(file) + " bytes");
    assertTrue(Files.readString(file).endsWith("}\n"));
  }
}
