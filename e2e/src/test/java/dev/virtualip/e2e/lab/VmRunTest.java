package dev.virtualip.e2e.lab;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

class VmRunTest {
  @TempDir private Path dir;
  private VmRun run;

  @BeforeEach
  void aVmThatWasKilled() throws IOException {
    var outcomes =
        """
        {"id":"class","status":"SUCCESSFUL","text":""}
        {"id":"good","status":"SUCCESSFUL","text":""}
        {"id":"bad","status":"FAILED","text":"expected: 1"}
        {"id":"absent","status":"ABORTED","text":"no such kernel"}
        """;
    run = new VmRun(Files.writeString(dir.resolve("outcomes"), outcomes), "killed");
  }

  @Test
  void eachTestEndsAsItDidInTheVm() {
    assertDoesNotThrow(() -> run.replay("good"));
    var failure = assertThrows(AssertionError.class, () -> run.replay("bad"));
    assertEquals("in the VM: expected: 1", failure.getMessage());
    var skipped = assertThrows(TestAbortedException.class, () -> run.replay("absent"));
    assertEquals("no such kernel", skipped.getMessage());
    assertThrows(TestAbortedException.class, () -> run.replay("absent/test"));
  }

  @Test
  void aTestThatTheVmDidNotGetToHasFailed() {
    var failure = assertThrows(AssertionError.class, () -> run.replay("class/late"));
    assertEquals("the VM ended before this test: killed", failure.getMessage());
  }
}
