package dev.virtualip.vip;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code completion SHELL}. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = "Prints what a shell has to run to complete commands and options.")
final class CompletionCommand implements Callable<Integer> {
  enum Shell {
    bash,
    zsh,
    fish
  }

  static final String PROGRAM = "kubectl-vip";

  @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}")
  private Shell shell;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    var root = spec.root().commandLine();
    spec.commandLine().getOut().print(shell == Shell.fish ? Fish.of(root) : bash(root));
    spec.commandLine().getOut().flush();
    return 0;
  }

  /** By bashcompinit zsh reads the same. */
  private static String bash(CommandLine root) {
    return AutoComplete.bash(PROGRAM, root);
  }
}
