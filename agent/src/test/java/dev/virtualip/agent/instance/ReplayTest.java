package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.loop.Recording;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.VirtualRouter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What nodes have recorded with {@code run --record FILE}: the core does the same again. A case
 * from the field becomes a test by its file in {@code src/test/resources/replay}; if the case is a
 * bug, correct the effects in it first.
 */
class ReplayTest {
  private static final Path FOLDER = Path.of("src/test/resources/replay");

  static List<Path> recordings() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      var found = files.filter(f -> f.toString().endsWith(".jsonl")).sorted().toList();
      assertTrue(!found.isEmpty(), "no recordings in " + FOLDER.toAbsolutePath());
      return found;
    }
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void whatWasRecordedHappensAgain(Path file) throws IOException {
    var routers = new HashMap<String, VirtualRouter>();
    int changes = 0;
    int number = 0;
    for (var text : Files.readAllLines(file)) {
      number++;
      var line = Recording.MAPPER.readValue(text, Recording.class);
      if (line.router() != null) {
        routers.put(line.virtualIp(), line.router());
        continue;
      }
      var router = routers.get(line.virtualIp());
      assertNotNull(router, file + ":" + number + ": a step of a router that has not begun");
      var step = router.step(line.event(), line.at());
      assertEquals(line.effects(), step.effects(), file + ":" + number);
      changes += (int) step.effects().stream().filter(StateChanged.class::isInstance).count();
      routers.put(line.virtualIp(), step.router());
    }
    assertTrue(changes > 0, file + " has no change of state");
  }
}
