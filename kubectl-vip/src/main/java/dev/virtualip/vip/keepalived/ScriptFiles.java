package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Idioms.Check;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Scripts that a configuration names, if they can be read.
 *
 * @param folder of the configuration, where a copy of the script may be, too
 */
record ScriptFiles(Path folder, Includes includes) {
  private static final int SIZE_MAX = 64 << 10;

  private static final Pattern ENDS_KEEPALIVED =
      Pattern.compile(
          "(killall|pkill)\\s+(-\\S+\\s+)*keepalived"
              + "|(systemctl|service)\\s+stop\\s+keepalived"
              + "|(service\\s+|/init\\.d/)keepalived\\s+stop");

  private static final Pattern LOOKS_FOR =
      Pattern.compile(
          "(?:\\bpidof(?:\\s+-\\w+)*|\\bkillall\\s+-0|\\bpgrep(?:\\s+-\\w+)*|\\bps\\s+-C|\\bgrep)\\s+"
              + "[\"']?(?!keepalived)(?:/\\S*/)?([A-Za-z][\\w.-]*)");

  private static final Pattern STARTS =
      Pattern.compile(
          "(systemctl|service)\\s+(\\S+\\s+)?(re)?start\\b|/init\\.d/\\S+\\s+(re)?start");

  private static final Pattern CONDITION =
      Pattern.compile(
          "if\\s+!\\s*(.+?)\\s*;\\s*then\\s*;?\\s*exit\\s+[1-9]\\d*\\s*;?"
              + "(\\s*else\\s*;?\\s*exit\\s+0\\s*;?)?\\s*fi;?(\\s*exit\\s+0\\s*;?)?");

  /** What a script asks; empty if it cannot be read or is none of the usual ones. */
  Optional<Check> check(String script, Idioms idioms) {
    return read(script).flatMap(text -> of(text, idioms));
  }

  private static Optional<Check> of(String text, Idioms idioms) {
    if (ENDS_KEEPALIVED.matcher(text).find()) {
      var process = LOOKS_FOR.matcher(text);
      if (!process.find()) {
        return Optional.empty();
      }
      var name = process.group(1);
      var how = "the script ends keepalived without " + name + "; here the node is at fault then";
      return Optional.of(
          STARTS.matcher(text).find()
              ? idioms.processNamed(name, how, "the script starts it again: let systemd do that")
              : idioms.processNamed(name, how));
    }
    var whole = CONDITION.matcher(text);
    return idioms.of(whole.matches() ? whole.group(1) : text.replaceFirst(";\\s*$", ""));
  }

  /** The commands of a script on one line. */
  private Optional<String> read(String script) {
    try {
      var file = includes.resolve(script, folder);
      var copy = folder.resolve(Words.baseName(script));
      for (var candidate : List.of(file, copy)) {
        if (Files.isRegularFile(candidate) && Files.size(candidate) <= SIZE_MAX) {
          return Optional.of(commands(Files.readString(candidate, StandardCharsets.ISO_8859_1)));
        }
      }
    } catch (InvalidPathException | IOException e) {
      // As if it were not there: the report says that it has to be copied.
      return Optional.empty();
    }
    return Optional.empty();
  }

  private static String commands(String text) {
    return text.lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty() && !line.startsWith("#"))
        .filter(line -> !line.matches("set -\\w+( pipefail)?|(export )?PATH=\\S*"))
        .collect(Collectors.joining("; "))
        .replaceAll("\\b(then|else|do);", "$1");
  }
}
