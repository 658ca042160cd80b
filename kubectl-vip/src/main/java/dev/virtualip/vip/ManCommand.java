package dev.virtualip.vip;

import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code man}: the manual page, from what the commands themselves say. */
@Command(
    name = "man",
    mixinStandardHelpOptions = true,
    description = "Prints the manual page: kubectl vip man | man -l -")
final class ManCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    var environment = new LinkedHashMap<String, String>();
    environment.put("KUBECONFIG", "As for kubectl.");
    environment.put("NO_COLOR", "If it is set, nothing is coloured.");
    var out = spec.commandLine().getOut();
    out.print(ManPage.of(spec.root(), "kubectl-vip", 1, "kubectl vip", environment));
    out.flush();
    return 0;
  }
}
