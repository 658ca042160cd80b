package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Program;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** The demo's scenario holds, with the programs and with the images. */
@InLab
class ScenarioIT {
  /** On a real API server where one is to be had: {@code kubectl get} prints as it does there. */
  @Test
  void holdsWithThePrograms() {
    var table = play(ApiServer::start, Program.built());
    assertTrue(
        !ApiServer.realAvailable() || table.contains("203.0.113.10/24   77     node-b   True"));
  }

  /** In containers with exactly what the pods' security contexts leave them. */
  @Test
  void holdsWithTheImages() {
    assumeTrue(Program.imagesMissing().isEmpty(), () -> "SKIPPED: " + Program.imagesMissing());
    play(ApiServer::start, Program.images());
  }

  private static String play(
      BiFunction<Lab, String, ApiServer> api, Map<String, Program> programs) {
    var narration = new ByteArrayOutputStream();
    try (var lab = Lab.open();
        var out = new PrintStream(narration, true, StandardCharsets.UTF_8)) {
      assertEquals(7, Scenario.play(lab, api, programs, out).size());
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          e.getMessage() + "\nafter:\n" + narration.toString(StandardCharsets.UTF_8), e);
    }
    return narration.toString(StandardCharsets.UTF_8);
  }
}
