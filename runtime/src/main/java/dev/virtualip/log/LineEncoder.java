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
 * Encodes each log event as one line: text ({@code key=value}) or a JSON object. Equal lines are
 * written at most once a second. The environment variable {@code LOG_FORMAT}, {@code text} or
 * {@code json}, sets the format of a program.
 */
public final class LineEncoder extends EncoderBase<ILoggingEvent> {
  /** System property with the name of the node. If it is set, the name is in every line. */
  public static final String NODE = "virtualip.node";

  private static final byte[] NOTHING = {};
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  private final Repeats repeats = new Repeats();
  private boolean json;

  /** In a class of its own, so that it is loaded only for JSON. */
  private static final class Json {
    private static final JsonMapper MAPPER = new JsonMapper();
  }

  /**
   * Sets the format.
   *
   * @param format {@code json}; anything else means text
   */
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
