package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The demo of layer 4 holds: the sample of direct routing as it stands. In a VM it takes minutes
 * more than the tests have, which play the same sample; so it runs when it is asked for, as {@code
 * make demo LAYER4=1} does.
 */
@EnabledIfSystemProperty(named = "virtualip.layer4.scenario", matches = "true")
@Tag("long")
@NeedsKernel({"ip_vs", "ip_vs_wlc"})
class Layer4ScenarioIT {
  @Test
  @Timeout(value = 8, unit = TimeUnit.MINUTES)
  void holds() {
    var narration = new ByteArrayOutputStream();
    try (var lab = Lab.open();
        var out = new PrintStream(narration, true, StandardCharsets.UTF_8)) {
      Layer4Scenario.play(lab, out);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          e.getMessage() + "\nafter:\n" + narration.toString(StandardCharsets.UTF_8), e);
    }
  }
}
