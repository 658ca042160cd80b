package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.List;

/**
 * A command line taken apart as a shell does.
 *
 * @param words the words, without quotes
 * @param isPlain whether a shell does no more with it than run a program
 */
record Words(List<String> words, boolean isPlain) {
  private static final String SHELL = "|&;<>$`(){}\n";

  static Words of(String command) {
    var words = new ArrayList<String>();
    StringBuilder word = null;
    char quote = 0;
    boolean plain = true;
    for (int i = 0; i < command.length(); i++) {
      char c = command.charAt(i);
      if (quote == 0 && Character.isWhitespace(c) && c != '\n') {
        if (word != null) {
          words.add(word.toString());
        }
        word = null;
        continue;
      }
      word = word == null ? new StringBuilder() : word;
      if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote != '\'' && i + 1 < command.length()) {
        word.append(command.charAt(++i));
      } else {
        plain &= quote == '\'' || (quote == '"' ? "$`" : SHELL).indexOf(c) < 0;
        word.append(c);
      }
    }
    if (word != null) {
      words.add(word.toString());
    }
    return new Words(List.copyOf(words), plain && quote == 0);
  }

  boolean isEmpty() {
    return words.isEmpty();
  }

  /** The name of the program, without its folder. */
  String program() {
    return words.isEmpty() ? "" : baseName(words.getFirst());
  }

  /** The words behind the program. */
  List<String> arguments() {
    return words.isEmpty() ? words : words.subList(1, words.size());
  }

  /** The part of a path behind its last slash. */
  static String baseName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
