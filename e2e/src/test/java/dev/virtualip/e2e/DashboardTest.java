package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Grafana dashboard asks for what there is. */
class DashboardTest {
  private static final Path FILE =
      Installation.DEPLOY.resolve("components/monitoring/dashboard.json");

  /** Metrics that no panel has to show, for others say the same or more. */
  private static final Set<String> NOT_SHOWN =
      Set.of(
          "virtualip_adverts_differing",
          "virtualip_resignations_sent",
          "virtualip_resignations_received",
          "virtualip_check_failing",
          "virtualip_bfd_detection",
          "virtualip_bfd_session_state",
          "virtualip_checks_early",
          "virtualip_agents_upgrade_paused",
          "virtualip_operator_status_writes");

  private final JsonNode dashboard = new JsonMapper().readTree(FILE.toFile());

  DashboardTest() throws IOException {}

  /** All queries, by the title of their panel and their letter. */
  private Map<String, String> queries() {
    var queries = new LinkedHashMap<String, String>();
    for (var panel : dashboard.path("panels")) {
      for (var target : panel.path("targets")) {
        queries.put(
            panel.path("title").asText() + " " + target.path("refId").asText(),
            target.path("expr").asText());
      }
    }
    return queries;
  }

  @Test
  void everyQueryNamesMetricsThatThereAre() {
    queries().forEach(Queries::assertKnown);
    for (var variable : dashboard.at("/templating/list")) {
      if (variable.path("type").asText().equals("query")) {
        Queries.assertKnown(variable.path("name").asText(), variable.at("/query/query").asText());
      }
    }
  }

  @Test
  void everyQueryIsPromQl(@TempDir Path dir) throws IOException, InterruptedException {
    var rules =
        queries().values().stream()
            .map(
                query ->
                    query
                        .replace("$__rate_interval", "5m")
                        .replace("$__range", "6h")
                        .replace("$vip", ".*"))
            .map(query -> Map.of("record", "a:query", "expr", query))
            .toList();
    var groups = Map.of("groups", List.of(Map.of("name", "dashboard", "rules", rules)));
    new YAMLMapper().writeValue(dir.resolve("rules.yaml").toFile(), groups);
    var process =
        new ProcessBuilder("promtool", "check", "rules", "--lint=none", "rules.yaml")
            .directory(dir.toFile())
            .redirectErrorStream(true)
            .start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    assertTrue(output.contains(rules.size() + " rules found"), output);
  }

  @Test
  void everyMetricOfOursIsShown() {
    var all = String.join(" ", queries().values());
    var missing = new TreeSet<String>();
    for (var metrics : List.of(MetricsPage.agent(), MetricsPage.operator())) {
      metrics.keySet().stream()
          .filter(name -> name.startsWith("virtualip_"))
          .map(name -> name.replaceFirst("(_seconds)?(_max|_total)?$", ""))
          .filter(name -> !NOT_SHOWN.contains(name) && !all.contains(name))
          .forEach(missing::add);
    }
    assertEquals(Set.of(), missing);
  }

  @Test
  void noPanelLiesOnAnother() {
    var taken = new HashSet<String>();
    for (var panel : dashboard.path("panels")) {
      var at = panel.path("gridPos");
      for (int x = at.path("x").asInt(); x < at.path("x").asInt() + at.path("w").asInt(); x++) {
        assertTrue(x < 24, panel.path("title").asText());
        for (int y = at.path("y").asInt(); y < at.path("y").asInt() + at.path("h").asInt(); y++) {
          assertTrue(taken.add(x + "," + y), panel.path("title").asText());
        }
      }
    }
  }
}
