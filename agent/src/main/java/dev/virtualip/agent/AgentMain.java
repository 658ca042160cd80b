package dev.virtualip.agent;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line of the agent. Exit codes: 0 done, 1 the work failed, 2 usage. */
@Command(
    name = "virtualip-agent",
    description = "Speaks VRRP for this node's virtual IPs.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentMain.Version.class,
    subcommands = {RunCommand.class, ValidateCommand.class, TrainCommand.class})
public final class AgentMain implements Runnable {
  private static boolean program;

  @Spec private CommandSpec spec;

  /** The version in the jar's manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      var version = AgentMain.class.getPackage().getImplementationVersion();
      return new String[] {"virtualip-agent " + (version == null ? "(built in place)" : version)};
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do: run or validate");
  }

  /** Runs a command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    program = true;
    System.exit(execute(args));
  }

  /** Whether this JVM is the agent, and not one that merely runs some of its code. */
  static boolean isProgram() {
    return program;
  }

  /** Runs a command; returns its exit code. */
  static int execute(String... args) {
    if (args.length > 0 && args[0].equals("run")) {
      // Before anything else: it loads much of what the start needs too, on another core.
      Rehearsal.start();
    }
    return new CommandLine(new AgentMain())
        .setExecutionExceptionHandler(
            (e, commandLine, _) -> {
              commandLine.getErr().println("virtualip-agent: " + e.getMessage());
              return 1;
            })
        .execute(args);
  }
}
