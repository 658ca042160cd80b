package dev.virtualip.agent.train;

import dev.virtualip.agent.source.ManifestSource;
import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Training run for the AOT cache ({@code -XX:AOTCacheOutput=FILE}, JEP 514). It reads manifests,
 * and runs an agent with an API server until it works, so that the JVM records the classes that an
 * agent needs. It needs no rights and does not change the machine's network: the agent stays Backup
 * on {@code lo}, or at fault without the right to capture. A second agent would be refused, as a
 * node has one.
 */
@Command(
    name = "train",
    hidden = true,
    description = "Runs for a few seconds; the build makes the AOT cache of it.")
public final class TrainCommand implements Callable<Integer> {
  static final String LOCALHOST = "127.0.0.1";

  private static final int TRIES = 600;
  private static final long LOOK_MILLIS = 100;

  /**
   * How long the agent works after its start, so that work done about once a second is recorded
   * too.
   */
  private static final long REST_MILLIS = 2_000;

  // With such an interval a Backup does nothing for two minutes.
  private static final String VIRTUAL_IP =
      """
      {"apiVersion": "virtualip.dev/v1alpha1", "kind": "VirtualIP",
       "metadata": {"name": "training", "uid": "1", "generation": 1, "resourceVersion": "1"},
       "spec": {"vrid": 1, "interface": "lo", "advertInterval": "40s",
         "addresses": [{"address": "192.0.2.10/32"}],
         "healthChecks": [%s, %s]}}
      """;

  private static final String KUBECONFIG =
      """
      apiVersion: v1
      kind: Config
      current-context: training
      clusters: [{name: training, cluster: {server: "%s", certificate-authority: %s}}]
      users: [{name: training, user: {token: training}}]
      contexts: [{name: training, context: {cluster: training, user: training}}]
      """;

  private static final String HTTP_CHECK =
      """
      {"name": "self", "http": {"port": %d, "path": "/healthz"}, "interval": "200ms"}""";

  private static final String POD_CHECK =
      """
      {"name": "pod", "interval": "200ms", "pod": {"namespace": "training",
        "selector": {"matchLabels": {"app": "training"}}}}""";

  private static final String NODE =
      """
      {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "training", "uid": "1",
         "resourceVersion": "1", "labels": {"kubernetes.io/hostname": "training"}},
       "status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}}""";

  private static final String POD =
      """
      {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "training", "uid": "1",
         "namespace": "training", "resourceVersion": "1", "labels": {"app": "training"}},
       "status": {"conditions": [{"type": "Ready", "status": "True"}]}}""";

  private static final String POOL =
      """
      {"apiVersion": "virtualip.dev/v1alpha1", "kind": "VirtualIPPool",
       "metadata": {"name": "training", "uid": "1", "generation": 1, "resourceVersion": "1"},
       "spec": {"addresses": ["192.0.2.0/24"]}}""";

  private static final String HAND_OVERS =
      """
      {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "virtualip-hand-overs",
         "uid": "1", "namespace": "virtualip-system", "resourceVersion": "1"}, "data": {}}""";

  private static final String SECRET =
      """
      {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "training", "uid": "1",
         "namespace": "virtualip-system", "resourceVersion": "1"},
       "data": {"key": "dHJhaW5pbmc="}}""";

  private final Consumer<String[]> agent;

  /**
   * @param agent runs the agent with a command line until it ends
   */
  public TrainCommand(Consumer<String[]> agent) {
    this.agent = agent;
  }

  @Parameters(paramLabel = "DIR", description = "Folder for what the agent reads; stays behind.")
  private Path folder;

  @Override
  public Integer call() throws InterruptedException, GeneralSecurityException {
    try {
      train();
    } catch (IOException e) {
      System.err.println("virtualip-agent: no training: " + e.getMessage());
      // The agent's shutdown would turn any other end into a good one.
      Runtime.getRuntime().halt(1);
    }
    return 0;
  }

  private void train() throws IOException, InterruptedException, GeneralSecurityException {
    int port = freePort();
    var virtualIp = VIRTUAL_IP.formatted(HTTP_CHECK.formatted(port), POD_CHECK);
    readManifests(virtualIp);
    var objects =
        Map.of(
            "virtualips", virtualIp,
            "virtualippools", POOL,
            "nodes", NODE,
            "pods", POD,
            "configmaps", HAND_OVERS,
            "secrets", SECRET);
    try (var server = new TrainingApiServer(folder, objects)) {
      var kubeconfig =
          Files.writeString(
              folder.resolve("kubeconfig"),
              KUBECONFIG.formatted(server.url(), server.certificate().getFileName()));
      var running =
          start(
              "--node=training",
              "--listen=" + LOCALHOST + ":" + port,
              "--kubeconfig=" + kubeconfig,
              "--state-dir=" + Files.createDirectories(folder.resolve("state")));
      awaitReady(running, port);
      if (!server.awaitStatus(TRIES * LOOK_MILLIS / 1_000)) {
        throw new IOException("no status was written");
      }
      Thread.sleep(REST_MILLIS);
      for (var page : List.of("healthz", "status", "metrics")) {
        read(port, page);
      }
    }
  }

  private void readManifests(String virtualIp) throws IOException, InterruptedException {
    var manifests = Files.createDirectories(folder.resolve("manifests"));
    Files.writeString(manifests.resolve("virtualip.yaml"), virtualIp);
    var read = new CountDownLatch(1);
    try (var _ = ManifestSource.start(manifests, null, "training", _ -> read.countDown())) {
      if (!read.await(TRIES * LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new IOException("the manifests were not read");
      }
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral(LOCALHOST))) {
      return socket.getLocalPort();
    }
  }

  private Thread start(String... options) {
    var command = Stream.concat(Stream.of("run"), Stream.of(options)).toArray(String[]::new);
    return Thread.ofPlatform().daemon().start(() -> agent.accept(command));
  }

  private static void awaitReady(Thread agent, int port) throws IOException, InterruptedException {
    for (int i = 0; i < TRIES && agent.isAlive(); i++) {
      try {
        if (read(port, "readyz") == HttpURLConnection.HTTP_OK) {
          return;
        }
      } catch (IOException _) {
        // The agent does not listen yet.
      }
      Thread.sleep(LOOK_MILLIS);
    }
    throw new IOException("the agent is not ready, or has ended");
  }

  private static int read(int port, String page) throws IOException {
    var url = URI.create("http://" + LOCALHOST + ":" + port + "/" + page).toURL();
    var connection = (HttpURLConnection) url.openConnection();
    int code = connection.getResponseCode();
    if (code == HttpURLConnection.HTTP_OK) {
      try (var in = connection.getInputStream()) {
        in.transferTo(OutputStream.nullOutputStream());
      }
    }
    return code;
  }
}
