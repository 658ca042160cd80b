package dev.virtualip.operator;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.javaoperatorsdk.operator.OperatorException;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The program {@code virtualip-operator}. Exit codes: 0 done, 1 the work failed, 2 usage. */
@Command(
    name = "virtualip-operator",
    description = "Keeps status and agents of a cluster's VirtualIPs up to date.",
    subcommands = OperatorMain.Run.class,
    synopsisSubcommandLabel = "COMMAND",
    versionProvider = OperatorMain.Version.class,
    mixinStandardHelpOptions = true)
public final class OperatorMain implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(OperatorMain.class);

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private OperatorMain() {}

  /** Runs the program. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new OperatorMain())
        .registerConverter(InetSocketAddress.class, new HostAndPort())
        .setParameterExceptionHandler(
            (e, _) -> {
              var command = e.getCommandLine().getCommandSpec().qualifiedName();
              e.getCommandLine()
                  .getErr()
                  .printf("%s; see %s --help%n", e.getMessage().replace('\n', ' '), command);
              return CommandLine.ExitCode.USAGE;
            })
        .setExecutionExceptionHandler(
            (e, line, _) -> {
              LOG.debug("failed", e);
              line.getErr().println("virtualip-operator: " + StartFailure.advice(e));
              return CommandLine.ExitCode.SOFTWARE;
            });
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command: run");
  }

  /** The command {@code run}. */
  @Command(
      name = "run",
      description = "Runs until SIGTERM or SIGINT.",
      showDefaultValues = true,
      versionProvider = OperatorMain.Version.class,
      mixinStandardHelpOptions = true)
  static final class Run implements Callable<Integer> {
    @Option(
        names = "--kubeconfig",
        paramLabel = "FILE",
        description =
            "How to reach the API server. Without it: the pod's own service account, else"
                + " $KUBECONFIG or ~/.kube/config.")
    private File kubeconfig;

    @Option(
        names = "--namespace",
        paramLabel = "NS",
        defaultValue = "${env:POD_NAMESPACE:-virtualip-system}",
        description = "Namespace of the agents; $POD_NAMESPACE.")
    private String namespace;

    @Option(
        names = "--agent-image",
        paramLabel = "IMAGE",
        defaultValue = "${env:AGENT_IMAGE:-ghcr.io/virtualip/virtualip-agent:0.1.0}",
        description = "Image of the agents; $AGENT_IMAGE.")
    private String agentImage;

    @Option(
        names = "--agent-scripts",
        paramLabel = "CONFIGMAP",
        defaultValue = "${env:AGENT_SCRIPTS:-}",
        description =
            "ConfigMap in the namespace whose scripts the agents may run, as user 65534;"
                + " $AGENT_SCRIPTS. Empty: none.")
    private String scripts;

    @Option(
        names = "--agent-host-pid",
        arity = "1",
        paramLabel = "BOOLEAN",
        defaultValue = "${env:AGENT_HOST_PID:-false}",
        description =
            "Whether the agents see the nodes' processes (hostPID), which process checks need;"
                + " $AGENT_HOST_PID.")
    private boolean hostPid;

    @Option(
        names = "--listen",
        paramLabel = "HOST:PORT",
        defaultValue = "0.0.0.0:9406",
        description = "Where /healthz, /readyz and /metrics are served.")
    private InetSocketAddress listen;

    @Override
    public Integer call() throws IOException, ExecutionException, InterruptedException {
      var settings =
          new Settings(namespace, agentImage, scripts.isEmpty() ? null : scripts, hostPid);
      LOG.info("settings={} listen={}", settings, listen);
      var metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      try (var endpoints = Endpoints.start(listen, metrics);
          var client = new KubernetesClientBuilder().withConfig(config()).build();
          var operator = VirtualIpOperator.start(client, settings, metrics)) {
        endpoints.serve(operator);
        var stop = stopOnSignal(operator);
        LOG.info("started apiServer={}", client.getMasterUrl());
        var failure = operator.failure().get();
        Runtime.getRuntime().removeShutdownHook(stop);
        throw new OperatorException("a watch ended", failure);
      }
    }

    private Config config() {
      if (kubeconfig == null) {
        return new ConfigBuilder().build();
      }
      if (!kubeconfig.canRead()) {
        throw new IllegalArgumentException(
            "cannot read the kubeconfig " + kubeconfig + ": name a readable file");
      }
      try {
        return Config.fromKubeconfig(kubeconfig);
      } catch (RuntimeException e) {
        throw new IllegalArgumentException(kubeconfig + " is no kubeconfig: name another file", e);
      }
    }

    /** A hook can't set the exit code, and to be stopped is no failure. */
    private static Thread stopOnSignal(VirtualIpOperator operator) {
      var hook =
          new Thread(
              () -> {
                LOG.info("stopping");
                operator.close();
                Runtime.getRuntime().halt(CommandLine.ExitCode.OK);
              },
              "stop");
      Runtime.getRuntime().addShutdownHook(hook);
      return hook;
    }
  }

  /** The version in the jar's manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      var version = OperatorMain.class.getPackage().getImplementationVersion();
      return new String[] {"virtualip-operator " + Objects.requireNonNullElse(version, "unknown")};
    }
  }

  private static final class HostAndPort implements ITypeConverter<InetSocketAddress> {
    @Override
    public InetSocketAddress convert(String text) {
      int colon = text.lastIndexOf(':');
      try {
        var port = Integer.parseInt(text.substring(colon + 1));
        var host = text.substring(0, Math.max(colon, 0)).replaceAll("^\\[|]$", "");
        if (!host.isEmpty() && port >= 0 && port <= 65535) {
          return new InetSocketAddress(host, port);
        }
      } catch (NumberFormatException _) {
        // falls through to what to write instead
      }
      throw new TypeConversionException(
          "\"" + text + "\" is no address to listen on: write HOST:PORT, as in 0.0.0.0:9406");
    }
  }
}
