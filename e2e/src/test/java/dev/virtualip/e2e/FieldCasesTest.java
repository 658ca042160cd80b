package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tests that tables of the docs name are there. */
class FieldCasesTest {
  /** As in {@code `RulesIT`} or {@code `RulesIT.theRuleMoves`}; without a class, the one before. */
  private static final Pattern TEST = Pattern.compile("`([A-Z]\\w*(?:Test|IT))?(?:\\.(\\w+))?`");

  @ParameterizedTest
  @CsvSource({"field-cases.md, 50", "services.md, 25"})
  void everyTestThatIsNamedIsThere(String page, int atLeast) throws IOException {
    var there =
        Source.all("test").stream()
            .flatMap(
                source ->
                    source.methods().stream().map(method -> source.name() + "." + method.name()))
            .collect(Collectors.toSet());
    var classes = there.stream().map(name -> name.replaceFirst("\\..*", "")).toList();
    var missing = new TreeSet<String>();
    var rows =
        Files.readString(Source.ROOT.resolve("docs/" + page))
            .lines()
            .filter(line -> line.startsWith("|"))
            .collect(Collectors.joining("\n"));
    var tests = TEST.matcher(rows);
    var last = "";
    int found = 0;
    while (tests.find()) {
      last = tests.group(1) == null ? last : tests.group(1);
      var method = tests.group(2);
      if (method == null ? !classes.contains(last) : !there.contains(last + "." + method)) {
        missing.add(tests.group());
      }
      found++;
    }
    assertEquals(Set.of(), missing);
    assertTrue(found > atLeast, "the page names tests");
  }
}
