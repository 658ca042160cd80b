package dev.virtualip.vip.keepalived;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A keyword, what follows it on its line, and its block.
 *
 * @param words keyword and arguments, without their quotes; never empty
 * @param children the directives of its block; null if it has none
 * @param place where the keyword stands
 * @param lastLine line of the end of the block, or that of the keyword
 */
public record Directive(List<String> words, List<Directive> children, Place place, int lastLine) {
  /** Keywords whose arguments nobody may see in a report. */
  private static final Set<String> SECRET = Set.of("auth_pass", "password", "key");

  /** Copies the lists. */
  public Directive {
    words = List.copyOf(words);
    children = children == null ? null : List.copyOf(children);
  }

  String keyword() {
    return words.getFirst();
  }

  /** A word behind the keyword, from 1; empty if there is none. */
  String argument(int index) {
    return index < words.size() ? words.get(index) : "";
  }

  /** All words behind the keyword. */
  List<String> arguments() {
    return words.subList(1, words.size());
  }

  boolean isBlock() {
    return children != null;
  }

  /** The directives of its block, none if it has no block. */
  List<Directive> block() {
    return isBlock() ? children : List.of();
  }

  /** It and all that is inside of its block. */
  Stream<Directive> all() {
    return Stream.concat(Stream.of(this), block().stream().flatMap(Directive::all));
  }

  /** Whether a word is among the arguments. */
  boolean has(String word) {
    return arguments().contains(word);
  }

  /** The argument behind a word, or null. */
  String after(String word) {
    int index = words.indexOf(word);
    return index < 1 || index + 1 >= words.size() ? null : words.get(index + 1);
  }

  /** As it is written, without secrets and without its block. */
  String text() {
    if (SECRET.contains(keyword()) || keyword().startsWith("auth_hmac")) {
      return keyword() + " ***";
    }
    return words.stream()
            .map(word -> word.isEmpty() || word.matches(".*\\s.*") ? '"' + word + '"' : word)
            .collect(Collectors.joining(" "))
        + (isBlock() ? " {…}" : "");
  }
}
