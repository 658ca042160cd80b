package dev.virtualip.vip.keepalived;

import java.nio.file.Path;
import java.util.List;

/**
 * What keepalived on one host reads: a file and all that it includes.
 *
 * @param directives the directives outside of blocks, in order
 * @param skipped lines that are for hosts with other config ids
 * @param missing includes whose files are not there
 * @param remarks what keepalived would not say, or would say in its log only
 */
public record Configuration(
    List<Directive> directives, List<Remark> skipped, List<Remark> missing, List<Remark> remarks) {
  /** Copies the lists. */
  public Configuration {
    directives = List.copyOf(directives);
    skipped = List.copyOf(skipped);
    missing = List.copyOf(missing);
    remarks = List.copyOf(remarks);
  }

  /** Something about a place. */
  public record Remark(Place place, String text, String why) {}

  /**
   * Reads a file.
   *
   * @param configId what lines with {@code @} are compared to (keepalived: --config-id)
   * @param root folder that stands for / in absolute paths of includes, or null
   * @throws SyntaxException if it cannot be read
   */
  public static Configuration read(Path file, String configId, Path root) throws SyntaxException {
    var lines = new Lines(configId, new Includes(root, false));
    lines.read(file);
    return of(lines);
  }

  /**
   * Reads a text.
   *
   * @param name what messages call it
   * @param root the folder that it is in, and that includes cannot leave
   * @throws SyntaxException if it cannot be read
   */
  public static Configuration parse(String name, String text, String configId, Path root)
      throws SyntaxException {
    var lines = new Lines(configId, new Includes(root, true));
    lines.read(root.resolve(name), name, text);
    return of(lines);
  }

  private static Configuration of(Lines lines) throws SyntaxException {
    return new Configuration(
        Parser.parse(lines.lines()), lines.skipped(), lines.missing(), lines.remarks());
  }
}
