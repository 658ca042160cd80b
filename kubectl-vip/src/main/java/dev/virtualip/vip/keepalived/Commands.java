package dev.virtualip.vip.keepalived;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Turns command lines into checks: typed ones where they are idioms, else commands. */
record Commands(ScriptFiles files, Report report) {
  private static final Pattern SECRET =
      Pattern.compile(
          "(?i)pass(w(or)?d)?\\b|passw|secret|token|api-?key|[^/:]{1,256}:[^/@]{1,256}@");

  private static final Set<String> SYSTEM_FOLDERS =
      Set.of("/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/lib", "");

  /**
   * Puts the kind of a check into it.
   *
   * @param own address of the real server that the check is of, or null
   */
  void into(Fields check, String command, Directive from, String own) {
    var idioms = new Idioms(from, own);
    var words = Words.of(command);
    outside(from, report);
    if (!words.isPlain()) {
      report.approximated(from, "keepalived uses no shell, and passes | and the like as arguments");
    }
    var typed = idioms.of(command);
    if (typed.isEmpty() && words.isPlain() && !words.isEmpty()) {
      typed = files.check(words.words().getFirst(), idioms);
    }
    if (typed.isEmpty()) {
      check.in("exec", from).put("command", commandOf(words, command, check, from).content(), from);
      return;
    }
    var found = typed.get();
    check.put(found.kind(), found.fields(), from);
    if (check.get("timeout") == null) {
      check.put("timeout", found.timeout(), from);
    }
    found.how().forEach(how -> report.approximated(from, how));
    var needs = found.kind().equals("process") ? ", which needs hostPID in Kubernetes" : "";
    report.translated(from, "as a check of kind " + found.kind() + needs);
  }

  /** Says what keepalived drops behind a command. */
  static void outside(Directive from, Report report) {
    if (from.arguments().size() > 1) {
      report.approximated(
          from,
          "keepalived drops what is outside of the quotes: "
              + String.join(" ", from.arguments().subList(1, from.arguments().size())));
    }
  }

  /** The command of a script below the scripts directory. */
  private Fields.Value commandOf(Words words, String command, Fields check, Directive from) {
    var program = words.isEmpty() ? "" : words.words().getFirst();
    var folder = program.contains("/") ? program.substring(0, program.lastIndexOf('/')) : "";
    if (words.isPlain() && !SYSTEM_FOLDERS.contains(folder)) {
      report.approximated(
          from, "copy " + program + " into the scripts directory; it runs as nobody");
      return list(withoutSecrets(words, from, report), from);
    }
    var name = check.text("name") == null ? "check" : check.text("name");
    report.approximated(
        from, "write a script " + name + " into the scripts directory that runs: " + command);
    return list(new Words(List.of(name), true), from);
  }

  /** The words, but none behind the program if they look like a secret: anybody may read a spec. */
  static Words withoutSecrets(Words words, Directive from, Report report) {
    if (words.arguments().stream().noneMatch(word -> SECRET.matcher(word).find())) {
      return words;
    }
    report.approximated(
        from,
        "its arguments look like a secret, and a spec is no place for one: put them into the"
            + " script");
    return new Words(List.of(words.words().getFirst()), true);
  }

  /** Program and arguments as a list of values. */
  static Fields.Value list(Words words, Directive from) {
    var list = new Fields();
    list.add("command", words.program(), from);
    words.arguments().forEach(word -> list.add("command", word, from));
    return list.get("command");
  }
}
