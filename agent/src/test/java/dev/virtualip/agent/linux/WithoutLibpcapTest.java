package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.net.Link;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In a JVM of its own, as a library is looked for once: a missing one is a fault, no defect. */
class WithoutLibpcapTest {
  @Test
  void theFaultSaysWhatToInstall() throws IOException {
    var java = Path.of(System.getProperty("java.home"), "bin/java").toString();
    var process =
        new ProcessBuilder(
                java,
                "-Dorg.pcap4j.core.pcapLibName=no-such-library",
                "-cp",
                System.getProperty("java.class.path"),
                Opening.class.getName())
            .start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    var expected =
        "libpcap cannot be loaded: install it (Debian: libpcap0.8), and restart the agent";
    assertEquals(List.of(expected, expected), output.lines().toList());
  }

  static final class Opening {
    public static void main(String[] args) {
      say(Pcap4jPacketPort::load);
      var lo = new Link(1, "lo", true, null, 1500, List.of(), 0, null);
      say(() -> Pcap4jPacketPort.open(lo, null));
    }

    private static void say(Attempt attempt) {
      try {
        attempt.make();
      } catch (IOException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private interface Attempt {
    void make() throws IOException;
  }
}
