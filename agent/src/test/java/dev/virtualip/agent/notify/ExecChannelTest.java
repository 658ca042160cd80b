package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.virtualip.agent.notify.Channel.Undeliverable;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications.Exec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecChannelTest {
  @TempDir Path scripts;

  /** JUnit's directory is for root alone. */
  @BeforeEach
  void openToAll() throws IOException {
    mode(scripts, "rwxrwxrwx");
  }

  private static void mode(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  private void script(String body) throws IOException {
    mode(Files.writeString(scripts.resolve("notify.sh"), "#!/bin/sh\n" + body), "rwxr-xr-x");
  }

  private ExecChannel channel(String timeout, String... command) {
    return new ExecChannel(new Exec(List.of(command), timeout, null), scripts);
  }

  private String failure(ExecChannel channel) {
    return assertThrows(Undeliverable.class, () -> channel.deliver(Notes.MASTER)).getMessage();
  }

  @Test
  void keepalivedsArgumentsFollowItsOwn() throws IOException {
    script("echo \"$#:$*\" >>" + scripts + "/out");
    channel("30s", "notify.sh", "web server", "-x").deliver(Notes.MASTER);
    channel("30s", scripts + "/notify.sh")
        .deliver(Notes.group(dev.virtualip.crds.schema.Notifications.State.Fault));
    assertEquals(
        "6:web server -x INSTANCE web MASTER 80\n4:GROUP edge FAULT 0\n",
        Files.readString(scripts.resolve("out")));
  }

  @Test
  void aScriptThatFailsOrHangsHasFailedForGood() throws IOException {
    script("echo no; exit 3");
    assertEquals("exit code 3", failure(channel("30s", "notify.sh")));
    script("sleep 100");
    assertEquals("not done after 1s, ended", failure(channel("1s", "notify.sh")));
  }

  @Test
  void whatCannotBeRunIsAProblem() throws IOException {
    assertEquals(
        "there is no %s/notify.sh: put it there or correct the command".formatted(scripts),
        failure(channel("30s", "notify.sh")));
    assertEquals(
        List.of(
            new Problem(
                "spec.notifications.exec",
                "/bin/sh is not below %s: only commands there may be run".formatted(scripts))),
        channel("30s", "/bin/sh").problems());
    script("true");
    assertEquals(List.of(), channel("30s", "notify.sh").problems());
  }

  @Test
  void withoutAScriptsDirectoryNothingIsRun() {
    var channel = new ExecChannel(new Exec(List.of("/bin/true"), null, null), null);
    assertEquals(
        "this agent runs no commands: start it with --scripts DIR, in Kubernetes see"
            + " docs/notifications.md",
        failure(channel));
    assertEquals(failure(channel), channel.problems().getFirst().message());
  }
}
