package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.HealthCheck;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScheduledCheckTest {
  private static final InetAddress SERVER = InetAddress.ofLiteral("10.0.0.21");

  private static HealthCheck check(String name, String interval) {
    return Serialization.unmarshal(
            "---\n{name: x, tcp: {port: 1}, interval: %s}".formatted(interval), HealthCheck.class)
        .named(name);
  }

  @Test
  void checksOfTheNodeBeginAtOnce() {
    var check = ScheduledCheck.ofNode(check("a", "10s"));
    assertEquals(Duration.ZERO, check.firstRun());
    assertEquals(Duration.ZERO, check.phase());
    assertEquals(Map.of(), check.environment());
  }

  @Test
  void aThousandServersAreSpreadOverTheIntervalAndFirstOverASecond() {
    var runs = new HashMap<Long, Integer>();
    var firstRuns = new HashMap<Long, Integer>();
    for (int i = 0; i < 1000; i++) {
      var name = "web/10.0.%d.%d/80/tcp".formatted(i / 250, i % 250);
      var check = ScheduledCheck.ofServer(check(name, "10s"), SERVER, 80);
      runs.merge(check.phase().toMillis() / 100, 1, Integer::sum);
      firstRuns.merge(check.firstRun().toMillis() / 10, 1, Integer::sum);
    }
    for (var spread : new Map<?, ?>[] {runs, firstRuns}) {
      assertEquals(100, spread.size(), "each hundredth of the time has some: " + spread);
      assertTrue(spread.values().stream().allMatch(n -> (Integer) n <= 30), spread::toString);
    }
  }

  @Test
  void theSpreadOfAServerIsAlwaysTheSame() {
    var check = ScheduledCheck.ofServer(check("a", "200ms"), SERVER, 80);
    assertEquals(check, ScheduledCheck.ofServer(check("a", "200ms"), SERVER, 80));
    assertTrue(check.firstRun().toMillis() < 200);
    assertEquals(check.firstRun(), check.phase(), "an interval below a second is one spread");
  }

  @Test
  void commandsGetToKnowTheServer() {
    assertEquals(
        Map.of("VIRTUALIP_SERVER_ADDRESS", "10.0.0.21", "VIRTUALIP_SERVER_PORT", "8443"),
        ScheduledCheck.ofServer(check("a", "1s"), SERVER, 8443).environment());
    assertEquals(
        Map.of("VIRTUALIP_SERVER_ADDRESS", "10.0.0.21"),
        ScheduledCheck.ofServer(check("a", "1s"), SERVER, null).environment());
  }
}
