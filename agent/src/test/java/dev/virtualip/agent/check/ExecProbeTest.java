package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.HealthCheck;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecProbeTest {
  private static final InetAddress SERVER = InetAddress.ofLiteral("10.0.0.21");
  private static final String ALL = "rwxr-xr-x";

  private String run(Path scripts, String argument) throws Exception {
    return run(scripts, argument, "");
  }

  private String run(Path scripts, String argument, String more) throws Exception {
    var yaml =
        "---\n{name: e, exec: {command: [check, '%s']%s}, timeout: 10s}".formatted(argument, more);
    var check = Serialization.unmarshal(yaml, HealthCheck.class);
    return switch (Probe.of(
            ScheduledCheck.ofServer(check, SERVER, 80),
            new CheckMeans(null, scripts, null, null, null))
        .run()) {
      case Probe.Result.Failure failure -> failure.detail().replace(String.valueOf(scripts), "DIR");
      case Probe.Result.Success good when good.serverWeight() != null ->
          "weight " + good.serverWeight();
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
    var tells = "#!/bin/sh\necho $VIRTUALIP_SERVER_ADDRESS $VIRTUALIP_SERVER_PORT; exit 7";
    Files.writeString(script, tells);
    assertEquals("exit 7: 10.0.0.21 80", run(scripts, ""));
  }

  /** keepalived: misc_dynamic. */
  @Test
  void theExitCodeMayBeAWeight(@TempDir Path scripts) throws Exception {
    Files.setPosixFilePermissions(scripts, PosixFilePermissions.fromString(ALL));
    var script = Files.writeString(scripts.resolve("check"), "#!/bin/sh\nexit $1");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString(ALL));
    var weighs = ", weightByExitCode: true";
    assertEquals("good", run(scripts, "0", weighs));
    assertEquals("exit 1", run(scripts, "1", weighs));
    assertEquals("weight 0", run(scripts, "2", weighs));
    assertEquals("weight 253", run(scripts, "255", weighs));
    assertEquals("exit 2", run(scripts, "2"));
  }

  @Test
  void withoutAScriptsDirectoryNothingIsRun() throws Exception {
    assertEquals("no command may be run: give the agent a scripts directory", run(null, "exit 0"));
  }
}
