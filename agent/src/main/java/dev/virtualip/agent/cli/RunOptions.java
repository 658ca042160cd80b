package dev.virtualip.agent.cli;

import dev.virtualip.agent.net.AddressPort;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** What {@code run} is told. */
public final class RunOptions extends ApiOptions {
  /** It counts before any other class is loaded. */
  public static final String SECOND = "--second";

  private static final String ENDPOINT = "127.0.0.1:9405";

  @Option(
      names = "--manifests",
      paramLabel = "DIR",
      description = "Take VirtualIPs from the YAML files here instead of from an API server.")
  private Path manifests;

  @Option(
      names = "--secrets",
      paramLabel = "DIR",
      description = "With --manifests: passwords, as files SECRET-NAME/KEY.")
  private Path secrets;

  @Option(
      names = "--state-dir",
      paramLabel = "DIR",
      description = "Keep the last good configuration here, to start without the API server.")
  private Path stateDir;

  @Option(
      names = "--scripts",
      paramLabel = "DIR",
      description = "Commands that may be run, as user 65534. Default: none is run.")
  private Path scripts;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description =
          "Serve /healthz /readyz /metrics /status /virtualips here. Default: ${DEFAULT-VALUE}")
  private String listen = ENDPOINT;

  @Option(
      names = "--metrics",
      paramLabel = "HOST:PORT",
      description =
          "Serve /metrics, and nothing else, here too, for clients outside of the node: an address of"
              + " the node's own. Default: only where --listen says.")
  private String metrics;

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description = "For debugging: write every event and effect here, up to 64 MiB.")
  private Path record;

  @Option(
      names = SECOND,
      description =
          "Run beside another agent on this node, which has no such option. Give them different"
              + " --listen and --state-dir.")
  private boolean second;

  /**
   * The options of a command line that has nothing wrong, {@link PlainOptions read} without
   * picocli.
   *
   * @param arguments behind {@code run}
   * @return null if picocli has to read it, which also tells what is wrong
   */
  public static RunOptions plain(List<String> arguments) {
    var options = new RunOptions();
    return PlainOptions.read(arguments, options)
            && options.nodeName() != null
            && options.problem() == null
        ? options
        : null;
  }

  /** What is wrong with them together, and what to do; null if nothing is. */
  public String problem() {
    if (manifests != null && kubeconfig() != null) {
      return "--manifests and --kubeconfig exclude each other: give one";
    }
    if (secrets != null && manifests == null) {
      return "--secrets goes with --manifests: Secrets of the API server are read there";
    }
    if (scripts != null && !Files.isDirectory(scripts)) {
      return "--scripts " + scripts + ": there is no such directory";
    }
    if (second != Boolean.getBoolean(AddressPort.SECOND)) {
      return SECOND + " takes no value: write it alone";
    }
    try {
      listenAddress();
      metricsAddress();
      return null;
    } catch (IllegalArgumentException e) {
      return e.getMessage();
    }
  }

  /** The folder of VirtualIPs, or null if they come from an API server. */
  public Path manifests() {
    return manifests;
  }

  /** The folder of passwords, or null. */
  public Path secrets() {
    return secrets;
  }

  /** Where what outlives a restart is kept, or null if nothing is. */
  public Path stateDir() {
    return stateDir;
  }

  /** The folder of commands that may be run, or null if none may. */
  public Path scripts() {
    return scripts;
  }

  /** Where it serves everything, as it was told. */
  public String listen() {
    return listen;
  }

  /**
   * Where it serves everything.
   *
   * @throws IllegalArgumentException if it is no {@link Endpoint}: a {@link #problem}
   */
  public InetSocketAddress listenAddress() {
    return Endpoint.parse("--listen", listen, ENDPOINT);
  }

  /**
   * Where else it serves metrics, or null.
   *
   * @throws IllegalArgumentException if it is no {@link Endpoint}: a {@link #problem}
   */
  public InetSocketAddress metricsAddress() {
    return metrics == null ? null : Endpoint.parse("--metrics", metrics, ENDPOINT);
  }

  /** The file of a record, or null. */
  public Path record() {
    return record;
  }
}
