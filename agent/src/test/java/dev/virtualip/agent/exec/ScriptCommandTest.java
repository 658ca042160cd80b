package dev.virtualip.agent.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.exec.ScriptCommand.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScriptCommandTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir Path scripts;

  /** JUnit's directory is for root alone. */
  @BeforeEach
  void openToAll() throws IOException {
    mode(scripts, "rwxr-xr-x");
  }

  private static void mode(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  private Path script(String name, String body) throws IOException {
    var file = Files.writeString(scripts.resolve(name), "#!/bin/sh\n" + body);
    mode(file, "rwxr-xr-x");
    return file;
  }

  private Outcome run(Duration limit, String... command) throws IOException {
    return new ScriptCommand(scripts, List.of(command)).run(List.of("more", "and more"), limit);
  }

  private String refusal(String command) {
    return assertThrows(IOException.class, () -> run(LIMIT, command))
        .getMessage()
        .replace(scripts.toString(), "DIR");
  }

  @Test
  void exitCodeOutputAndArgumentsComeAndGo() throws IOException {
    script("check", "echo \"$# $1 $3\"; echo error >&2; exit 3");
    assertEquals(new Outcome(3, false, "3 own and more\nerror"), run(LIMIT, "check", "own"));
    assertEquals(0, run(LIMIT, script("absolute", "exit 0").toString()).exitCode());
  }

  @Test
  void itRunsAsNobodyWithoutCapabilitiesAndCannotGainAny() throws IOException {
    assumeTrue((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "needs root");
    script(
        "who",
        "id -u; id -G; pwd; grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status; env");
    assertEquals(
        List.of(
            "65534",
            "65534",
            "/",
            "CapInh: 0000000000000000",
            "CapPrm: 0000000000000000",
            "CapEff: 0000000000000000",
            "CapAmb: 0000000000000000",
            "NoNewPrivs: 1"),
        run(LIMIT, "who").output().lines().limit(8).map(l -> l.replace('\t', ' ')).toList());
    assertFalse(run(LIMIT, "who").output().contains("JAVA_HOME"), "an environment of its own");
  }

  @Test
  void afterItsLimitItEndsWithAllItHasStarted() throws IOException {
    var pid = scripts.resolve("pid");
    Files.createFile(pid);
    mode(pid, "rw-rw-rw-");
    script("hangs", "trap '' TERM; sleep 1000 & echo $! >" + pid + "; echo begun; wait; wait");
    var outcome = run(Duration.ofMillis(300), "hangs");
    assertTrue(outcome.timedOut());
    assertEquals("begun", outcome.output());
    var child = Path.of("/proc", Files.readString(pid).strip());
    Await.until(() -> !Files.exists(child), () -> child);
  }

  @Test
  void aChildInTheBackgroundIsNotWaitedFor() throws IOException {
    script("leaves", "sleep 3 & echo done");
    assertEquals(new Outcome(0, false, "done"), run(LIMIT, "leaves"));
  }

  @Test
  void muchOutputIsCutAndDoesNotBlock() throws IOException {
    script("chats", "yes | head -c 1000000; exit 7");
    var outcome = run(LIMIT, "chats");
    assertEquals(7, outcome.exitCode());
    assertEquals(ScriptCommand.OUTPUT_MAX, outcome.output().length() + 1, "a line end is stripped");
  }

  @Test
  void anInterruptedCallerWaitsForTheEnd() throws IOException {
    script("slow", "sleep 0.2; echo end");
    Thread.currentThread().interrupt();
    assertEquals("end", run(LIMIT, "slow").output());
    assertTrue(Thread.interrupted());
  }

  @Test
  void onlyExecutableFilesOfTheDirectoryAreRun() throws IOException {
    Files.createSymbolicLink(scripts.resolve("link"), Path.of("/bin/true"));
    Files.writeString(scripts.resolve("data"), "");
    assertEquals("DIR/link is not below DIR: only commands there may be run", refusal("link"));
    assertEquals(
        "/bin/true is not below DIR: only commands there may be run", refusal("/bin/true"));
    assertEquals(
        "DIR/../../bin/true is not below DIR: only commands there may be run"
            .replace("../../bin/true", "../".repeat(scripts.getNameCount()) + "bin/true"),
        refusal("../".repeat(scripts.getNameCount()) + "bin/true"));
    assertEquals(
        "DIR/data is no executable file: chmod 755 (a ConfigMap's defaultMode)", refusal("data"));
    assertEquals("there is no DIR/no: put it there or correct the command", refusal("no"));
  }

  @Test
  void whatItNeedsAndWhereToGetItIsSaid() throws IOException {
    assertEquals("/usr/bin/timeout", ScriptCommand.tool("timeout"));
    assertEquals(
        "there is no no-such-tool here: use the agent's image whose tag ends with -exec, or on a host"
            + " install util-linux and coreutils",
        assertThrows(IOException.class, () -> ScriptCommand.tool("no-such-tool")).getMessage());
  }

  /** Kubernetes mounts a ConfigMap as links into a directory that it replaces as a whole. */
  @Test
  void aConfigMapsLinksAreFine() throws IOException {
    var version = Files.createDirectory(scripts.resolve("..2026"));
    mode(version, "rwxr-xr-x");
    Files.move(script("check", "echo ok"), version.resolve("check"));
    Files.createSymbolicLink(scripts.resolve("..data"), Path.of("..2026"));
    Files.createSymbolicLink(scripts.resolve("check"), Path.of("..data/check"));
    assertEquals("ok", run(LIMIT, "check").output());
  }
}
