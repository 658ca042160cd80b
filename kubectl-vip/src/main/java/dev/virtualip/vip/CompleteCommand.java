package dev.virtualip.vip;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/**
 * What may follow on a command line, for kubectl, which calls {@code kubectl_complete-vip} with the
 * words of {@code kubectl vip}, the last one as far as it is typed.
 */
@Command(name = CompleteCommand.NAME, hidden = true)
final class CompleteCommand implements Callable<Integer> {
  static final String NAME = "__complete";

  /** No file names after these (cobra's ShellCompDirectiveNoFileComp). */
  private static final String NO_FILES = ":4";

  @Unmatched private List<String> words = new ArrayList<>();
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    var typed = words.isEmpty() ? List.of("") : words;
    var last = typed.getLast();
    var rests = new ArrayList<CharSequence>();
    AutoComplete.complete(
        spec.root(),
        typed.toArray(String[]::new),
        typed.size() - 1,
        last.length(),
        String.join(" ", typed).length(),
        rests);
    var out = spec.commandLine().getOut();
    rests.stream()
        .map(rest -> last + rest)
        .sorted()
        .filter(word -> !word.startsWith("__"))
        .forEach(out::println);
    out.println(NO_FILES);
    return 0;
  }
}
