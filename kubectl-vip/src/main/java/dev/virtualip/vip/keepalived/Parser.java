package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Lines.Line;
import java.util.ArrayList;
import java.util.List;

/** Makes a tree of lines. A directive ends with its line, and a block begins on it or the next. */
final class Parser {
  private static final int DEPTH_MAX = 64;

  /** A directive whose block may still come. */
  private static final class Node {
    private final List<String> words = new ArrayList<>();
    private final Place place;
    private List<Node> children;
    private int lastLine;

    private Node(Place place) {
      this.place = place;
      this.lastLine = place.line();
    }

    private Directive finished() {
      return new Directive(
          words,
          children == null ? null : children.stream().map(Node::finished).toList(),
          place,
          lastLine);
    }
  }

  private final List<Node> open = new ArrayList<>();

  /** The directive of the present line; null before its first word. */
  private Node current;

  private Parser() {
    var root = new Node(new Place("", 0, 0));
    root.children = new ArrayList<>();
    open.add(root);
  }

  static List<Directive> parse(List<Line> lines) throws SyntaxException {
    var parser = new Parser();
    for (var line : lines) {
      parser.read(line);
    }
    if (parser.open.size() > 1) {
      var block = parser.open.getLast();
      throw new SyntaxException(
          block.place,
          "the block of %s that begins here has no end: expected }"
              .formatted(block.words.getFirst()));
    }
    return parser.open.getFirst().finished().children();
  }

  private void read(Line line) throws SyntaxException {
    current = null;
    var text = line.text();
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      var place = line.place().at(line.place().column() + i);
      if (Character.isWhitespace(c)) {
        i++;
      } else if (c == '{') {
        open(place);
        i++;
      } else if (c == '}') {
        close(place);
        i++;
      } else if (text.startsWith("${", i)) {
        throw new SyntaxException(
            place, "nothing defines %s: define it above".formatted(word(text.substring(i))));
      } else {
        i = readWord(text, i, place);
      }
    }
  }

  private static String word(String text) {
    return text.split("[\\s}]", 2)[0] + "}";
  }

  private void open(Place place) throws SyntaxException {
    var siblings = open.getLast().children;
    var owner = current != null ? current : siblings.isEmpty() ? null : siblings.getLast();
    if (owner == null || owner.children != null) {
      throw new SyntaxException(place, "expected a keyword before {");
    }
    if (open.size() > DEPTH_MAX) {
      throw new SyntaxException(
          place, "more than %d blocks are within each other".formatted(DEPTH_MAX));
    }
    owner.children = new ArrayList<>();
    open.add(owner);
    current = null;
  }

  private void close(Place place) throws SyntaxException {
    if (open.size() == 1) {
      throw new SyntaxException(place, "no block is open here: remove }, or look for a missing {");
    }
    open.removeLast().lastLine = place.line();
    current = null;
  }

  private int readWord(String text, int start, Place place) throws SyntaxException {
    var word = new StringBuilder();
    boolean isCommand = current != null && isCommand(current.words.getFirst());
    int i = isCommand ? readCommand(text, start, word) : readPlain(text, start, word);
    if (i > text.length()) {
      throw new SyntaxException(place, "expected a \" that ends the word that begins here");
    }
    if (current == null) {
      current = new Node(place);
      open.getLast().children.add(current);
    }
    current.words.add(word.toString());
    return i;
  }

  /** Whether keepalived knows escapes behind a keyword. */
  static boolean isCommand(String keyword) {
    return keyword.equals("script") || keyword.equals("misc_path") || keyword.startsWith("notify");
  }

  /** Reads a word without escapes; returns the index behind it, beyond the text without its end. */
  private static int readPlain(String text, int start, StringBuilder word) {
    if (text.charAt(start) == '"') {
      int end = text.indexOf('"', start + 1);
      word.append(text, start + 1, Math.max(end, start + 1));
      return end < 0 ? text.length() + 1 : end + 1;
    }
    int i = start;
    while (i < text.length() && !isEnd(text.charAt(i)) && text.charAt(i) != '"') {
      word.append(text.charAt(i++));
    }
    return i;
  }

  private static boolean isEnd(char c) {
    return Character.isWhitespace(c) || c == '{' || c == '}';
  }

  /** Like {@link #readPlain}, with escapes and quotes of both kinds, also within the word. */
  private static int readCommand(String text, int start, StringBuilder word) {
    char quote = 0;
    int i = start;
    for (; i < text.length() && (quote != 0 || !isEnd(text.charAt(i))); i++) {
      char c = text.charAt(i);
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'' && text.indexOf(c, i + 1) > 0)) {
        quote = c;
      } else if (quote == '"' && c == '\\' && i + 1 < text.length()) {
        i = escape(text, i + 1, word);
      } else {
        word.append(c);
      }
    }
    return quote == 0 ? i : text.length() + 1;
  }

  /** Appends an escaped character; returns the index of its last one. */
  private static int escape(String text, int index, StringBuilder word) {
    char c = text.charAt(index);
    int plain = "abEfnrtv".indexOf(c);
    if (plain >= 0) {
      word.append("\007\b\033\f\n\r\t\013".charAt(plain));
    } else if (c == 'x' || c >= '0' && c <= '7') {
      int radix = c == 'x' ? 16 : 8;
      int begin = c == 'x' ? index + 1 : index;
      int end = begin;
      while (end < text.length()
          && end < begin + (radix == 8 ? 3 : 2)
          && Character.digit(text.charAt(end), radix) >= 0) {
        end++;
      }
      word.append(end == begin ? c : (char) Integer.parseInt(text.substring(begin, end), radix));
      return Math.max(end - 1, index);
    } else {
      word.append(c);
    }
    return index;
  }
}
