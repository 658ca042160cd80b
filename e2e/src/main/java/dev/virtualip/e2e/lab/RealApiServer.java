package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.api.model.authentication.TokenRequest;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** etcd and kube-apiserver, and controllers and scheduler if they are installed too. */
final class RealApiServer implements ApiServer {
  private static final Duration READY_WITHIN = Duration.ofSeconds(120);
  private static final String ETCD = "http://127.0.0.1:2379";
  private static final String ADMIN_TOKEN = "lab-admin";

  /** The Service {@code kubernetes}, by which pods find the API server, and its port. */
  private static final String SERVICE = "10.96.0.1";

  private static final int SERVICE_PORT = 443;

  private final Host control;
  private final Path assets;
  private final Path folder;
  private final String address;
  // Names of nodes that have a kubelet; empty where lab nodes run the pods.
  private final List<String> kubelets;
  private final Deque<Proc> procs = new ArrayDeque<>();
  private Proc apiServer;
  private KubernetesClient client;
  private LabControllers controllers;

  private RealApiServer(
      Host control, Path assets, Path folder, String address, List<String> kubelets) {
    this.control = control;
    this.assets = assets;
    this.folder = folder;
    this.address = address;
    this.kubelets = kubelets;
  }

  static boolean available(String assets) {
    return assets != null
        && Files.isExecutable(Path.of(assets, "etcd"))
        && Files.isExecutable(Path.of(assets, "kube-apiserver"));
  }

  static RealApiServer start(Lab lab, Path assets, String address) {
    return start(lab, assets, address, List.of());
  }

  static RealApiServer start(Lab lab, Path assets, String address, List<String> kubelets) {
    try {
      Path folder = Files.createTempDirectory(lab.work(), "api-server-");
      RealApiServer server = new RealApiServer(lab.control(), assets, folder, address, kubelets);
      server.writeKeysAndTokens();
      if (!kubelets.isEmpty()) {
        lab.control().ip("addr add " + SERVICE + "/32 dev lo");
      }
      server.startEtcd();
      server.up();
      server.startControllers();
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String kind() {
    return "kube-apiserver %s from %s, %s"
        .formatted(
            client.getKubernetesVersion().getGitVersion(),
            assets,
            hasControllers() ? "with its controllers" : "controllers by the lab");
  }

  @Override
  public boolean real() {
    return true;
  }

  /** Whether DaemonSets and Deployments get their pods from the real controllers. */
  boolean hasControllers() {
    return Files.isExecutable(assets.resolve("kube-controller-manager"))
        && Files.isExecutable(assets.resolve("kube-scheduler"));
  }

  /** Without a kube-proxy it listens on the Service's own address, if there are real pods. */
  private int port() {
    return kubelets.isEmpty() ? PORT : SERVICE_PORT;
  }

  /** A kubeconfig of a kubelet. */
  Path kubeconfig(String node) {
    return folder.resolve(node + ".kubeconfig");
  }

  @Override
  public KubernetesClient client() {
    return client;
  }

  @Override
  public Path kubeconfig() {
    return folder.resolve("kubeconfig");
  }

  @Override
  public Map<String, String> podEnvironment() {
    return Map.of(
        "KUBERNETES_SERVICE_HOST", address, "KUBERNETES_SERVICE_PORT", Integer.toString(port()));
  }

  @Override
  public String certificateAuthority() {
    try {
      return Files.readString(folder.resolve("apiserver.crt"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String token(String namespace, String serviceAccount) {
    TokenRequest request =
        new TokenRequestBuilder()
            .withNewSpec()
            .withExpirationSeconds(Duration.ofHours(24).toSeconds())
            .endSpec()
            .build();
    return client
        .serviceAccounts()
        .inNamespace(namespace)
        .withName(serviceAccount)
        .tokenRequest(request)
        .getStatus()
        .getToken();
  }

  @Override
  public String kubectl(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(assets.resolve("kubectl").toString());
    command.add("--kubeconfig=" + kubeconfig());
    command.add("--cache-dir=" + folder.resolve("kubectl"));
    command.addAll(List.of(arguments));
    return Shell.run(command);
  }

  @Override
  public void down() {
    apiServer.kill();
  }

  @Override
  public void close() {
    if (controllers != null) {
      controllers.close();
    }
    client.close();
    while (!procs.isEmpty()) {
      procs.pop().close();
    }
  }

  private void writeKeysAndTokens() throws IOException {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      KeyPair pair = generator.generateKeyPair();
      Files.writeString(
          folder.resolve("sa.key"), pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
      Files.writeString(folder.resolve("sa.pub"), pem("PUBLIC KEY", pair.getPublic().getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
    StringBuilder tokens = new StringBuilder(ADMIN_TOKEN + ",admin,admin,\"system:masters\"\n");
    writeKubeconfig(kubeconfig(), ADMIN_TOKEN);
    for (String node : kubelets) {
      String token = "kubelet-" + node;
      tokens.append("%s,system:node:%s,%2$s,\"system:nodes\"\n".formatted(token, node));
      writeKubeconfig(kubeconfig(node), token);
    }
    Files.writeString(folder.resolve("tokens.csv"), tokens);
  }

  private void writeKubeconfig(Path file, String token) throws IOException {
    Files.writeString(
        file,
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: lab
          cluster: {server: "https://%s:%d", certificate-authority: "%s"}
        users:
        - name: me
          user: {token: "%s"}
        contexts:
        - name: lab
          context: {cluster: lab, user: me}
        current-context: lab
        """
            .formatted(address, port(), folder.resolve("apiserver.crt"), token));
  }

  private static String pem(String type, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(type, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der), type);
  }

  private void startEtcd() {
    run(
        "etcd",
        "--data-dir=" + folder.resolve("etcd"),
        "--listen-client-urls=" + ETCD,
        "--advertise-client-urls=" + ETCD,
        "--listen-peer-urls=http://127.0.0.1:2380",
        // The data is in memory, so a sync would be useless.
        "--unsafe-no-fsync");
  }

  @Override
  public void up() {
    List<String> flags =
        new ArrayList<>(
            List.of(
                "--etcd-servers=" + ETCD,
                "--bind-address=" + (kubelets.isEmpty() ? address : "0.0.0.0"),
                "--advertise-address=" + address,
                "--secure-port=" + port(),
                "--cert-dir=" + folder,
                "--service-account-key-file=" + folder.resolve("sa.pub"),
                "--service-account-signing-key-file=" + folder.resolve("sa.key"),
                "--service-account-issuer=https://kubernetes.default.svc",
                "--token-auth-file=" + folder.resolve("tokens.csv"),
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--kubelet-preferred-address-types=InternalIP",
                // Services have families, as with every server since 1.23.
                "--feature-gates=IPv6DualStack=true",
                "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112",
                // It would need a kube-proxy, and there is none.
                "--endpoint-reconciler-type=none",
                "--allow-privileged=true"));
    if (!hasControllers()) {
      // It needs the default account, which only a controller would create.
      flags.add("--disable-admission-plugins=ServiceAccount");
    }
    apiServer = run("kube-apiserver", flags.toArray(String[]::new));
    if (client == null) {
      Path certificate = folder.resolve("apiserver.crt");
      awaitWhileAlive("its certificate", () -> Files.exists(certificate) ? "ok" : "none");
      Config config = Config.fromKubeconfig(kubeconfig().toFile());
      config.setRequestRetryBackoffLimit(0);
      client =
          new KubernetesClientBuilder()
              .withConfig(config)
              .withHttpClientBuilderConsumer(Patience::add)
              .build();
    }
    awaitWhileAlive("/readyz", () -> client.raw("/readyz"));
  }

  private void awaitWhileAlive(String what, Supplier<String> ok) {
    Await.until(
        "kube-apiserver: " + what,
        READY_WITHIN,
        () -> apiServer.alive() ? ok.get() : "ended",
        seen -> Set.of("ok", "ended").contains(seen));
    if (!apiServer.alive()) {
      throw new IllegalStateException("kube-apiserver ended: " + apiServer.output());
    }
  }

  private void startControllers() {
    if (!hasControllers()) {
      controllers = LabControllers.start(client);
      return;
    }
    List<String> flags =
        new ArrayList<>(
            List.of(
                "--kubeconfig=" + kubeconfig(),
                "--service-account-private-key-file=" + folder.resolve("sa.key"),
                "--root-ca-file=" + folder.resolve("apiserver.crt"),
                "--use-service-account-credentials=true",
                "--leader-elect=false"));
    if (kubelets.isEmpty()) {
      // Lab nodes send no heartbeats.
      flags.addAll(List.of("--node-monitor-grace-period=24h", "--node-startup-grace-period=24h"));
    }
    run("kube-controller-manager", flags.toArray(String[]::new));
    run("kube-scheduler", "--kubeconfig=" + kubeconfig(), "--leader-elect=false");
    Await.until(
        "the controllers work: there is a default service account",
        READY_WITHIN,
        () -> client.serviceAccounts().inNamespace("default").withName("default").get() != null);
  }

  private Proc run(String program, String... flags) {
    List<String> command = new ArrayList<>(List.of(assets.resolve(program).toString()));
    command.addAll(List.of(flags));
    Proc proc = control.start(program, command.toArray(String[]::new));
    procs.push(proc);
    return proc;
  }
}
