package dev.virtualip.agent.cli;

import dev.virtualip.agent.kube.ApiServer;
import dev.virtualip.agent.kube.FilesAgent;
import dev.virtualip.agent.kube.Heartbeat;
import dev.virtualip.agent.kube.Heartbeat.PodReference;
import dev.virtualip.agent.kube.Mirror;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows in the API what the agent of this node runs from files, until SIGTERM. */
@Command(
    name = "mirror",
    mixinStandardHelpOptions = true,
    description =
        "Shows in the API what another agent on this node runs from files (run --manifests): its"
            + " VirtualIPs and its reports. It runs no virtual router.")
public final class MirrorCommand implements Callable<Integer> {
  private static final Duration LAST_WRITES = Duration.ofMillis(500);

  @Spec private CommandSpec spec;

  @Option(
      names = "--node",
      required = true,
      paramLabel = "NAME",
      description = "Name of this node, as in its Node object.")
  private String nodeName;

  @Option(
      names = "--agent",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:9407",
      description = "Where that agent listens: its --listen. Default: ${DEFAULT-VALUE}")
  private String agent;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = "How to reach the API server. Default: the pod's service account.")
  private Path kubeconfig;

  @Option(
      names = "--namespace",
      paramLabel = "NAME",
      defaultValue = "virtualip-system",
      description = "Namespace of the heartbeats. Default: ${DEFAULT-VALUE}")
  private String namespace;

  @Option(
      names = "--pod-name",
      paramLabel = "NAME",
      defaultValue = "${env:POD_NAME:-}",
      description = "Name of its own pod. Default: POD_NAME of the environment.")
  private String podName;

  @Option(
      names = "--pod-uid",
      paramLabel = "UID",
      defaultValue = "${env:POD_UID:-}",
      description = "UID of that pod. Default: POD_UID of the environment.")
  private String podUid;

  @Override
  public Integer call() throws InterruptedException {
    var source = new FilesAgent(address());
    var client = ApiServer.client(kubeconfig);
    var mirror = Mirror.start(client, nodeName, source, System::nanoTime);
    Heartbeat.start(
        client,
        nodeName,
        namespace,
        podUid.isEmpty() ? null : new PodReference(podName, podUid),
        mirror::hearsAgent,
        mirror::heartbeat);
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .unstarted(() -> mirror.close(System.nanoTime() + LAST_WRITES.toNanos())));
    new CountDownLatch(1).await();
    return 0;
  }

  private InetSocketAddress address() {
    int colon = agent.lastIndexOf(':');
    try {
      return new InetSocketAddress(
          InetAddress.ofLiteral(agent.substring(0, colon)),
          Integer.parseInt(agent.substring(colon + 1)));
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new ParameterException(
          spec.commandLine(),
          "--agent " + agent + ": give an IP address and a port, as in 127.0.0.1:9407",
          e);
    }
  }
}
