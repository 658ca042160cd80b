package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/metrics.md is what the programs register. {@code -Ddocs.rewrite=true} writes it anew. */
class MetricsTest {
  private static final Path PAGE = Path.of("../docs/metrics.md");
  private static final Pattern NAME = Pattern.compile("\"(virtualip(?:\\.[a-z]+)+)\"");
  private static final List<Path> SOURCES =
      List.of(Path.of("../agent/src/main/java"), Path.of("../operator/src/main/java"));

  @Test
  void thePageIsCurrent() throws IOException {
    if (Boolean.getBoolean("docs.rewrite")) {
      Files.writeString(PAGE, MetricsPage.text());
    }
    assertEquals(
        MetricsPage.text(),
        Files.readString(PAGE),
        "docs/metrics.md is out of date: run `make docs` and commit it");
  }

  @Test
  void everyMetricOfTheSourcesIsOnThePage() throws IOException {
    var missing = new TreeSet<String>();
    var known = new TreeSet<>(MetricsPage.agent().keySet());
    known.addAll(MetricsPage.operator().keySet());
    for (var folder : SOURCES) {
      try (var files = Files.walk(folder)) {
        for (var file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          var source = Files.readString(file);
          if (!source.contains("io.micrometer")) {
            continue;
          }
          NAME.matcher(source)
              .results()
              .map((MatchResult m) -> m.group(1).replace('.', '_'))
              .filter(name -> known.stream().noneMatch(k -> k.startsWith(name)))
              .forEach(missing::add);
        }
      }
    }
    assertEquals(new TreeSet<>(), missing);
  }

  @Test
  void everyMetricSaysWhatItIs() {
    var silent = new TreeSet<String>();
    for (var metrics : List.of(MetricsPage.agent(), MetricsPage.operator())) {
      metrics.values().stream()
          .filter(metric -> metric.help().isBlank())
          .forEach(metric -> silent.add(metric.name()));
    }
    assertEquals(new TreeSet<>(), silent);
  }
}
