package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Proc;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The run of which {@code make build} makes the class cache of the agent. */
@InLab
class TrainIT {
  private static final Duration SOON = Duration.ofSeconds(120);

  private static final String WEB =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec: {vrid: 77, interface: lo, addresses: [{address: 192.0.2.20/32}]}
      """;

  @Test
  void anAgentIsTrainedWithAnApiServer() throws IOException {
    try (var lab = Lab.open();
        var training = train(lab, lab.host("node-a"))) {
      assertEquals(0, training.awaitExit(SOON), training::output);
      assertTrue(training.output().contains("start source=kubernetes"), training::output);
      assertTrue(training.output().contains("state=Backup from=Init"), training::output);
    }
  }

  /** Else a build would make a cache of half a training, and nobody would notice. */
  @Test
  void oneInVainFails() throws IOException {
    try (var lab = Lab.open()) {
      var host = lab.host("node-a");
      try (var agent = AgentProgram.start(host, WEB, Map.of())) {
        Await.until("an agent runs", SOON, () -> agent.proc().output().contains("state=Backup"));
        try (var training = train(lab, host)) {
          assertEquals(1, training.awaitExit(SOON), training::output);
          assertTrue(training.output().contains("no training: the agent"), training::output);
        }
      }
    }
  }

  private static Proc train(Lab lab, Host host) throws IOException {
    var folder = Files.createTempDirectory(lab.work(), "training-");
    return host.start("train", AgentProgram.PROGRAM.toString(), "train", folder.toString());
  }
}
