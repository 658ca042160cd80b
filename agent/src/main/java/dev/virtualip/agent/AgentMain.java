package dev.virtualip.agent;

import ch.qos.logback.classic.Level;
import dev.virtualip.agent.cli.MirrorCommand;
import dev.virtualip.agent.cli.RunOptions;
import dev.virtualip.agent.cli.ValidateCommand;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.train.TrainCommand;
import dev.virtualip.agent.train.WarmUp;
import dev.virtualip.log.Logs;
import java.io.IOException;
import java.util.List;
import java.util.Map;
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
    subcommands = {RunCommand.class, ValidateCommand.class, MirrorCommand.class})
public final class AgentMain implements Runnable {
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
    throw new ParameterException(spec.commandLine(), "say what to do: run, validate or mirror");
  }

  /** Runs a command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    // pcap4j logs each call at DEBUG.
    Logs.ofProgram(Map.of("org.pcap4j", Level.WARN));
    System.exit(execute(args));
  }

  /** Runs a command; returns its exit code. */
  public static int execute(String... args) {
    if (args.length > 0 && args[0].equals("run")) {
      var arguments = List.of(args).subList(1, args.length);
      if (arguments.contains(RunOptions.SECOND)) {
        System.setProperty(AddressPort.SECOND, "true");
      }
      // First of all, since it loads on another core much of what the start needs too.
      WarmUp.load();
      var options = RunOptions.plain(arguments);
      if (options != null) {
        return run(options);
      }
    }
    return new CommandLine(new AgentMain())
        .addSubcommand(new TrainCommand(AgentMain::execute))
        .setExecutionExceptionHandler(
            (e, commandLine, _) -> {
              commandLine.getErr().println(said(e));
              return 1;
            })
        .execute(args);
  }

  private static int run(RunOptions options) {
    try {
      new Agent(options).run();
      return 0;
    } catch (IOException | InterruptedException | RuntimeException e) {
      System.err.println(said(e));
      return 1;
    }
  }

  private static String said(Exception e) {
    return "virtualip-agent: " + e.getMessage();
  }
}
