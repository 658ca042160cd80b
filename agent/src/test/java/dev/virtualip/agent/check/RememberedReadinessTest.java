package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.agent.disk.BootFile;
import dev.virtualip.crds.schema.LabelSelector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RememberedReadinessTest {
  private static final Optional<Readiness> UNKNOWN = Optional.empty();
  private static final Optional<Readiness> READY = Optional.of(Readiness.Ready);
  private static final Optional<Readiness> TERMINATING = Optional.of(Readiness.Terminating);
  private static final Optional<Readiness> NONE = Optional.of(Readiness.None);
  private static final LabelSelector SELECTOR =
      new LabelSelector(
          Map.of("app", "x"),
          List.of(new LabelSelector.Requirement("tier", LabelSelector.Operator.Exists, null)));

  @TempDir Path folder;

  private Optional<Readiness> ask(Optional<Readiness> live, String namespace) throws IOException {
    return ask(live, namespace, "boot-1");
  }

  /** A life of the agent that asks once. */
  private Optional<Readiness> ask(Optional<Readiness> live, String namespace, String boot)
      throws IOException {
    var bootId = Files.writeString(folder.resolve("boot_id"), boot + "\n");
    return new RememberedReadiness(
            new BootFile(folder.resolve("state/pods.json"), bootId), (_, _) -> live)
        .readiness(namespace, SELECTOR);
  }

  @Test
  void theLastAnswerOutlivesTheAgentWhileTheApiServerIsAway() throws IOException {
    assertEquals(UNKNOWN, ask(UNKNOWN, "ns"));
    assertEquals(READY, ask(READY, "ns"));
    assertEquals(READY, ask(UNKNOWN, "ns"));
    assertEquals(UNKNOWN, ask(UNKNOWN, "other"));
    assertEquals(NONE, ask(NONE, "ns"), "the server knows better");
    assertEquals(NONE, ask(UNKNOWN, "ns"));
  }

  @Test
  void aPodThatWasTerminatingIsGoneForTheNextLife() throws IOException {
    assertEquals(TERMINATING, ask(TERMINATING, "ns"));
    assertEquals(NONE, ask(UNKNOWN, "ns"));
  }

  @Test
  void afterARebootNothingIsKnown() throws IOException {
    ask(READY, "ns");
    assertEquals(UNKNOWN, ask(UNKNOWN, "ns", "boot-2"));
  }

  @Test
  void aBrokenFileIsIgnoredAndWrittenAnew() throws IOException {
    Files.createDirectories(folder.resolve("state"));
    Files.writeString(folder.resolve("state/pods.json"), "{\"answers\": [nu");
    assertEquals(UNKNOWN, ask(UNKNOWN, "ns"));
    ask(READY, "ns");
    assertEquals(READY, ask(UNKNOWN, "ns"));
  }
}
