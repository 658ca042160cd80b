package dev.virtualip.process;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a log record becomes a line. Messages are words followed by {@code key=value} pairs, values
 * with blanks in double quotes. Only an ERROR shows its exception's stack trace: in text on the
 * lines that follow, in JSON as the field {@code stack}.
 */
sealed interface LogFormat {
  /**
   * The line with its end.
   *
   * @param repeated how many equal lines were held back before it
   */
  String line(LogRecord record, int repeated);

  /**
   * The format of this name.
   *
   * @throws IllegalArgumentException if there is none, with the names there are
   */
  static LogFormat named(String name, String node) {
    return switch (name) {
      case "text" -> new Text(node);
      case "json" -> new Json(node);
      default ->
          throw new IllegalArgumentException(
              "LOG_FORMAT=" + name + " is no log format: use text or json");
    };
  }

  private static String level(Level level) {
    if (level.intValue() >= Level.SEVERE.intValue()) {
      return "ERROR";
    }
    if (level.intValue() >= Level.WARNING.intValue()) {
      return "WARN";
    }
    return level.intValue() >= Level.INFO.intValue() ? "INFO" : "DEBUG";
  }

  /** A logger's name without its package. */
  private static String shortName(String logger) {
    return logger == null ? "" : logger.substring(logger.lastIndexOf('.') + 1);
  }

  private static String time(LogRecord record) {
    // Always three digits, which Instant.toString does not promise.
    var millis = record.getInstant().toEpochMilli();
    return record.getInstant().toString().substring(0, 19) + ".%03dZ".formatted(millis % 1000);
  }

  private static String stack(Throwable thrown) {
    var text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  /** {@code 2026-11-24T07:28:24.529Z INFO VrrpInstance state vip=web state=Backup node=a}. */
  record Text(String node) implements LogFormat {
    @Override
    public String line(LogRecord record, int repeated) {
      var line = new StringBuilder();
      line.append(time(record)).append(' ');
      line.append("%-5s ".formatted(level(record.getLevel())));
      line.append(shortName(record.getLoggerName())).append(' ');
      var message = oneLine(record.getMessage());
      line.append(message);
      if (node != null && !message.contains(" node=")) {
        line.append(" node=").append(node);
      }
      var thrown = record.getThrown();
      if (thrown != null) {
        line.append(" exception=\"").append(oneLine(thrown.toString())).append('"');
      }
      if (repeated > 0) {
        line.append(" repeated=").append(repeated);
      }
      line.append('\n');
      if (thrown != null && record.getLevel() == Level.SEVERE) {
        line.append(stack(thrown));
      }
      return line.toString();
    }

    private static String oneLine(String text) {
      return text == null ? "" : text.strip().replaceAll("\\s*\\R\\s*", " ");
    }
  }

  /**
   * An object with time, level, logger, node, message and the message's pairs as fields, all
   * strings: a field that is a number in one line and a word in the next breaks log indexes.
   */
  record Json(String node) implements LogFormat {
    // A value ends at the quote that a pair, a punctuation mark or no further quote follows.
    private static final Pattern PAIR =
        Pattern.compile(
            "(?<![^\\s(])([a-zA-Z_]\\w*)="
                + "(?:\"(.*?)\"(?=[:;,)]|\\s+[a-zA-Z_]\\w*=|[^\"]*$)|(\\S*))",
            Pattern.DOTALL);

    @Override
    public String line(LogRecord record, int repeated) {
      var fields = new LinkedHashMap<String, String>();
      fields.put("time", time(record));
      fields.put("level", level(record.getLevel()));
      fields.put("logger", shortName(record.getLoggerName()));
      if (node != null) {
        fields.put("node", node);
      }
      var message = record.getMessage() == null ? "" : record.getMessage();
      fields.put("message", "");
      fields.put("message", takePairs(message, fields));
      if (record.getThrown() != null) {
        fields.put("exception", record.getThrown().toString());
        if (record.getLevel() == Level.SEVERE) {
          fields.put("stack", stack(record.getThrown()));
        }
      }
      if (repeated > 0) {
        fields.put("repeated", Integer.toString(repeated));
      }
      return object(fields);
    }

    /**
     * What is left of the message without its pairs. A pair never replaces a field of every line.
     */
    private static String takePairs(String message, Map<String, String> fields) {
      var rest = new StringBuilder();
      Matcher pair = PAIR.matcher(message);
      while (pair.find()) {
        var value = pair.group(2) != null ? pair.group(2) : pair.group(3);
        boolean taken = fields.putIfAbsent(pair.group(1), value) == null;
        pair.appendReplacement(rest, taken ? "" : Matcher.quoteReplacement(pair.group()));
      }
      return pair.appendTail(rest).toString().replaceAll("\\s+", " ").strip();
    }

    private static String object(Map<String, String> fields) {
      var json = new StringBuilder("{");
      fields.forEach(
          (key, value) -> {
            json.append(json.length() > 1 ? "," : "").append('"').append(key).append("\":");
            quote(json, value);
          });
      return json.append("}\n").toString();
    }

    private static void quote(StringBuilder json, String value) {
      json.append('"');
      for (char c : value.toCharArray()) {
        switch (c) {
          case '"', '\\' -> json.append('\\').append(c);
          case '\n' -> json.append("\\n");
          case '\t' -> json.append("\\t");
          default -> json.append(c < ' ' ? "\\u%04x".formatted((int) c) : Character.toString(c));
        }
      }
      json.append('"');
    }
  }
}
