package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Fields.Value;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Writes a mapping as YAML; the comment on a line says where its value came from. */
final class Yaml {
  /** Texts that are texts in YAML without quotes: words, durations, IPv4 addresses. */
  private static final Pattern PLAIN =
      Pattern.compile(
          "[A-Za-z/][A-Za-z0-9_./-]*|[0-9]+(ms|s|m|h)|[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+(/[0-9]+)?");

  private static final Pattern OTHER_TYPE =
      Pattern.compile("(?i)true|false|yes|no|on|off|null|y|n");

  private final StringBuilder text = new StringBuilder();

  private Yaml() {}

  static String write(Fields fields) {
    var yaml = new Yaml();
    yaml.mapping(fields, "", "");
    return yaml.text.toString();
  }

  private void mapping(Fields fields, String first, String indent) {
    var prefix = first;
    for (var entry : fields.values().entrySet()) {
      text.append(prefix).append(entry.getKey()).append(':');
      value(entry.getValue(), indent + "  ", indent);
      prefix = indent;
    }
  }

  private void value(Value value, String indent, String listIndent) {
    switch (value.content()) {
      case Fields fields when fields.isEmpty() -> line(" {}", value);
      case Fields fields -> {
        text.append('\n');
        mapping(fields, indent, indent);
      }
      case List<?> _ when isShort(value) -> line(flow(value), value.items().getFirst());
      case List<?> _ -> {
        text.append('\n');
        value.items().forEach(item -> item(item, listIndent));
      }
      default -> line(" " + scalar(value.content()), value);
    }
  }

  /** Whether a list has scalars of one line alone. */
  private static boolean isShort(Value list) {
    return list.items().stream()
        .allMatch(
            item ->
                !(item.content() instanceof Fields)
                    && from(item).equals(from(list.items().getFirst())));
  }

  private static String flow(Value list) {
    return list.items().stream()
        .map(item -> scalar(item.content()))
        .collect(Collectors.joining(", ", " [", "]"));
  }

  private void item(Value item, String indent) {
    if (item.content() instanceof Fields fields && !fields.isEmpty()) {
      mapping(fields, indent + "- ", indent + "  ");
    } else {
      text.append(indent).append('-');
      value(item, indent + "  ", indent + "  ");
    }
  }

  private void line(String content, Value value) {
    text.append(content);
    if (value.from() != null) {
      text.append("  # ").append(from(value));
    }
    text.append('\n');
  }

  private static String from(Value value) {
    // A file's name may have line breaks.
    return value.from() == null
        ? ""
        : value.from().place().toString().replaceAll("\\p{Cntrl}", "?");
  }

  static String scalar(Object content) {
    if (!(content instanceof String string)) {
      return content.toString();
    }
    if (PLAIN.matcher(string).matches() && !OTHER_TYPE.matcher(string).matches()) {
      return string;
    }
    var quoted = new StringBuilder("\"");
    for (char c : string.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c == '\n') {
        quoted.append("\\n");
      } else if (c < ' ' || c > '~' && !Character.isLetterOrDigit(c)) {
        quoted.append("\\u%04x".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
