package dev.virtualip.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Reads the sources and holds them to the rules that keep the design what it is. */
class TidyTest {
  private static final Path MAIN = Path.of("src/main/java/dev/virtualip/agent");
  private static final int METHOD_LINES_MAX = 70;
  private static final Pattern IMPORT = Pattern.compile("import (?:static )?([\\w.]+)\\.[\\w*]+;");
  private static final Pattern METHOD =
      Pattern.compile("  (?!class|record|interface|enum)[\\w<>\\[\\], .@?]+\\([^;]*\\{");

  @Test
  void theProtocolImportsNothingButJavaAndItself() throws IOException {
    var offences = new ArrayList<String>();
    for (var file : sources(MAIN.resolve("vrrp"))) {
      for (var line : Files.readAllLines(file)) {
        var match = IMPORT.matcher(line);
        if (match.matches() && !pure(match.group(1))) {
          offences.add(file.getFileName() + ": " + line);
        }
      }
    }
    assertEquals(List.of(), offences);
  }

  private static boolean pure(String imported) {
    return imported.startsWith("dev.virtualip.agent.vrrp")
        || imported.startsWith("java.") && !imported.startsWith("java.util.concurrent");
  }

  @Test
  void theProtocolHasNoClockThreadOrSocket() throws IOException {
    var banned =
        Pattern.compile(
            "System\\.|Instant\\.now|Thread|Socket|Files\\.|NetworkInterface|LoggerFactory|Random");
    var offences = new ArrayList<String>();
    for (var file : sources(MAIN.resolve("vrrp"))) {
      for (var line : Files.readAllLines(file)) {
        if (banned.matcher(line).find()) {
          offences.add(file.getFileName() + ": " + line);
        }
      }
    }
    assertEquals(List.of(), offences);
  }

  @Test
  void onlyNetlinkCallsForeignFunctions() throws IOException {
    for (var file : sources(MAIN)) {
      if (!file.startsWith(MAIN.resolve("netlink"))) {
        assertTrue(!Files.readString(file).contains("java.lang.foreign"), file.toString());
      }
    }
  }

  @Test
  void methodsFitAScreen() throws IOException {
    var offences = new ArrayList<String>();
    for (var file : sources(MAIN)) {
      int start = -1;
      var lines = Files.readAllLines(file);
      for (int i = 0; i < lines.size(); i++) {
        if (METHOD.matcher(lines.get(i)).lookingAt()) {
          start = i;
        } else if (lines.get(i).equals("  }") && start >= 0) {
          if (i - start > METHOD_LINES_MAX) {
            offences.add(file.getFileName() + ":" + (start + 1));
          }
          start = -1;
        }
      }
    }
    assertEquals(List.of(), offences);
  }

  private static List<Path> sources(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      var found = files.filter(f -> f.toString().endsWith(".java")).sorted().toList();
      assertTrue(!found.isEmpty(), "no sources below " + folder.toAbsolutePath());
      return found;
    }
  }
}
