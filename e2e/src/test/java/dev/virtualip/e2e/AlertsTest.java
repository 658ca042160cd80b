package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The alerts, as Prometheus' own promtool judges them. */
class AlertsTest {
  private static final Path MONITORING = Installation.DEPLOY.resolve("components/monitoring");
  private static final Path TESTS = MONITORING.resolve("alerts-test.yaml");
  private static final YAMLMapper YAML = new YAMLMapper();

  private static final Pattern FIRES =
      Pattern.compile("alertname=\"(\\w+)\",alertstate=\"firing\",severity");

  private static final String RUNBOOKS =
      "https://github.com/virtualip/virtualip/blob/main/docs/runbooks.md#";

  /** What clients see, what it means, commands, and what to do. */
  private static final Pattern RUNBOOK =
      Pattern.compile(
          "(?s)\\w+\\s+\\*\\*Symptom\\.\\*\\* .+\\*\\*Meaning\\.\\*\\* .+"
              + "\\*\\*Look\\*\\*\\s+```sh\\n.+```\\s+\\*\\*Do\\*\\*\\s+- .+");

  @TempDir private Path dir;

  @BeforeEach
  void plainRules() throws IOException {
    var rule = YAML.readTree(MONITORING.resolve("alerts.yaml").toFile());
    YAML.writeValue(dir.resolve("rules.yaml").toFile(), rule.path("spec"));
    Files.copy(TESTS, dir.resolve("alerts-test.yaml"));
  }

  private void promtool(String... arguments) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("promtool"));
    command.addAll(List.of(arguments));
    var process =
        new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
  }

  @Test
  void theyAreRules() throws IOException, InterruptedException {
    promtool("check", "rules", "rules.yaml");
  }

  @Test
  void theyFireWhenTheyShouldAndOnlyThen() throws IOException, InterruptedException {
    promtool("test", "rules", "alerts-test.yaml");
  }

  @Test
  void eachOfThemHasATestInWhichItFires() throws IOException {
    var fired = new TreeSet<String>();
    FIRES.matcher(Files.readString(TESTS)).results().forEach(m -> fired.add(m.group(1)));
    var alerts = new TreeSet<String>();
    for (var rule : YAML.readTree(dir.resolve("rules.yaml").toFile()).at("/groups/0/rules")) {
      alerts.add(rule.path("alert").asText());
    }
    assertEquals(alerts, fired);
  }

  @Test
  void eachOfThemLeadsToItsRunbookAndEachRunbookIsWhole() throws IOException {
    var page = Files.readString(Installation.DEPLOY.resolve("../docs/runbooks.md"));
    var sections = new TreeMap<String, String>();
    for (var section : page.split("(?m)^## ")) {
      sections.put(section.lines().findFirst().orElseThrow(), section);
    }
    sections.remove("# Runbooks");
    var alerts = new TreeSet<String>();
    for (var rule : YAML.readTree(dir.resolve("rules.yaml").toFile()).at("/groups/0/rules")) {
      var alert = rule.path("alert").asText();
      alerts.add(alert);
      assertEquals(
          RUNBOOKS + alert.toLowerCase(Locale.ROOT),
          rule.at("/annotations/runbook_url").asText(),
          alert);
    }
    assertEquals(alerts, sections.keySet());
    sections.forEach(
        (alert, section) -> assertTrue(RUNBOOK.matcher(section).matches(), alert + ": " + section));
  }

  @Test
  void theyAskForMetricsThatThereAre() throws IOException {
    for (var rule : YAML.readTree(dir.resolve("rules.yaml").toFile()).at("/groups/0/rules")) {
      Queries.assertKnown(rule.path("alert").asText(), rule.path("expr").asText());
    }
  }
}
