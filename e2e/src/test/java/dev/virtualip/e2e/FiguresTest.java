package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * What pages say was measured stands in docs/benchmarks.txt, as the benchmark printed it. {@code
 * -Ddocs.rewrite=true} writes the table of README.md anew from it.
 */
class FiguresTest {
  private static final Path README = Path.of("../README.md");
  private static final Path BENCHMARKS = Path.of("../docs/benchmarks.txt");
  private static final Path SOAK = Path.of("../docs/soak.txt");
  private static final String MOVES = "Client without service, ms: v2, 1 s";
  private static final Pattern MEASURED =
      Pattern.compile("^\\|.*\\| *[0-9][0-9.,]* ?(ms|MiB|MB|% of a core)( \\([^|]*\\))? *\\|");

  @Test
  void readmeHasTheFiguresOfTheBenchmark() throws IOException {
    var table = new GeneratedTable(README, "figures");
    if (Boolean.getBoolean("docs.rewrite")) {
      table.write(figures());
    }
    assertEquals(
        figures(), table.rows(), "README.md is out of date: run `make docs` and commit it");
  }

  @Test
  void noPageHasATableOfMeasurementsThatNoProgramWrote() throws IOException {
    var byHand = new ArrayList<String>();
    try (var pages = Files.list(Path.of("../docs"))) {
      for (var page : pages.filter(p -> p.toString().endsWith(".md")).sorted().toList()) {
        byHand(page, byHand);
      }
    }
    byHand(README, byHand);
    assertEquals(List.of(), byHand);
  }

  @Test
  void whatIsRequestedOfMemoryIsWhatWasMeasured() throws IOException {
    var manifests = Path.of("../operator/src/main/resources/dev/virtualip/operator/decide");
    requests(manifests.resolve("agent-daemonset.yaml"), "agent");
    requests(Path.of("../samples/20-control-plane/static-pod.yaml"), "agent");
    requests(Path.of("../deploy/base/operator.yaml"), "operator");
  }

  /** Less would have it evicted first when memory is short; much more would be other pods' room. */
  private static void requests(Path manifest, String program) throws IOException {
    var request = Pattern.compile("memory: (\\d+)Mi").matcher(Files.readString(manifest));
    assertTrue(request.find());
    var measured = Pattern.compile("^" + program + " .*resident memory.* ([0-9.]+)\\)$");
    double most =
        Files.readAllLines(SOAK).stream()
            .map(measured::matcher)
            .filter(Matcher::find)
            .mapToDouble(found -> Double.parseDouble(found.group(1)))
            .max()
            .orElseThrow();
    int requested = Integer.parseInt(request.group(1));
    assertTrue(requested >= most && requested <= 1.25 * most, manifest + ": " + most + " MiB");
  }

  private static void byHand(Path page, List<String> found) throws IOException {
    boolean generated = false;
    boolean code = false;
    for (var line : Files.readAllLines(page)) {
      code ^= line.startsWith("```");
      generated = line.startsWith("<!-- ") ? !line.startsWith("<!-- end of ") : generated;
      if (!code && !generated && MEASURED.matcher(line).matches()) {
        found.add(page.getFileName() + ": " + line);
      }
    }
  }

  private static List<String> figures() throws IOException {
    var rows = new ArrayList<String>();
    rows.add("| what happens to the node that has the address | virtualip | keepalived |");
    rows.add("| --- | --- | --- |");
    rows.add(row("its program is stopped", MOVES + ", one address", "graceful stop"));
    rows.add(row("nginx ends", MOVES + ", one address", "nginx fails"));
    rows.add(row("the NIC of the address is down", MOVES + ", one address", "VIP link down"));
    rows.add(row("it is cut off", MOVES + ", one address", "node cut"));
    rows.add(row("it is cut off; with BFD", MOVES + ", BFD, one address", "node cut"));
    rows.add(row("its program is killed, nginx serves on", MOVES + ", one address", "crash"));
    return rows;
  }

  /** The medians of both programs in the row of a table of docs/benchmarks.txt. */
  private static String row(String what, String title, String move) throws IOException {
    var lines = Files.readAllLines(BENCHMARKS);
    int table = lines.indexOf("== " + title);
    for (var line : lines.subList(table + 1, lines.size())) {
      var figures = Pattern.compile("^" + move + ".*? {2,}(\\d+) \\(.*?\\) +(\\d+) \\(");
      var found = figures.matcher(line);
      if (table >= 0 && found.find()) {
        return "| %s | %s ms | %s ms |".formatted(what, found.group(1), found.group(2));
      }
    }
    throw new IllegalStateException(
        "%s: no row \"%s\" below \"%s\"".formatted(BENCHMARKS, move, title));
  }
}
