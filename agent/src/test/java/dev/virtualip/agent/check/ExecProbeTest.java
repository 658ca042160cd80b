package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.HealthCheck;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecProbeTest {
  private static final String ALL = "rwxr-xr-x";

  private String run(Path scripts, String argument) throws Exception {
    var yaml = "---\n{name: e, exec: {command: [check, '%s']}, timeout: 10s}".formatted(argument);
    var check = Serialization.unmarshal(yaml, HealthCheck.class);
    return switch (Probe.of(ScheduledCheck.ofNode(check), new CheckMeans(null, scripts, null))
        .run()) {
      case Probe.Result.Failure failure -> failure.detail().replace(String.valueOf(scripts), "DIR");
      default -> "good";
    };
  }

  @Test
  void theExitCodeDecidesAndTheFirstLineSaysWhy(@TempDir Path scripts) throws Exception {
    assertEquals("there is no DIR/check: put it there or correct the command", run(scripts, "0"));
    Files.setPosixFilePermissions(scripts, PosixFilePermissions.fromString(ALL));
    var script = Files.writeString(scripts.resolve("check"), "#!/bin/sh\n$1; exit ${1#* }");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString(ALL));
    assertEquals("good", run(scripts, "exit 0"));
    assertEquals("exit 3", run(scripts, "exit 3"));
    assertEquals("exit 5: 5", run(scripts, "echo 5"));
  }

  @Test
  void withoutAScriptsDirectoryNothingIsRun() throws Exception {
    assertEquals("no command may be run: give the agent a scripts directory", run(null, "exit 0"));
  }
}
