package dev.virtualip.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Each case of docs/protocol-cases.md has a test that is called after it, here or in the lab:
 * {@code case7_…}, or {@code case7_8_…} for two.
 */
class ProtocolCasesTest {
  private static final Path CASES = Path.of("../docs/protocol-cases.md");
  private static final List<Path> TESTS = List.of(Path.of("src/test"), Path.of("../e2e/src/test"));
  private static final Pattern ROW = Pattern.compile("(?m)^\\| (\\d+) \\| \\S");
  private static final Pattern METHOD =
      Pattern.compile(
          "@(?:Test|ParameterizedTest|TestFactory)\\b[^;{}]*(?:\\{[^;{}]*}[^;{}]*)*"
              + " case(\\d+(?:_\\d+)*)_\\w+\\(");

  @Test
  void everyCaseHasATest() throws IOException {
    var cases = numbers(ROW, Files.readString(CASES));
    assertEquals(IntStream.rangeClosed(1, cases.size()).boxed().collect(Collectors.toSet()), cases);
    var tested = new TreeSet<Integer>();
    for (var folder : TESTS) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (var file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          tested.addAll(numbers(METHOD, Files.readString(file)));
        }
      }
    }
    assertEquals(cases, tested);
  }

  private static Set<Integer> numbers(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .flatMap(found -> Stream.of(found.group(1).split("_")))
        .map(Integer::valueOf)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
