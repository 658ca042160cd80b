package dev.virtualip.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.LinkedHashMap;

/**
 * One line for each thing that is logged, as text ({@code key=value}) or as a JSON object, and the
 * same line once a second at most. The environment variable {@code LOG_FORMAT}, {@code text} or
 * {@code json}, says which by way of logback.xml or the agent's Logs.
 */
public final class LineEncoder extends EncoderBase<ILoggingEvent> {
  /** System property with the name of the node, which then is in every line. */
  public static final String NODE = "virtualip.node";

  private static final byte[] NOTHING = {};
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  private final Repeats repeats = new Repeats();
  private boolean json;

  /** Only needed for JSON, so only then in memory. */
  private static final class Json {
    private static final JsonMapper MAPPER = new JsonMapper();
  }

  /** Takes {@code json}; anything else is text. */
  public void setFormat(String format) {
    json = format.equalsIgnoreCase("json");
  }

  @Override
  public byte[] headerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] footerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    var said = event.getFormattedMessage() + thrown(event);
    int repeated = repeats.admit(said, event.getTimeStamp());
    if (repeated < 0) {
      return NOTHING;
    }
    var line = json ? json(event, repeated) : text(event, said, repeated);
    return (line + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static String text(ILoggingEvent event, String said, int repeated) {
    var node = System.getProperty(NODE);
    return "%s %-5s %s %s%s%s"
        .formatted(
            time(event),
            event.getLevel(),
            logger(event),
            said.strip().replaceAll("\\s*\\R\\s*", " | "),
            node == null ? "" : " node=" + node,
            repeated == 0 ? "" : " repeated=" + repeated);
  }

  private static String json(ILoggingEvent event, int repeated) {
    var line = LogLine.of(event.getMessage(), event.getArgumentArray());
    var object = new LinkedHashMap<String, Object>();
    object.put("time", time(event));
    object.put("level", event.getLevel().toString());
    object.put("logger", logger(event));
    object.put("node", System.getProperty(NODE));
    object.put("msg", line.words());
    line.fields().forEach(object::putIfAbsent);
    object.put("repeated", repeated == 0 ? null : repeated);
    object.put("exception", event.getThrowableProxy() == null ? null : thrown(event).strip());
    object.values().removeIf(value -> value == null);
    try {
      return Json.MAPPER.writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new AssertionError("text and numbers", e);
    }
  }

  private static String time(ILoggingEvent event) {
    return TIME.format(Instant.ofEpochMilli(event.getTimeStamp()));
  }

  private static String logger(ILoggingEvent event) {
    var name = event.getLoggerName();
    return name.substring(name.lastIndexOf('.') + 1);
  }

  private static String thrown(ILoggingEvent event) {
    var thrown = event.getThrowableProxy();
    return thrown == null ? "" : " " + ThrowableProxyUtil.asString(thrown);
  }
}
