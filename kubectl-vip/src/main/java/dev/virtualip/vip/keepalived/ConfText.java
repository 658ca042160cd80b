package dev.virtualip.vip.keepalived;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The text of a keepalived.conf. */
final class ConfText {
  private static final String PLAIN = "[^\\s\"\\\\#!{}$@~]+";

  private final StringBuilder text = new StringBuilder();
  private String indent = "";

  ConfText comment(String words) {
    text.append(indent).append("# ").append(words).append('\n');
    return this;
  }

  /** A directive; what needs quotes gets them. */
  ConfText line(Object... words) {
    text.append(indent).append(joined(words)).append('\n');
    return this;
  }

  ConfText open(Object... words) {
    text.append(indent).append(joined(words)).append(" {\n");
    indent += "    ";
    return this;
  }

  ConfText close() {
    indent = indent.substring(4);
    text.append(indent).append("}\n");
    return this;
  }

  /** Appends lines that are whole blocks already. */
  ConfText add(String lines) {
    lines.lines().forEach(line -> text.append(indent).append(line).append('\n'));
    return this;
  }

  private static String joined(Object... words) {
    boolean escapes = Parser.isCommand(words[0].toString());
    return Arrays.stream(words)
        .map(Object::toString)
        .map(word -> word.matches(PLAIN) ? word : quoted(word, escapes))
        .collect(Collectors.joining(" "));
  }

  private static String quoted(String word, boolean escapes) {
    return '"' + word.replaceAll(escapes ? "[\"\\\\]" : "\"", "\\\\$0") + '"';
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
