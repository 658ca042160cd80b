package dev.virtualip.agent.cli;

import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.kube.FilesAgent;
import dev.virtualip.agent.kube.Heartbeat;
import dev.virtualip.agent.kube.Mirror;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
  @Mixin private ApiOptions api;

  @Option(
      names = "--agent",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:9407",
      description = "Where that agent listens: its --listen. Default: ${DEFAULT-VALUE}")
  private String agent;

  @Override
  public Integer call() throws IOException, InterruptedException {
    var source = new FilesAgent(endpoint());
    var client = ApiServer.of(api.kubeconfig());
    var mirror = Mirror.start(client, api.nodeName(), source, System::nanoTime);
    Heartbeat.start(
        client, api.nodeName(), api.namespace(), api.pod(), mirror::hearsAgent, mirror::heartbeat);
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .unstarted(() -> mirror.close(System.nanoTime() + LAST_WRITES.toNanos())));
    new CountDownLatch(1).await();
    return 0;
  }

  private InetSocketAddress endpoint() {
    try {
      return Endpoint.parse("--agent", agent, "127.0.0.1:9407");
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
