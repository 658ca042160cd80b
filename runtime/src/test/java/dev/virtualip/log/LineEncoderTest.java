package dev.virtualip.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LineEncoderTest {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  private final LineEncoder encoder = new LineEncoder();
  private Instant now = NOON;

  @BeforeEach
  void nameTheNode() {
    System.setProperty(LineEncoder.NODE, "node-a");
  }

  @AfterEach
  void forgetTheNode() {
    System.clearProperty(LineEncoder.NODE);
  }

  private String log(Throwable thrown, String format, Object... arguments) {
    var logger = new LoggerContext().getLogger("dev.virtualip.agent.InstanceStatus");
    var event = new LoggingEvent("", logger, Level.INFO, format, thrown, arguments);
    event.setInstant(now);
    return new String(encoder.encode(event), StandardCharsets.UTF_8);
  }

  private JsonNode json(Throwable thrown, String format, Object... arguments) {
    encoder.setFormat("json");
    var line = log(thrown, format, arguments);
    assertEquals(1, line.lines().count(), line);
    assertTrue(line.endsWith("\n"));
    try {
      return new JsonMapper().readTree(line);
    } catch (IOException e) {
      throw new AssertionError(line, e);
    }
  }

  @Test
  void aFactIsOneLineWithTheNode() {
    assertEquals(
        "2026-01-01T12:00:00.000Z INFO  InstanceStatus state vip=web state=Master node=node-a\n",
        log(null, "state vip={} state={}", "web", "Master"));
  }

  @Test
  void asJsonEachKeyIsAFieldOfItsOwn() {
    var line =
        json(
            null,
            "state vip={} priority={} reason=\"{}\" took={}",
            "web",
            150,
            "CheckFailed(nginx), \"quoted\"",
            "8.31ms");
    assertEquals(
        "{\"time\":\"2026-01-01T12:00:00.000Z\",\"level\":\"INFO\",\"logger\":\"InstanceStatus\","
            + "\"node\":\"node-a\",\"msg\":\"state\",\"vip\":\"web\",\"priority\":150,"
            + "\"reason\":\"CheckFailed(nginx), \\\"quoted\\\"\",\"took\":\"8.31ms\"}",
        line.toString());
  }

  @Test
  void asJsonWordsBesideTheKeysAreTheMessage() {
    var line =
        json(null, "status_not_written vip={} error=\"{}\": trying {}", "web", "500", "again");
    assertEquals("status_not_written: trying again", line.get("msg").asText());
    assertEquals("500", line.get("error").asText());
    assertEquals("will_end", json(null, "x leases=will_end").get("leases").asText());
    assertEquals(
        "10.0.0.1:80 refused",
        json(null, "x at=\"{} {}\"", "10.0.0.1:80", "refused").get("at").asText());
    assertEquals(
        "[\"web\",\"dns\"]", json(null, "x run={}", List.of("web", "dns")).get("run").toString());
    assertEquals("why", json(null, "x message=\"{}\"", "why").get("message").asText());
    assertEquals("x {}", json(null, "x {}").get("msg").asText());
  }

  @Test
  void anExceptionIsNoLineOfItsOwn() {
    var thrown = new IllegalStateException("first\nsecond");
    var line = log(thrown, "defect vip={}", "web");
    assertEquals(1, line.lines().count(), line);
    assertTrue(
        line.contains("defect vip=web java.lang.IllegalStateException: first | second | at "),
        line);
    var exception = json(thrown, "defect vip={}", "dns").get("exception").asText();
    assertTrue(exception.startsWith("java.lang.IllegalStateException: first\nsecond"), exception);
  }

  @Test
  void theSameLineIsWrittenOnceASecondAndSaysHowOftenItWasNot() {
    var first = log(null, "advert_not_sent vip={}", "web");
    assertTrue(first.endsWith("vip=web node=node-a\n"), first);
    for (int i = 1; i < 100; i++) {
      now = now.plusMillis(10);
      assertEquals("", log(null, "advert_not_sent vip={}", "web"));
      if (i == 50) {
        assertTrue(log(null, "advert_not_sent vip={}", "dns").contains("vip=dns"), "another one");
      }
    }
    now = now.plusMillis(10);
    var next = log(null, "advert_not_sent vip={}", "web");
    assertTrue(next.endsWith("vip=web node=node-a repeated=99\n"), next);
  }

  @Test
  void aFloodOfDifferentLinesIsNotRememberedForEver() {
    var repeats = new Repeats();
    repeats.admit("first", 0);
    for (int i = 0; i < 1_000; i++) {
      assertEquals(0, repeats.admit("line " + i, 0));
    }
    assertEquals(0, repeats.admit("first", 0));
  }

  @Test
  void aClockThatIsSetBackSilencesNothing() {
    var repeats = new Repeats();
    repeats.admit("line", 100_000);
    assertEquals(0, repeats.admit("line", 1_000));
  }
}
