package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On files such as the kernel's. */
class ProcessProbeTest {
  @TempDir Path proc;

  @BeforeEach
  void self() throws IOException {
    Files.createSymbolicLink(proc.resolve("self"), Path.of("11"));
    Files.createDirectory(proc.resolve("sys"));
  }

  private void process(int pid, String comm, char state, String cmdline) throws IOException {
    var folder = Files.createDirectories(proc.resolve(Integer.toString(pid)));
    Files.writeString(
        folder.resolve("stat"), "%d (%s) %c 1 1 1 0 -1\n".formatted(pid, comm, state));
    Files.writeString(folder.resolve("cmdline"), cmdline.replace(' ', '\0'));
  }

  private String look(ProcessProbe probe) throws IOException {
    return switch (probe.run()) {
      case Probe.Result.Failure failure -> failure.detail();
      default -> "found";
    };
  }

  private String look(String name) throws IOException {
    return look(new ProcessProbe(name, proc));
  }

  @Test
  void aProcessIsFoundByItsName() throws IOException {
    process(7, "a) (b", 'S', "x");
    assertEquals("no process nginx", look("nginx"));
    process(12, "nginx", 'S', "nginx: worker process");
    assertEquals("found", look("nginx"));
    assertEquals("no process ngin", look("ngin"));
    assertEquals("found", look("a) (b"));
  }

  @Test
  void aZombieDoesNotCount() throws IOException {
    process(12, "nginx", 'Z', "");
    assertEquals("no process nginx", look("nginx"));
  }

  @Test
  void aLongNameIsThatOfTheProgram() throws IOException {
    process(12, "kube-controller", 'S', "/usr/bin/kube-controller-other --x");
    assertEquals("no process kube-controller-manager", look("kube-controller-manager"));
    process(13, "kube-controller", 'S', "/usr/bin/kube-controller-manager --x");
    assertEquals("found", look("kube-controller-manager"));
  }

  @Test
  void whenTheOneFoundLastIsGoneItLooksForAnother() throws IOException {
    var probe = new ProcessProbe("nginx", proc);
    process(12, "nginx", 'S', "nginx");
    assertEquals("found", look(probe));
    process(12, "bash", 'S', "bash");
    assertEquals("no process nginx", look(probe));
    process(99, "nginx", 'R', "nginx");
    assertEquals("found", look(probe));
  }

  @Test
  void withoutTheHostsProcessesItSaysWhatIsMissing() throws IOException {
    Files.delete(proc.resolve("self"));
    Files.createSymbolicLink(proc.resolve("self"), Path.of("1"));
    process(1, "nginx", 'S', "");
    assertEquals(
        "process checks see the agent alone: let it see the node's processes (hostPID)",
        look("nginx"));
  }

  /** In the image for scripts the agent is not process 1. */
  @Test
  void underTheImagesInitItSaysTheSame() throws IOException {
    process(1, "systemd", 'S', "");
    assertEquals("no process nginx", look("nginx"));
    process(1, "tini", 'S', "");
    assertEquals(
        "process checks see the agent alone: let it see the node's processes (hostPID)",
        look("nginx"));
  }
}
