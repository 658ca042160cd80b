package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.virtualip.crds.check.CheckedSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever stands in a file: it is refused with a place, or what comes of it is valid. {@code make
 * fuzz} lets Jazzer look for texts that break it; all other runs try what is in the folder {@code
 * ImportFuzzTestInputs} only.
 */
class ImportFuzzTest {
  private static final Path EXAMPLES = Path.of("src/test/resources/dev/virtualip/vip/keepalived");

  @FuzzTest(maxDuration = "60s")
  void noTextBreaksTheImport(byte[] bytes) throws IOException {
    importIt(new String(bytes, StandardCharsets.UTF_8));
  }

  /** Examples with words of their own in places where they do not belong. */
  @Test
  void noExampleWithShuffledWordsBreaksTheImport() throws IOException {
    var random = new Random(17);
    for (var name : List.of("shop-a", "router", "balancer", "template", "odd", "bfd")) {
      var text = Files.readString(EXAMPLES.resolve(name + ".conf"));
      var words = List.of(text.split("\\s+"));
      for (int i = 0; i < 20; i++) {
        var lines = new ArrayList<>(text.lines().toList());
        for (int j = random.nextInt(4); j >= 0; j--) {
          int line = random.nextInt(lines.size());
          switch (random.nextInt(3)) {
            case 0 -> lines.remove(line);
            case 1 -> lines.add(random.nextInt(lines.size()), lines.get(line));
            default -> {
              var parts = lines.get(line).split(" ");
              parts[random.nextInt(parts.length)] = words.get(random.nextInt(words.size()));
              lines.set(line, String.join(" ", parts));
            }
          }
        }
        importIt(String.join("\n", lines));
      }
    }
  }

  private static void importIt(String text) throws IOException {
    var folder = Files.createDirectories(Path.of("target", "fuzz"));
    Configuration configuration;
    try {
      configuration = Configuration.parse("t.conf", text, "main", folder);
    } catch (SyntaxException e) {
      assertTrue(e.getMessage().matches("(?s).*:\\d+:\\d+: .+"), e.getMessage());
      return;
    }
    var result = Import.of(configuration, new ScriptFiles(folder, new Includes(folder, true)));
    for (var manifest : result.manifests()) {
      assertEquals(List.of(), CheckedSpec.check(manifest.object()).problems());
    }
    configuration.directives().forEach(one -> assertTrue(result.report().isClaimed(one)));
  }
}
