package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The public workflows run what was reviewed, with no more rights than they need. */
class WorkflowsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        ".github/workflows/test.yaml",
        ".github/workflows/release.yaml",
        "deploy/examples/gitops/.github/workflows/validate.yaml"
      })
  void everyActionIsPinnedByCommitWithItsVersionBesideIt(String workflow) throws IOException {
    for (var line : Files.readAllLines(Path.of("..", workflow))) {
      if (line.strip().matches("(- )?uses:.*")) {
        assertTrue(
            line.matches(".*uses: [A-Za-z0-9_./-]+@[0-9a-f]{40} # v[0-9]+\\.[0-9]+\\.[0-9]+"),
            workflow + ": " + line);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {".github/workflows/test.yaml", ".github/workflows/release.yaml"})
  void whatRunsTheBuildWritesNothing(String workflow) throws IOException {
    var text = Files.readString(Path.of("..", workflow));
    var build =
        text.contains("\n  publish:") ? text.substring(0, text.indexOf("\n  publish:")) : text;
    assertTrue(build.contains("permissions:"), "else the repository's default, which may be all");
    assertEquals(-1, build.indexOf(": write"), build);
  }
}
