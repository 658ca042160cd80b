package dev.virtualip.vip;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import dev.virtualip.log.Logs;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command line for people. Exit codes: 0 done, 1 the work failed or found problems, 2 usage.
 */
@Command(
    name = "kubectl vip",
    description = "Shows, moves and writes virtual IPs.",
    mixinStandardHelpOptions = true,
    versionProvider = VipMain.Version.class,
    subcommands = {
      StatusCommand.class,
      WhyCommand.class,
      TimelineCommand.class,
      SwitchCommand.class,
      ReleaseCommand.class,
      PinCommand.class,
      DrainCommand.class,
      DrillCommand.class,
      BundleCommand.class,
      CompletionCommand.class,
      CompleteCommand.class,
      TrainCommand.class,
      ManCommand.class,
      ImportCommand.class,
      LintCommand.class,
      ExportCommand.class,
    })
public final class VipMain implements Runnable {
  @Spec private CommandSpec spec;

  /** The version in the jar's manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      var version = VipMain.class.getPackage().getImplementationVersion();
      return new String[] {"kubectl-vip " + (version == null ? "(built in place)" : version)};
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do");
  }

  /** Runs a command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    // For people: what a library warns of, without times and names.
    var encoder = new PatternLayoutEncoder();
    encoder.setPattern("kubectl-vip: %msg%n");
    // It warns that v1alpha1 is unstable.
    var versions = "io.fabric8.kubernetes.client.dsl.internal.VersionUsageUtils";
    Logs.ofProgram(encoder, Level.WARN, Map.of(versions, Level.ERROR));
    System.exit(execute(args));
  }

  /** Runs a command; returns its exit code. */
  public static int execute(String... args) {
    return commandLine().execute(args);
  }

  /** The command line, for those who want its output elsewhere. */
  static CommandLine commandLine() {
    return new CommandLine(new VipMain())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (e, commandLine, _) -> {
              commandLine.getErr().println("kubectl-vip: " + Connection.message(e));
              return 1;
            });
  }
}
