package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One VirtualIP of 1,024 addresses moves as one of one does: docs/field-cases.md, case 9. */
@InLab
class ManyAddressesIT {
  private static final int COUNT = 1_024;
  private static final Duration MOVE = Duration.ofSeconds(60);

  private static String spec(int priority, String interval) {
    return """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec:
          vrid: 51
          priority: %d
          advertInterval: %s
          interface: eth0
          addresses:
            - {address: 203.0.113.10/24, interface: eth1}
        """
            .formatted(priority, interval)
        + IntStream.range(1, COUNT)
            .mapToObj(
                i ->
                    "    - {address: 198.18.%d.%d/16, interface: eth1, advertised: false}\n"
                        .formatted(i / 250, i % 250 + 1))
            .collect(Collectors.joining());
  }

  private static long held(Host node) {
    return node.ip("-4 -o addr show dev eth1").lines().count();
  }

  private static void awaitHolder(Host holder, Host other) {
    Await.until(
        holder + " alone has all",
        MOVE,
        () -> "%d and %d".formatted(held(holder), held(other)),
        (COUNT + " and 0")::equals);
  }

  private static int transitions(AgentProgram agent) {
    return agent.status("web").path("transitions").asInt();
  }

  @ParameterizedTest
  @CsvSource({"100ms", "1s"})
  void aFailbackIsOneMoveAndAFlushIsNone(String interval) {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var a = AgentProgram.start(pair.nodeA(), spec(100, interval), Map.of());
        var b = AgentProgram.start(pair.nodeB(), spec(80, interval), Map.of())) {
      awaitHolder(pair.nodeA(), pair.nodeB());
      b.awaitStatus("web", "state", "Backup");
      int before = transitions(b);

      a.stop();
      awaitHolder(pair.nodeB(), pair.nodeA());
      a.start();
      a.awaitStatus("web", "state", "Master");
      awaitHolder(pair.nodeA(), pair.nodeB());
      b.awaitStatus("web", "state", "Backup");
      assertEquals(before + 2, transitions(b), "master, and backup again");

      int steady = transitions(a);
      pair.nodeA().ip("addr flush dev eth1");
      awaitHolder(pair.nodeA(), pair.nodeB());
      pair.nodeA().ip("addr del 203.0.113.10/24 dev eth1");
      awaitHolder(pair.nodeA(), pair.nodeB());
      assertEquals(steady, transitions(a), "no other state");

      a.kill();
      awaitHolder(pair.nodeB(), pair.nodeA());
      a.start();
      awaitHolder(pair.nodeA(), pair.nodeB());
      assertEquals(before + 4, transitions(b), "master by the kill, and backup again");
    }
  }
}
