package dev.virtualip.vip.keepalived;

/**
 * Where something stands in a configuration.
 *
 * @param file the file, as the user named it or the including file leads to it
 * @param line its line, from 1
 * @param column its column, from 1; where definitions were filled in, in the line that came out
 */
public record Place(String file, int line, int column) {
  Place at(int otherColumn) {
    return new Place(file, line, otherColumn);
  }

  /** File and line, as in {@code keepalived.conf:12}. */
  @Override
  public String toString() {
    return file + ":" + line;
  }
}
