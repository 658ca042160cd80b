package dev.virtualip.crds.check;

import java.util.function.Function;

/**
 * A text of a spec and its value.
 *
 * @param text the text as the user wrote it, or null if there is none
 * @param value its value; null if there is no text, or it is not valid
 * @param error what is wrong with it and what to write instead, or null
 */
record Parsed<T>(String text, T value, String error) {

  /**
   * Parses a text, which may be null.
   *
   * @param parser throws an IllegalArgumentException, whose message becomes the error
   */
  static <T> Parsed<T> of(String text, Function<String, T> parser) {
    try {
      return new Parsed<>(text, text == null ? null : parser.apply(text), null);
    } catch (IllegalArgumentException e) {
      return new Parsed<>(text, null, e.getMessage());
    }
  }

  /** Whether the text, valid or not, is of the IPv6 family. */
  boolean isIpv6() {
    return text != null && text.contains(":");
  }
}
