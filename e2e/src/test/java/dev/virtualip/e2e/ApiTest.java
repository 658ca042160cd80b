package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** docs/api.md is what the CRD says. {@code -Ddocs.rewrite=true} writes it anew. */
class ApiTest {
  private static final Path PAGE = Path.of("../docs/api.md");

  @Test
  void thePageIsCurrent() throws IOException {
    if (Boolean.getBoolean("docs.rewrite")) {
      Files.writeString(PAGE, ApiPage.text());
    }
    assertEquals(
        ApiPage.text(),
        Files.readString(PAGE),
        "docs/api.md is out of date: run `make docs` and commit it");
  }

  @Test
  void everyFieldSaysWhatItIs() throws IOException {
    var silent = ApiPage.text().lines().filter(l -> l.startsWith("| `") && l.endsWith("|  |"));
    assertFalse(silent.findAny().isPresent());
  }
}
