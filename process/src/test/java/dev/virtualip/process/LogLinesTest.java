package dev.virtualip.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class LogLinesTest {
  private static final String STATE =
      "state vip=web state=Master priority=100 cause=\"MasterDown\"";

  private static LogRecord logged(Level level, String message, Throwable thrown) {
    var logged = new LogRecord(level, message);
    logged.setLoggerName("dev.virtualip.agent.VrrpInstance");
    logged.setInstant(Instant.parse("2026-11-24T07:28:24.500Z"));
    logged.setThrown(thrown);
    return logged;
  }

  private static String text(LogRecord logged) {
    return LogFormat.named("text", "node-a").line(logged, 0);
  }

  private static JsonNode json(LogRecord logged) throws IOException {
    var line = LogFormat.named("json", "node-a").line(logged, 0);
    assertEquals(1, line.lines().count(), line);
    return new JsonMapper().readTree(line);
  }

  @Test
  void aTransitionIsOneLineOfText() {
    assertEquals(
        "2026-11-24T07:28:24.500Z INFO  VrrpInstance " + STATE + " node=node-a\n",
        text(logged(Level.INFO, STATE, null)));
  }

  @Test
  void aLineThatNamesItsNodeDoesSoOnce() {
    assertTrue(text(logged(Level.INFO, "start node=b", null)).endsWith(" start node=b\n"));
  }

  @Test
  void pairsAreFieldsInJson() throws IOException {
    var line = json(logged(Level.INFO, STATE, null));
    assertEquals("state", line.get("message").asText());
    assertEquals("INFO", line.get("level").asText());
    assertEquals("VrrpInstance", line.get("logger").asText());
    assertEquals("node-a", line.get("node").asText());
    assertEquals("web", line.get("vip").asText());
    assertEquals("Master", line.get("state").asText());
    assertEquals("100", line.get("priority").asText());
    assertEquals("MasterDown", line.get("cause").asText());
  }

  @Test
  void quotesBlanksAndControlCharactersSurviveJson() throws IOException {
    var line =
        json(logged(Level.WARNING, "failed error=\"no \"x\" in a=b\tc\\d\": trying\nagain", null));
    assertEquals("no \"x\" in a=b\tc\\d", line.get("error").asText());
    assertEquals("failed : trying again", line.get("message").asText());
  }

  @Test
  void aPairNeverHidesTheTime() throws IOException {
    var line = json(logged(Level.INFO, "late time=5ms", null));
    assertEquals("2026-11-24T07:28:24.500Z", line.get("time").asText());
    assertEquals("late time=5ms", line.get("message").asText());
  }

  @Test
  void onlyAnErrorShowsAStackTrace() throws IOException {
    var failure = new IllegalStateException("first\n  second");
    var warning = text(logged(Level.WARNING, "odd", failure));
    assertTrue(
        warning.endsWith(
            " odd node=node-a exception=\"java.lang.IllegalStateException: first second\"\n"),
        warning);
    assertTrue(text(logged(Level.SEVERE, "defect", failure)).contains("\tat dev.virtualip"));
    assertTrue(
        json(logged(Level.SEVERE, "defect", failure)).get("stack").asText().contains("\n\tat "));
  }

  @Test
  void theSameLinePassesOnceASecondAndTellsHowOftenItDidNot() {
    var repetitions = new Repetitions();
    assertEquals(0, repetitions.before("a", 0));
    assertEquals(-1, repetitions.before("a", 1));
    assertEquals(-1, repetitions.before("a", 999_999_999));
    assertEquals(0, repetitions.before("b", 999_999_999));
    assertEquals(2, repetitions.before("a", 1_000_000_000));
    assertEquals(0, repetitions.before("a", 2_000_000_000));
  }

  @Test
  void heldBackLinesAreCountedAndSilencedOnesAreNot() {
    var bytes = new ByteArrayOutputStream();
    var lines =
        new LogLines(
            LogFormat.named("text", null), new PrintStream(bytes, true, StandardCharsets.UTF_8));
    lines.publish(logged(Level.INFO, "again", null));
    lines.publish(logged(Level.INFO, "again", null));
    lines.publish(logged(Level.INFO, "another", null));
    MDC.put(LogLines.SILENCE, "why");
    lines.publish(logged(Level.INFO, "never said", null));
    MDC.remove(LogLines.SILENCE);
    assertEquals(2, bytes.toString(StandardCharsets.UTF_8).lines().count());
    assertTrue(
        LogFormat.named("text", null)
            .line(logged(Level.INFO, "again", null), 3)
            .endsWith(" again repeated=3\n"));
  }

  @Test
  void unknownSettingsAreRefusedWithTheKnownOnes() {
    var level =
        assertThrows(
            IllegalArgumentException.class,
            () -> LogLines.install(Map.of("LOG_LEVEL", "loud"), null, Map.of()));
    assertEquals(
        "LOG_LEVEL=loud is no log level: use ERROR, WARN, INFO or DEBUG", level.getMessage());
    var format =
        assertThrows(
            IllegalArgumentException.class,
            () -> LogLines.install(Map.of("LOG_FORMAT", "xml"), null, Map.of()));
    assertEquals("LOG_FORMAT=xml is no log format: use text or json", format.getMessage());
  }
}
