package dev.virtualip.vip;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
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
    fish,
    kubectl
  }

  static final String PROGRAM = "kubectl-vip";

  private static final String KUBECTL =
      """
      #!/bin/sh
      # By this kubectl completes kubectl vip, if it is on the PATH as kubectl_complete-vip.
      exec %s %s "$@"
      """
          .formatted(PROGRAM, CompleteCommand.NAME);

  @Parameters(
      paramLabel = "SHELL",
      description =
          "bash, zsh, fish: for kubectl-vip; kubectl: a program kubectl_complete-vip, by which kubectl"
              + " completes kubectl vip.")
  private Shell shell;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    var root = spec.root().commandLine();
    spec.commandLine()
        .getOut()
        .print(
            switch (shell) {
              // By bashcompinit zsh reads the same.
              case bash, zsh -> AutoComplete.bash(PROGRAM, root);
              case fish -> Fish.of(root);
              case kubectl -> KUBECTL;
            });
    spec.commandLine().getOut().flush();
    return 0;
  }
}
