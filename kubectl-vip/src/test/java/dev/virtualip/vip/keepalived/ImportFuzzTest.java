package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.virtualip.crds.check.CheckedSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Whatever stands in a file: it is refused with a place, or what comes of it is valid. {@code make
 * fuzz} lets Jazzer look for texts that break it; all other runs try what is in the folder {@code
 * ImportFuzzTestInputs} only.
 */
class ImportFuzzTest {
  @FuzzTest(maxDuration = "60s")
  void noTextBreaksTheImport(byte[] bytes) throws IOException, Manifest.Refused {
    var folder = Files.createDirectories(Path.of("target", "fuzz"));
    var text = new String(bytes, StandardCharsets.UTF_8);
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
