package dev.virtualip.log;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parts of a log statement: {@code state vip={} took={}} has the fields {@code vip} and {@code
 * took}, and the words {@code state}.
 *
 * @param words the text beside the fields
 * @param fields values by key, in their order: numbers, booleans, lists, and texts for all other
 *     values
 */
record LogLine(String words, Map<String, Object> fields) {
  private static final Pattern FIELD =
      Pattern.compile("([A-Za-z_]\\w*)=(\"[^\"]*\"|\\{}|[^\\s:,]+)");
  private static final Pattern PLACE = Pattern.compile("\\{}");

  /** Fills the placeholders of a format one after the other. */
  private static final class Arguments {
    private final Object[] values;
    private int next;

    Arguments(Object[] values) {
      this.values = values == null ? new Object[0] : values;
    }

    Object next() {
      return next < values.length ? values[next++] : "{}";
    }

    String fill(String text) {
      return PLACE
          .matcher(text)
          .replaceAll(place -> Matcher.quoteReplacement(String.valueOf(next())));
    }
  }

  /** Splits a statement into its parts. */
  static LogLine of(String format, Object[] arguments) {
    var values = new Arguments(arguments);
    var words = new StringBuilder();
    var fields = new LinkedHashMap<String, Object>();
    var field = FIELD.matcher(format);
    int end = 0;
    while (field.find()) {
      words.append(values.fill(format.substring(end, field.start())));
      var value = field.group(2).replaceAll("^\"|\"$", "");
      fields.put(field.group(1), value.equals("{}") ? plain(values.next()) : values.fill(value));
      end = field.end();
    }
    words.append(values.fill(format.substring(end)));
    return new LogLine(words.toString().strip().replaceAll("\\s+(?=[\\s:;,.])", ""), fields);
  }

  private static Object plain(Object value) {
    return switch (value) {
      case null -> null;
      case Number number -> number;
      case Boolean truth -> truth;
      case Collection<?> values -> values.stream().map(String::valueOf).toList();
      default -> value.toString();
    };
  }
}
