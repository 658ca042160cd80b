package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Which metrics and labels a query names. */
final class Queries {
  private static final Pattern SELECTOR =
      Pattern.compile("\\b((?:virtualip|jvm|process|system)_\\w+|up)\\b(?:\\{([^}]*)})?");
  private static final Pattern MATCHER = Pattern.compile("(\\w+)\\s*(?:=~|!~|!=|=)\\s*\"");

  /** Labels that Prometheus adds, and the one that tells a histogram's buckets apart. */
  private static final Set<String> ADDED = Set.of("job", "instance", "node", "pod", "le");

  private static final Map<String, Set<String>> KNOWN = known();

  private Queries() {}

  private static Map<String, Set<String>> known() {
    var known = new HashMap<String, Set<String>>();
    known.put("up", Set.of());
    for (var metrics : List.of(MetricsPage.agent(), MetricsPage.operator())) {
      for (var metric : metrics.values()) {
        metric.series().forEach(name -> known.put(name, metric.labels()));
      }
    }
    return known;
  }

  /** Fails if a query names a metric, or a label of one, that neither program has. */
  static void assertKnown(String where, String query) {
    var selectors = SELECTOR.matcher(query).results().toList();
    assertTrue(!selectors.isEmpty(), where + " asks for nothing: " + query);
    for (var selector : selectors) {
      var labels = KNOWN.get(selector.group(1));
      assertTrue(labels != null, where + ": there is no metric " + selector.group(1));
      if (selector.group(2) != null) {
        MATCHER
            .matcher(selector.group(2))
            .results()
            .map(m -> m.group(1))
            .forEach(
                label ->
                    assertTrue(
                        labels.contains(label) || ADDED.contains(label),
                        where + ": " + selector.group(1) + " has no label " + label));
      }
    }
  }
}
