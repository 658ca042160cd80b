package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EqualPrioritiesTest {
  private static final String PRIORITIES =
      "nodes: {overrides: [{name: a, priority: 150}, {name: b, priority: 100}]}";

  private static String note(String yaml, Map<String, InetAddress> addresses, String... nodes) {
    return EqualPriorities.note(spec(yaml), List.of(nodes), addresses).orElse("");
  }

  private static InetAddress ip(String text) {
    return IpPrefix.parseAddress(text);
  }

  @Test
  void nodesOfDifferentPrioritiesAreNoNews() {
    assertEquals(
        Optional.empty(), EqualPriorities.note(spec(PRIORITIES), List.of("a", "b"), Map.of()));
    assertEquals(Optional.empty(), EqualPriorities.note(spec(""), List.of("a"), Map.of()));
  }

  @Test
  void aNodeThatIsNotNamedHasTheDefault() {
    assertEquals(
        "b and c have equal priority 100: the first to be master stays it, of several at once the"
            + " one with the greater address",
        note(PRIORITIES, Map.of("b", ip("10.0.0.2")), "a", "b", "c"));
  }

  @Test
  void theGreaterAddressWinsByItsBytes() {
    assertEquals(
        "a and b have equal priority 100: the first to be master stays it, of several at once a,"
            + " whose address is greater (10.0.0.200)",
        note("", Map.of("a", ip("10.0.0.200"), "b", ip("10.0.0.99")), "a", "b"));
  }

  @Test
  void ofManyAFewAreNamed() {
    assertEquals(
        "a, b, c and 2 more have equal priority 100",
        note("", Map.of(), "a", "b", "c", "d", "e").split(":")[0]);
  }
}
