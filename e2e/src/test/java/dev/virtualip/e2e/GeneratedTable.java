package dev.virtualip.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A table, or a block, in a page for people which a program writes: what stands between {@code <!--
 * NAME -->} and {@code <!-- end of NAME -->}.
 */
record GeneratedTable(Path page, String name) {
  /**
   * The rows, head included.
   *
   * @throws IOException if the page cannot be read
   * @throws IllegalStateException if the page lacks one of the two comments
   */
  List<String> rows() throws IOException {
    var text = Files.readString(page);
    return text.substring(begin(text), end(text)).strip().lines().toList();
  }

  /** Writes the rows in place of those that are there; see {@link #rows}. */
  void write(List<String> rows) throws IOException {
    var text = Files.readString(page);
    Files.writeString(
        page,
        text.substring(0, begin(text))
            + "\n\n"
            + String.join("\n", rows)
            + "\n\n"
            + text.substring(end(text)));
  }

  private int begin(String text) {
    return at(text, "<!-- " + name + " -->") + ("<!-- " + name + " -->").length();
  }

  private int end(String text) {
    return at(text, "<!-- end of " + name + " -->");
  }

  private int at(String text, String comment) {
    int at = text.indexOf(comment);
    if (at < 0) {
      throw new IllegalStateException(page + ": write " + comment + " where the table belongs");
    }
    return at;
  }
}
