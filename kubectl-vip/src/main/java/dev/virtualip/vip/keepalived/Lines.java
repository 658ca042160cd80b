package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Configuration.Remark;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The lines of a configuration as keepalived's parser sees them: files included, comments gone,
 * lines for other hosts left out, definitions and sequences filled in.
 */
final class Lines {
  private static final Pattern DEFINITION = Pattern.compile("\\$([A-Za-z_][A-Za-z0-9_]*)=(.*)");
  private static final Pattern CONDITION = Pattern.compile("@(\\^?)(\\S*)\\s*(.*)");
  private static final Pattern REFERENCE =
      Pattern.compile(
          "\\$\\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)}|\\$([A-Za-z_][A-Za-z0-9_]*)(?=\\s|$)");
  private static final Pattern INCLUDE = Pattern.compile("(include[rmwba]?)\\s+(\\S.*)");
  private static final Pattern REPETITION = Pattern.compile("~(SEQx?|LST)\\(([^()]*)\\)\\s*(.*)");
  private static final Pattern VALUES = Pattern.compile("\\{([^{}]*)}|[^,{}]+");
  private static final Pattern MERGE_MARKER = Pattern.compile("(<{7}|={7}|>{7}|\\|{7})( .*)?");

  private static final int DEPTH_MAX = 50;
  private static final int LINES_MAX = 200_000;
  private static final int LINE_MAX = 65_536;
  private static final int FILE_MAX = 4 << 20;

  /**
   * A line.
   *
   * @param place of its first character
   */
  record Line(String text, Place place) {}

  /** A definition: one line, or several that are lines of the configuration each. */
  private record Definition(List<Line> lines) {}

  private final String configId;
  private final Includes includes;
  private final Map<String, Definition> definitions = new HashMap<>();
  private final Map<String, Place> unused = new HashMap<>();
  private final Set<String> used = new HashSet<>();
  private final List<Line> lines = new ArrayList<>();
  private final List<Remark> skipped = new ArrayList<>();
  private final List<Remark> missing = new ArrayList<>();
  private final List<Remark> remarks = new ArrayList<>();
  private final List<Path> open = new ArrayList<>();
  private int budget = LINES_MAX;

  /** The definition whose lines are being read; null if there is none. */
  private Definition unfinished;

  Lines(String configId, Includes includes) {
    this.configId = configId;
    this.includes = includes;
    definitions.put("_INSTANCE", new Definition(List.of(new Line(configId, null))));
    definitions.put("_HASH", new Definition(List.of(new Line("#", null))));
    definitions.put("_BANG", new Definition(List.of(new Line("!", null))));
  }

  List<Line> lines() {
    return lines;
  }

  List<Remark> skipped() {
    return skipped;
  }

  List<Remark> missing() {
    return missing;
  }

  /** What there is to say; definitions that nobody uses among it. */
  List<Remark> remarks() {
    unused.keySet().removeAll(used);
    unused.forEach(
        (name, place) -> remarks.add(new Remark(place, "$" + name, "nobody uses this definition")));
    unused.clear();
    return remarks;
  }

  void read(Path file) throws SyntaxException {
    var place = new Place(file.toString(), 1, 1);
    try {
      if (Files.size(file) > FILE_MAX) {
        throw new SyntaxException(place, "has more than 4 MiB: is it a configuration?");
      }
      // Latin-1 gives a character for any byte; what is not ASCII stands in comments as a rule.
      var bytes = Files.readAllBytes(file);
      read(file, file.toString(), decode(bytes));
    } catch (NoSuchFileException e) {
      throw new SyntaxException(place, "there is no such file");
    } catch (IOException e) {
      throw new SyntaxException(place, "cannot be read: " + e);
    }
  }

  private static String decode(byte[] bytes) {
    var text = new String(bytes, StandardCharsets.UTF_8);
    return text.indexOf('\uFFFD') < 0 ? text : new String(bytes, StandardCharsets.ISO_8859_1);
  }

  /**
   * Reads a file whose text is known.
   *
   * @param name what messages call it
   */
  void read(Path file, String name, String text) throws SyntaxException {
    open.add(file);
    define("_PWD", includes.onHost(folder(file)));
    boolean marked = text.startsWith("\uFEFF");
    if (marked) {
      remarks.add(
          new Remark(
              new Place(name, 1, 1),
              "byte order mark",
              "keepalived takes it for a part of the first word: remove it"));
    }
    int number = 0;
    for (var line : text.substring(marked ? 1 : 0).split("\r?\n|\r", -1)) {
      number++;
      readLine(line, new Place(name, number, 1));
    }
    if (unfinished != null) {
      throw new SyntaxException(
          new Place(name, number, 1), "the file ends within a definition: expected its last line");
    }
    open.removeLast();
    if (!open.isEmpty()) {
      define("_PWD", includes.onHost(folder(open.getLast())));
    }
  }

  private static Path folder(Path file) {
    var parent = file.toAbsolutePath().getParent();
    return parent == null ? Path.of("/") : parent;
  }

  private void define(String name, String value) {
    definitions.put(name, new Definition(List.of(new Line(value, null))));
  }

  private void readLine(String raw, Place place) throws SyntaxException {
    if (raw.length() > LINE_MAX || raw.indexOf('\0') >= 0) {
      throw new SyntaxException(
          place, "has a NUL or more than 64 KiB on a line: is it a configuration?");
    }
    if (MERGE_MARKER.matcher(raw).matches()) {
      throw new SyntaxException(place, "a merge marker: resolve the conflict of versions first");
    }
    var text = withoutComment(raw, place).stripTrailing();
    int indent = text.length() - text.stripLeading().length();
    text = text.strip();
    var at = place.at(indent + 1);
    if (unfinished != null) {
      boolean last = !text.endsWith("\\");
      unfinished.lines().add(new Line(last ? text : chop(text), at));
      unfinished = last ? null : unfinished;
    } else if (!text.isEmpty()) {
      expand(new Line(text, at), 0);
    }
  }

  private static String chop(String text) {
    return text.substring(0, text.length() - 1).strip();
  }

  private String withoutComment(String line, Place place) {
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && (c == '#' || c == '!')) {
        if (i > 0 && !Character.isWhitespace(line.charAt(i - 1))) {
          remarks.add(
              new Remark(
                  place.at(i + 1),
                  "" + c,
                  "begins a comment, also within a word: what follows on the line does not count"));
        }
        return line.substring(0, i);
      }
    }
    return line;
  }

  private void expand(Line line, int depth) throws SyntaxException {
    var text = line.text();
    var place = line.place();
    if (depth > DEPTH_MAX) {
      throw new SyntaxException(place, "a definition refers to itself: write out its value");
    }
    if (--budget < 0) {
      throw new SyntaxException(
          place, "makes more than %d lines in all: shorten it".formatted(LINES_MAX));
    }
    if (text.startsWith("@")) {
      conditional(line, depth);
      return;
    }
    var definition = DEFINITION.matcher(text);
    if (definition.matches()) {
      define(definition.group(1), definition.group(2).strip(), place);
      return;
    }
    var include = INCLUDE.matcher(text);
    if (include.matches()) {
      include(include.group(2).strip(), place);
    } else if (text.startsWith("~SEQ") || text.startsWith("~LST")) {
      repeat(line, depth);
    } else if (!substitute(line, depth) && !text.isEmpty()) {
      lines.add(line);
    }
  }

  private void conditional(Line line, int depth) throws SyntaxException {
    var condition = CONDITION.matcher(line.text());
    condition.matches();
    boolean negated = !condition.group(1).isEmpty();
    if (condition.group(2).equals(configId) == negated) {
      skipped.add(
          new Remark(
              line.place(),
              line.text(),
              "is for hosts with %s %s"
                  .formatted(
                      negated ? "a config id other than" : "the config id", condition.group(2))));
    } else if (!condition.group(3).isEmpty()) {
      expand(
          new Line(condition.group(3), line.place().at(line.place().column() + condition.start(3))),
          depth + 1);
    }
  }

  private void define(String name, String value, Place place) {
    unused.putIfAbsent(name, place);
    boolean continued = value.endsWith("\\");
    var first = continued ? chop(value) : value;
    var definition = new Definition(new ArrayList<>());
    if (!continued || !first.isEmpty()) {
      definition.lines().add(new Line(first, place));
    }
    unfinished = continued ? definition : null;
    definitions.put(name, definition);
  }

  private void include(String pattern, Place place) throws SyntaxException {
    var including = open.getLast();
    var files = includes.matching(pattern, folder(including));
    if (files.isEmpty()) {
      // A folder without files is no mistake; a file that is named, and its folder, should be
      // there.
      boolean empty =
          pattern.matches(".*[*?\\[].*") && includes.hasFolder(pattern, folder(including));
      (empty ? remarks : missing)
          .add(
              new Remark(
                  place,
                  "include " + pattern,
                  empty
                      ? "no file matches"
                      : "no such file; if it is on another host, fetch it, and say --root FOLDER"));
    }
    for (var file : files) {
      if (open.stream().anyMatch(other -> isSame(other, file))) {
        throw new SyntaxException(
            place, "%s includes itself in the end: remove the include".formatted(file));
      }
      if (open.size() >= DEPTH_MAX) {
        throw new SyntaxException(place, "more than 50 files are within each other: flatten them");
      }
      read(shown(file, including));
    }
  }

  private static boolean isSame(Path a, Path b) {
    return a.toAbsolutePath().normalize().equals(b.toAbsolutePath().normalize());
  }

  /** A path as short as that of the including file. */
  private static Path shown(Path file, Path including) {
    var parent = including.getParent();
    return including.isAbsolute() || !file.startsWith(folder(including))
        ? file
        : (parent == null ? Path.of("") : parent)
            .resolve(folder(including).relativize(file))
            .normalize();
  }

  private void repeat(Line line, int depth) throws SyntaxException {
    var matcher = REPETITION.matcher(line.text());
    if (!matcher.matches()) {
      throw new SyntaxException(
          line.place(), "expected ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, …)");
    }
    var rest = new Line(matcher.group(3), line.place());
    if (matcher.group(1).equals("LST")) {
      list(rest, matcher.group(2), depth);
    } else {
      sequence(rest, matcher.group(2).split(","), matcher.group(1).endsWith("x"), depth);
    }
  }

  private void sequence(Line rest, String[] parts, boolean hex, int depth) throws SyntaxException {
    try {
      long end = Long.decode(parts[parts.length - 1].strip());
      long start = parts.length > 2 ? Long.decode(parts[1].strip()) : end > 0 ? 1 : -1;
      long step = parts.length > 3 ? Long.decode(parts[2].strip()) : end < start ? -1 : 1;
      if (parts.length < 2 || parts.length > 4 || step == 0 || Math.abs(end - start) > 1 << 20) {
        throw new NumberFormatException();
      }
      for (long i = start; step > 0 ? i <= end : i >= end; i = Math.addExact(i, step)) {
        use(parts[0].strip(), hex ? Long.toHexString(i) : Long.toString(i));
        expand(rest, depth + 1);
      }
    } catch (ArithmeticException | NumberFormatException e) {
      throw new SyntaxException(
          rest.place(), "expected ~SEQ(NAME, START, STEP, END) with numbers, and a STEP but 0");
    }
  }

  private void list(Line rest, String arguments, int depth) throws SyntaxException {
    var groups = VALUES.matcher(arguments).results().map(Lines::values).toList();
    groups = groups.stream().filter(group -> !group.equals(List.of(""))).toList();
    if (groups.size() < 2) {
      throw new SyntaxException(
          rest.place(), "expected ~LST(NAME, VALUE, …) with a value at least");
    }
    var names = groups.getFirst();
    for (var values : groups.subList(1, groups.size())) {
      if (values.size() != names.size()) {
        throw new SyntaxException(
            rest.place(),
            "expected %d value%s for {%s}, and not {%s}"
                .formatted(
                    names.size(),
                    names.size() == 1 ? "" : "s",
                    String.join(", ", names),
                    String.join(", ", values)));
      }
      for (int i = 0; i < names.size(); i++) {
        use(names.get(i), values.get(i));
      }
      expand(rest, depth + 1);
    }
  }

  private static List<String> values(MatchResult match) {
    var text = match.group(1) == null ? match.group() : match.group(1);
    return Pattern.compile(",").splitAsStream(text + ",").map(String::strip).toList();
  }

  private void use(String name, String value) {
    define(name, value);
    used.add(name);
  }

  /** Fills in what is defined; returns whether there was anything. */
  private boolean substitute(Line line, int depth) throws SyntaxException {
    var matcher = REFERENCE.matcher(line.text());
    var parts = new ArrayList<StringBuilder>(List.of(new StringBuilder()));
    var places = new ArrayList<>(List.of(line.place()));
    int end = 0;
    boolean any = false;
    while (matcher.find()) {
      var name = matcher.group(1) == null ? matcher.group(3) : matcher.group(1);
      var definition = definitions.get(name);
      boolean bare = matcher.group(2) == null || matcher.group(2).isEmpty();
      if ("_ENV".equals(name) && !bare) {
        any = true;
        var variable = "$" + matcher.group(2).strip();
        parts.getLast().append(line.text(), end, matcher.start()).append(variable);
        end = matcher.end();
        remarks.add(
            new Remark(
                line.place(), matcher.group(), "keepalived's environment is not known here"));
        continue;
      }
      if (definition == null || !bare) {
        unknown(matcher, line);
        continue;
      }
      any = true;
      used.add(name);
      parts.getLast().append(line.text(), end, matcher.start());
      end = matcher.end();
      for (int i = 0; i < definition.lines().size(); i++) {
        var one = definition.lines().get(i);
        if (i > 0) {
          parts.add(new StringBuilder());
          places.add(one.place());
        } else if (definition.lines().size() > 1 && parts.getLast().isEmpty()) {
          places.set(places.size() - 1, one.place());
        }
        parts.getLast().append(one.text());
      }
      if (parts.stream().mapToInt(StringBuilder::length).sum() > LINE_MAX) {
        throw new SyntaxException(line.place(), "a definition refers to itself, or is too long");
      }
    }
    if (!any) {
      return false;
    }
    parts.getLast().append(line.text(), end, line.text().length());
    for (int i = 0; i < parts.size(); i++) {
      expand(new Line(parts.get(i).toString().strip(), places.get(i)), depth + 1);
    }
    return true;
  }

  private void unknown(Matcher reference, Line line) {
    var text = reference.group();
    remarks.add(
        new Remark(
            line.place(),
            text,
            text.startsWith("${_RANDOM")
                ? "keepalived draws a number at each start: write one"
                : "nothing defines it, so it stays as it is"));
  }
}
