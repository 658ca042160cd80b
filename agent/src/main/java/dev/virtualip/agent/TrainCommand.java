package dev.virtualip.agent;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Runs an agent for a few seconds, for the JVM to see what an agent needs and to prepare it in an
 * AOT cache ({@code -XX:AOTCacheOutput=FILE}, JEP 514). It needs no rights and leaves the machine's
 * network alone: the agent is Backup on {@code lo} all its life, or at fault where it may not
 * capture.
 */
@Command(
    name = "train",
    hidden = true,
    description = "Runs for a few seconds; the build makes the AOT cache of it.")
final class TrainCommand implements Callable<Integer> {
  private static final long LIFE_MILLIS = 3_000;
  private static final String LOCALHOST = "127.0.0.1";

  // With such adverts a Backup waits for two minutes before it would do anything.
  private static final String MANIFEST =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: training}
      spec:
        vrid: 1
        interface: lo
        advertInterval: 40s
        addresses: [{address: 192.0.2.10/32}]
        healthChecks: [{name: self, http: {port: %d, path: /healthz}, interval: 200ms}]
      """;

  @Parameters(paramLabel = "DIR", description = "Folder for the manifest; stays behind.")
  private Path manifests;

  @Override
  public Integer call() throws IOException, InterruptedException {
    int port;
    try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral(LOCALHOST))) {
      port = socket.getLocalPort();
    }
    Files.createDirectories(manifests);
    Files.writeString(manifests.resolve("virtualip.yaml"), MANIFEST.formatted(port));
    var address = LOCALHOST + ":" + port;
    var run =
        new String[] {"run", "--node=training", "--manifests=" + manifests, "--listen=" + address};
    Thread.ofPlatform().daemon().start(() -> AgentMain.execute(run));
    Thread.sleep(LIFE_MILLIS);
    for (var page : List.of("healthz", "status", "metrics")) {
      try (var in = URI.create("http://" + address + "/" + page).toURL().openStream()) {
        in.transferTo(OutputStream.nullOutputStream());
      }
    }
    return 0;
  }
}
