package dev.virtualip.crds.check;

import java.util.function.Function;

/**
 * A text of a spec and what it stands for.
 *
 * @param text as the user wrote it, or null if there is none
 * @param value what it stands for; null if there is none, or it is wrong
 * @param error what is wrong with it and what to write instead, or null
 */
record Parsed<T>(String text, T value, String error) {

  /**
   * Parses a text, or null.
   *
   * @param parser throws an IllegalArgumentException whose message is the error
   */
  static <T> Parsed<T> of(String text, Function<String, T> parser) {
    try {
      return new Parsed<>(text, text == null ? null : parser.apply(text), null);
    } catch (IllegalArgumentException e) {
      return new Parsed<>(text, null, e.getMessage());
    }
  }

  /** Whether the text, right or wrong, is of the IPv6 family. */
  boolean isIpv6() {
    return text != null && text.contains(":");
  }
}
