package dev.virtualip.agent;

import dev.virtualip.agent.cli.RunOptions;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the agent until SIGTERM. */
@Command(
    name = "run",
    description = "Runs the node's virtual routers until SIGTERM.",
    mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private RunOptions options;

  @Override
  public Integer call() throws IOException, InterruptedException {
    var problem = options.problem();
    if (problem != null) {
      throw new ParameterException(spec.commandLine(), problem);
    }
    new Agent(options).run();
    return 0;
  }
}
