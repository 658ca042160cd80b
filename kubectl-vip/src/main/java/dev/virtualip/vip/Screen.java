package dev.virtualip.vip;

import java.io.PrintWriter;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.Help.Ansi;

/** Where lines go: with colours if that is a terminal and NO_COLOR is not set. */
final class Screen {
  private static final Pattern GOOD =
      Pattern.compile("\\b(Master|(?:Accepted|Ready)=True|(?<!=)True)\\b");
  private static final Pattern BAD =
      Pattern.compile(
          "\\b(Fault|(?:Accepted|Ready)=False|(?<!=)False|(?!Accepted|Ready)[A-Z][A-Za-z]+=True)\\b");
  private static final Pattern UNSURE = Pattern.compile("\\b(Unknown|Init)\\b");

  /** What could take a terminal over, as anybody may write a status. */
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  private static final String CLEAR = "\u001b[H\u001b[2J";

  private final PrintWriter out;
  private final boolean colours;
  private final boolean terminal;

  Screen(PrintWriter out, boolean colours, boolean terminal) {
    this.out = out;
    this.colours = colours;
    this.terminal = terminal;
  }

  /** A screen with the colours that picocli finds fit. */
  static Screen of(PrintWriter out) {
    var console = System.console();
    boolean terminal = console != null && console.isTerminal();
    return new Screen(out, terminal && Ansi.AUTO.enabled(), terminal);
  }

  boolean isTerminal() {
    return terminal;
  }

  void print(String line) {
    var text = CONTROL.matcher(line).replaceAll("?");
    if (colours) {
      text = GOOD.matcher(text).replaceAll("\u001b[32m$1\u001b[0m");
      text = BAD.matcher(text).replaceAll("\u001b[31m$1\u001b[0m");
      text = UNSURE.matcher(text).replaceAll("\u001b[33m$1\u001b[0m");
    }
    out.println(text);
    out.flush();
  }

  void print(List<String> lines) {
    lines.forEach(this::print);
  }

  /** Prints lines in place of what is on the terminal; elsewhere below it. */
  void replace(List<String> lines) {
    if (terminal) {
      out.print(CLEAR);
    }
    print(lines);
  }
}
