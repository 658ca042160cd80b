package dev.virtualip.crds.values;

/**
 * Consecutive numbers.
 *
 * @param first the lowest
 * @param last the highest
 */
public record NumberRange(long first, long last) {
  /** Pattern of a range of numbers. */
  public static final String PATTERN = "^[0-9]{1,10}(-[0-9]{1,10})?$";

  /**
   * Parses a number such as {@code 10}, or the ends of a range such as {@code 10-19}.
   *
   * @throws IllegalArgumentException if it is not valid; the message says what to write instead
   */
  public static NumberRange parse(String text) {
    if (!text.matches(PATTERN)) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is no number or range: write it as in 10, or 10-19");
    }
    int dash = text.indexOf('-');
    long first = Long.parseLong(dash < 0 ? text : text.substring(0, dash));
    long last = dash < 0 ? first : Long.parseLong(text.substring(dash + 1));
    if (first > last) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is no range: write the lower number first");
    }
    return new NumberRange(first, last);
  }

  /** Whether a number is one of these. */
  public boolean contains(long number) {
    return first <= number && number <= last;
  }

  @Override
  public String toString() {
    return first == last ? Long.toString(first) : first + "-" + last;
  }
}
