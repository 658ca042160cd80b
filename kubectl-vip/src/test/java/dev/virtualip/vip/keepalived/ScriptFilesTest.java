package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scripts that stand beside a configuration. */
class ScriptFilesTest {
  private static final Directive FROM =
      new Directive(List.of("script"), null, new Place("a.conf", 1, 1), 1);

  @TempDir private Path folder;

  private String check(String text) throws IOException {
    Files.writeString(folder.resolve("check.sh"), "#!/bin/sh\n# A check\n" + text);
    return new ScriptFiles(folder, new Includes(null, false))
        .check("/opt/elsewhere/check.sh", new Idioms(FROM, null))
        .map(check -> check.kind() + " " + check.fields().plain() + " " + check.how())
        .orElse("");
  }

  @Test
  void oneCommandIsWhatItAsks() throws IOException {
    assertEquals("process {name=nginx} []", check("set -e\n\npidof nginx || exit 1\n"));
    assertEquals("tcp {port=80} []", check("nc -z 127.0.0.1 80\nexit $?\n"));
    assertEquals(
        "process {name=nginx} []", check("if ! pidof nginx >/dev/null; then\n  exit 1\nfi\n"));
    assertEquals(
        "process {name=nginx} []", check("if ! pidof nginx; then\n  exit 1\nelse\n  exit 0\nfi\n"));
  }

  @Test
  void aScriptThatEndsKeepalivedWithoutNginxIsAFault() throws IOException {
    assertEquals(
        "process {name=nginx} [the script ends keepalived without nginx; here the node is at fault then]",
        check(
            "counter=$(ps -C nginx --no-heading|wc -l)\nif [ $counter = 0 ]; then\n  killall keepalived\nfi\n"));
    assertEquals(
        "process {name=haproxy} [the script ends keepalived without haproxy; here the node is at fault"
            + " then, the script starts it again: let systemd do that]",
        check(
            "if ! pidof haproxy; then\n  systemctl start haproxy\n  sleep 2\n"
                + "  pidof haproxy || /etc/init.d/keepalived stop\nfi\n"));
  }

  @Test
  void othersAreCommands() throws IOException {
    assertEquals("", check("pidof nginx\npidof haproxy\n"));
    assertEquals("", check("[ -f /run/ok ]\n"));
    assertEquals("", check("killall keepalived\n"));
    assertEquals("", check(""));
  }
}
