package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * fabric8's mock server in this JVM: objects, patches and watches, but no validation, no RBAC and
 * no field ownership.
 */
final class EmbeddedApiServer implements ApiServer {
  static final String TOKEN = "lab-token";
  // Logs each request. The reference is kept because a logger that is garbage-collected loses its
  // level.
  private static final Logger REQUESTS = Logger.getLogger(MockWebServer.class.getName());

  private final String address;
  private final String url;
  private final Path kubeconfig;
  private final EmbeddedDispatcher objects = new EmbeddedDispatcher();
  private final KubernetesClient client;
  private final LabControllers controllers;
  private KubernetesMockServer server;

  private EmbeddedApiServer(String address, Path kubeconfig) {
    this.address = address;
    this.url = "http://%s:%d/".formatted(address, PORT);
    this.kubeconfig = kubeconfig;
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(url)
            .withOauthToken(TOKEN)
            .withHttp2Disable(true)
            .withRequestRetryBackoffLimit(0)
            .build();
    client = new KubernetesClientBuilder().withConfig(config).build();
    up();
    controllers = LabControllers.start(client);
  }

  static EmbeddedApiServer start(Lab lab, String address) {
    REQUESTS.setLevel(Level.WARNING);
    Path kubeconfig = lab.work().resolve("embedded.kubeconfig");
    try {
      Files.writeString(
          kubeconfig,
          """
          apiVersion: v1
          kind: Config
          clusters:
          - name: lab
            cluster: {server: "%s"}
          users:
          - name: admin
            user: {token: "%s"}
          contexts:
          - name: lab
            context: {cluster: lab, user: admin}
          current-context: lab
          """
              .formatted("http://" + address + ":" + PORT, TOKEN));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new EmbeddedApiServer(address, kubeconfig);
  }

  @Override
  public String kind() {
    return "embedded (fabric8 mock server): no validation, no RBAC";
  }

  @Override
  public boolean real() {
    return false;
  }

  @Override
  public KubernetesClient client() {
    return client;
  }

  @Override
  public Path kubeconfig() {
    return kubeconfig;
  }

  /**
   * The whole URL, since the client would use https with a service host, and this server has http.
   */
  @Override
  public Map<String, String> podEnvironment() {
    return Map.of(
        "KUBERNETES_SERVICE_HOST",
        address,
        "KUBERNETES_SERVICE_PORT",
        Integer.toString(PORT),
        "KUBERNETES_MASTER",
        url,
        "HTTP2_DISABLE",
        "true");
  }

  @Override
  public String certificateAuthority() {
    return "";
  }

  @Override
  public String token(String namespace, String serviceAccount) {
    return TOKEN;
  }

  @Override
  public String kubectl(String... arguments) {
    throw new IllegalStateException(
        "kubectl needs a real API server: set KUBEBUILDER_ASSETS to a folder with one");
  }

  @Override
  public void down() {
    server.destroy();
  }

  @Override
  public void up() {
    server =
        new KubernetesMockServer(
            new Context(new ObjectMapper()), new MockWebServer(), new HashMap<>(), objects, false);
    server.init(InetAddress.ofLiteral(address), PORT);
  }

  @Override
  public void close() {
    controllers.close();
    client.close();
    server.destroy();
  }
}
