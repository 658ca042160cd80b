package dev.virtualip.operator;

import ch.qos.logback.classic.Level;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.kube.LiveWatches;
import dev.virtualip.log.Logs;
import dev.virtualip.memory.OldGeneration;
import dev.virtualip.operator.act.OperatorMetrics;
import dev.virtualip.operator.decide.Settings;
import dev.virtualip.operator.watch.DrainTrigger;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.javaoperatorsdk.operator.OperatorException;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
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
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private OperatorMain() {}

  /** Runs the program. */
  public static void main(String[] args) {
    Logs.ofProgram(
        Map.of(
            "io.fabric8", Level.WARN,
            "io.javaoperatorsdk", Level.WARN,
            "Default ConfigurationService implementation", Level.WARN,
            // It warns that v1alpha1 is unstable.
            "io.fabric8.kubernetes.client.dsl.internal.VersionUsageUtils", Level.ERROR));
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
              Run.LOG.debug("failed", e);
              line.getErr().println("virtualip-operator: " + StartFailure.advice(e));
              return CommandLine.ExitCode.SOFTWARE;
            });
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command: run");
  }

  /** Values of {@code --agent-log-format}. */
  enum LogFormat {
    text,
    json
  }

  /** The command {@code run}. */
  @Command(
      name = "run",
      description = "Runs until SIGTERM or SIGINT.",
      showDefaultValues = true,
      versionProvider = OperatorMain.Version.class,
      mixinStandardHelpOptions = true)
  static final class Run implements Callable<Integer> {
    // Not of the outer class, which is loaded before the log is configured.
    private static final Logger LOG = LoggerFactory.getLogger(OperatorMain.class);

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
        names = "--agent-open-metrics",
        arity = "1",
        paramLabel = "BOOLEAN",
        defaultValue = "${env:AGENT_OPEN_METRICS:-false}",
        description =
            "Whether the agents answer on port 9405 of all the nodes' addresses, which Prometheus"
                + " needs, and not of 127.0.0.1 alone; $AGENT_OPEN_METRICS.")
    private boolean openMetrics;

    @Option(
        names = "--agent-resources",
        paramLabel = "JSON",
        defaultValue = "${env:AGENT_RESOURCES:-}",
        converter = AgentResources.class,
        description =
            "Requests and limits of an agent, as in {\"limits\":{\"memory\":\"512Mi\"}};"
                + " $AGENT_RESOURCES. Empty: 50m and 144Mi are requested, 320Mi is the limit.")
    private ResourceRequirements resources;

    @Option(
        names = "--agent-log-format",
        paramLabel = "FORMAT",
        defaultValue = "${env:LOG_FORMAT:-text}",
        description =
            "How the agents write their logs: ${COMPLETION-CANDIDATES}; $LOG_FORMAT, which says the"
                + " same of the operator's own.")
    private LogFormat logFormat;

    @Option(
        names = "--drain-on",
        paramLabel = "TRIGGERS",
        defaultValue = "${env:DRAIN_ON:-cordon,label:virtualip.dev/drain=true}",
        converter = DrainTriggers.class,
        description =
            "By what a node is found to be drained, and hands over: cordon, taint:KEY[=VALUE],"
                + " label:KEY[=VALUE], separated by commas; none: nodes are left alone. $DRAIN_ON.")
    private DrainTriggers.Parsed drainOn;

    @Option(
        names = "--services-without-class",
        arity = "1",
        paramLabel = "BOOLEAN",
        defaultValue = "${env:SERVICES_WITHOUT_CLASS:-false}",
        description =
            "Whether Services of type LoadBalancer without a loadBalancerClass get addresses too, and"
                + " not those of class virtualip.dev/vip alone; $SERVICES_WITHOUT_CLASS.")
    private boolean servicesWithoutClass;

    @Option(
        names = "--name",
        paramLabel = "NAME",
        defaultValue = "${env:POD_NAME:-operator}",
        description = "Name of this operator among others, of which one works; $POD_NAME.")
    private String name;

    @Option(
        names = "--leader-lease",
        paramLabel = "TIME",
        defaultValue = "${env:LEADER_LEASE:-10s}",
        converter = LeaseDuration.class,
        description =
            "Time after which an operator that has vanished is followed by another one, 2s or more;"
                + " $LEADER_LEASE.")
    private Duration leaderLease;

    @Option(
        names = "--listen",
        paramLabel = "HOST:PORT",
        defaultValue = "0.0.0.0:9406",
        description = "Where /healthz, /readyz and /metrics are served.")
    private InetSocketAddress listen;

    @Override
    public Integer call() throws IOException, ExecutionException, InterruptedException {
      var settings =
          new Settings(
              namespace,
              agentImage,
              scripts.isEmpty() ? null : scripts,
              hostPid,
              openMetrics,
              resources,
              logFormat == LogFormat.json,
              drainOn.triggers(),
              servicesWithoutClass);
      LOG.info("start settings=\"{}\" listen={}", settings, listen);
      var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      OperatorMetrics.process(registry);
      var metrics = new OperatorMetrics(registry);
      try (var endpoints = Endpoints.start(listen, registry, metrics);
          var client =
              new KubernetesClientBuilder()
                  .withHttpClientFactory(new LiveWatches())
                  .withConfig(config())
                  .build()) {
        return lead(endpoints, client, settings, metrics);
      }
    }

    /**
     * Waits until it is the leader, and then works until it loses the leadership or a watch fails.
     */
    private int lead(
        Endpoints endpoints, KubernetesClient client, Settings settings, OperatorMetrics metrics)
        throws ExecutionException, InterruptedException {
      client.leases().inNamespace(Leadership.NAMESPACE).withName(Leadership.LEASE).get();
      var leadership = Leadership.seek(client, name, leaderLease);
      var stop = new Stop();
      stop.before(leadership);
      Runtime.getRuntime().addShutdownHook(stop);
      endpoints.standBy();
      OldGeneration.watch();
      LOG.info("waiting for its turn apiServer={}", client.getMasterUrl());
      leadership.await();
      metrics.leads();
      var events = EventWriter.start(ApiCall.sender(client), "virtualip-operator", name);
      var operator = VirtualIpOperator.start(client, settings, metrics, events);
      stop.before(events);
      stop.before(operator);
      endpoints.serve(operator);
      LOG.info("started");
      var failure = CompletableFuture.anyOf(operator.failure(), leadership.lost()).get();
      if (stop.isAlive()) {
        stop.join();
      }
      Runtime.getRuntime().removeShutdownHook(stop);
      throw new OperatorException("it can't go on", (Throwable) failure);
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
  }

  /**
   * Shutdown hook: closes the running parts in the reverse order of their start. The exit code is
   * 0, as a stop by SIGTERM is no failure.
   */
  private static final class Stop extends Thread {
    private final ConcurrentLinkedDeque<AutoCloseable> running = new ConcurrentLinkedDeque<>();

    Stop() {
      super("stop");
    }

    /** Adds a part that is closed before all parts added earlier. */
    void before(AutoCloseable closeable) {
      running.push(closeable);
    }

    @Override
    public void run() {
      Run.LOG.info("stopping");
      for (var closeable : running) {
        try {
          closeable.close();
        } catch (Exception e) {
          Run.LOG.warn("not stopped: {}", closeable, e);
        }
      }
      // The only way for a hook to set the exit code.
      Runtime.getRuntime().halt(CommandLine.ExitCode.OK);
    }
  }

  /** Reads {@code --leader-lease}. */
  static final class LeaseDuration implements ITypeConverter<Duration> {
    private static final Duration MIN = Duration.ofSeconds(2);

    @Override
    public Duration convert(String text) {
      try {
        var duration = Durations.parse(text);
        if (duration.compareTo(MIN) >= 0) {
          return duration;
        }
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
      throw new TypeConversionException("\"" + text + "\" is too short: write 2s or more");
    }
  }

  /** Reads {@code --drain-on}. */
  static final class DrainTriggers implements ITypeConverter<DrainTriggers.Parsed> {
    /** A list wrapped so that picocli does not take it for several values. */
    record Parsed(List<DrainTrigger> triggers) {}

    @Override
    public Parsed convert(String text) {
      try {
        return new Parsed(DrainTrigger.parse(text));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
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
        // falls through to the message that says what to write instead
      }
      throw new TypeConversionException(
          "\"" + text + "\" is no address to listen on: write HOST:PORT, as in 0.0.0.0:9406");
    }
  }
}
