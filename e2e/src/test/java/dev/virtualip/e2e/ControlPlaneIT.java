package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Owners;
import dev.virtualip.e2e.lab.Proc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Sample 20 as it stands in its files, but for the folders: the control plane's own address on two
 * nodes, each with a real API server, and all of one etcd. The agents have the command line of the
 * static pod, and the API is asked by the address alone.
 */
@InLab
class ControlPlaneIT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final Duration API = Duration.ofSeconds(120);
  private static final String VIP = "10.0.0.100";
  private static final String NAME = "control-plane";
  private static final Path SAMPLE = Lab.root().resolve("samples/20-control-plane");
  private static final JsonMapper JSON = new JsonMapper();

  private static Path assets;
  private static Path folder;
  private static ServerKeys keys;
  private static Host client;

  /** A node of the control plane, with what runs on it. */
  private static final class Node {
    private final Host host;
    private final String address;
    private final Path files;
    private Proc agent;
    private Proc api;
    private Proc mirror;

    Node(Host host, String address) throws IOException {
      this.host = host;
      this.address = address;
      files = Files.createDirectories(folder.resolve(host.name()));
      Files.createDirectories(files.resolve("etc"));
      Files.createDirectories(files.resolve("run"));
      edit(
          Files.readString(SAMPLE.resolve("virtualip.yaml"))
              .replace("/etc/kubernetes/pki/ca.crt", keys.certificate().toString()));
    }

    void edit(String manifest) throws IOException {
      Files.writeString(files.resolve("etc/control-plane.yaml"), manifest);
    }

    String manifest() throws IOException {
      return Files.readString(files.resolve("etc/control-plane.yaml"));
    }

    /** With the arguments of the static pod. */
    void startAgent() throws IOException {
      var pod = new YAMLMapper().readTree(SAMPLE.resolve("static-pod.yaml").toFile());
      var command = new ArrayList<>(List.of(AgentProgram.PROGRAM.toString()));
      for (var argument : pod.at("/spec/containers/0/args")) {
        command.add(
            argument
                .asText()
                .replace("$(NODE_NAME)", host.name())
                .replace("/etc/virtualip", files + "/etc")
                .replace("/run/virtualip", files + "/run"));
      }
      agent = host.start("static-pod", command.toArray(String[]::new));
    }

    void startApi() {
      api =
          host.start(
              "kube-apiserver",
              assets.resolve("kube-apiserver").toString(),
              "--etcd-servers=http://10.0.0.1:2379",
              "--advertise-address=" + address,
              "--secure-port=6443",
              "--tls-cert-file=" + keys.certificate(),
              "--tls-private-key-file=" + keys.key(),
              "--service-account-key-file=" + folder.resolve("sa.pub"),
              "--service-account-signing-key-file=" + folder.resolve("sa.key"),
              "--service-account-issuer=https://kubernetes.default.svc",
              "--token-auth-file=" + folder.resolve("tokens.csv"),
              "--authorization-mode=RBAC",
              "--service-cluster-ip-range=10.96.0.0/16",
              "--endpoint-reconciler-type=none",
              // It needs the default account, which only a controller would create.
              "--disable-admission-plugins=ServiceAccount");
    }

    void startMirror() {
      mirror =
          host.start(
              "mirror",
              AgentProgram.PROGRAM.toString(),
              "mirror",
              "--node=" + host.name(),
              "--kubeconfig=" + folder.resolve("mirror.conf"));
    }

    JsonNode status() {
      try {
        return JSON.readTree(host.get("http://127.0.0.1:9407/status"))
            .path("virtualIPs")
            .path(NAME);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void awaitState(String state) {
      Await.until(
          host + " is " + state, MOVE, () -> status().path("state").asText(), state::equals);
    }
  }

  @Test
  void theControlPlaneIsReachedByItsOwnAddress() throws Exception {
    var folderOfAssets = System.getenv("KUBEBUILDER_ASSETS");
    assumeTrue(
        folderOfAssets != null && Files.isExecutable(Path.of(folderOfAssets, "kubectl")),
        "KUBEBUILDER_ASSETS names no folder with etcd, kube-apiserver and kubectl");
    assets = Path.of(folderOfAssets);
    try (var lab = Lab.open()) {
      var internal = lab.wire("internal").address("10.0.0.1/24");
      folder = Files.createTempDirectory(lab.work(), "control-plane-");
      writeKeys();
      client = lab.control();
      var a = new Node(lab.host("node-a").plug("eth0", internal, "10.0.0.11/24"), "10.0.0.11");
      var b = new Node(lab.host("node-b").plug("eth0", internal, "10.0.0.12/24"), "10.0.0.12");
      try (var owners = Owners.watch(List.of(a.host, b.host))) {
        coldStart(a, b, owners);
        theApiShowsWhatTheFilesSay(a, b);
        anEditOfTheApiIsUndone(a);
        anOrdinaryAgentBesideItLeavesItAlone(a, owners);
        anEditOfTheFilesIsFollowed(a, b, owners);
        oneAgentAfterTheOtherIsReplaced(a, b, owners);
        anApiServerThatEndsLosesTheAddress(a, b, owners);
        aNodeIsLost(a, b, owners);
      }
    }
  }

  private static void coldStart(Node a, Node b, Owners owners) throws IOException {
    a.startAgent();
    b.startAgent();
    a.awaitState("Fault");
    b.awaitState("Fault");
    assertEquals("CheckFailed(api-server)", a.status().path("reason").asText());
    assertEquals(Set.of(), owners.of(VIP), "nobody has it before there is an API server");

    client.start(
        "etcd",
        assets.resolve("etcd").toString(),
        "--data-dir=" + folder.resolve("etcd"),
        "--listen-client-urls=http://10.0.0.1:2379",
        "--advertise-client-urls=http://10.0.0.1:2379",
        "--unsafe-no-fsync");
    // kubeadm init, and join --control-plane.
    a.startApi();
    Await.until("node-a has it", API, () -> owners.of(VIP), Set.of("node-a")::equals);
    Await.until("the API is reached by it", API, ControlPlaneIT::apiAnswers);
    b.startApi();
    Await.until(
        "node-b can take over", API, () -> b.status().path("state").asText(), "Backup"::equals);
    assertEquals(Set.of("node-a"), owners.of(VIP), "node-b has not moved it");
  }

  private static void theApiShowsWhatTheFilesSay(Node a, Node b) throws IOException {
    for (var file : List.of("crds/virtualips.virtualip.dev.yaml", "deploy/base/namespace.yaml")) {
      kubectl("create", "--validate=false", "-f", Lab.root().resolve(file).toString());
    }
    kubectl("apply", "-f", Lab.root().resolve("deploy/control-plane/mirror.yaml").toString());
    writeMirrorsKubeconfig();
    a.startMirror();
    b.startMirror();
    awaitShown("{.status.master}", "node-a");
    awaitShown("{.status.nodes.node-a.state}", "Master");
    awaitShown("{.status.nodes.node-b.state}", "Backup");
    awaitShown("{.spec.addresses[0].address}", VIP + "/24");
    awaitShown("{.metadata.labels.virtualip\\.dev/mirrored}", "true");
    var table = kubectl("get", "vip");
    assertTrue(table.matches("(?s).*" + NAME + " +10.0.0.100/24 +60 +node-a .*"), table);
  }

  private static void anEditOfTheApiIsUndone(Node a) {
    kubectl("patch", "vip", NAME, "--type=merge", "-p", "{\"spec\": {\"vrid\": 61}}");
    awaitShown("{.spec.vrid}", "60");
    Await.until(
        "an Event says so",
        MOVE,
        () -> kubectl("get", "events", "-n", "default").contains("EditUndone"));
    kubectl("label", "vip", NAME, "virtualip.dev/mirrored-");
    awaitShown("{.metadata.labels.virtualip\\.dev/mirrored}", "true");
    kubectl("annotate", "vip", NAME, "virtualip.dev/mirrored-from-");
    awaitShown("{.metadata.annotations.virtualip\\.dev/mirrored-from}", "node-a");
    kubectl("delete", "vip", NAME);
    awaitShown("{.status.nodes.node-a.state}", "Master");
    awaitShown("{.status.nodes.node-b.state}", "Backup");
    assertEquals(1, a.status().path("acceptedGeneration").asInt(), "the agent has seen none of it");
  }

  /** As the operator starts it, on the same node for other VirtualIPs. */
  private static void anOrdinaryAgentBesideItLeavesItAlone(Node a, Owners owners)
      throws IOException {
    var objects =
        Files.writeString(
            folder.resolve("web.yaml"),
            """
            apiVersion: v1
            kind: Node
            metadata: {name: node-a}
            ---
            apiVersion: virtualip.dev/v1alpha1
            kind: VirtualIP
            metadata: {name: web}
            spec: {vrid: 70, interface: eth0, addresses: [{address: 10.0.0.101/24}]}
            """);
    kubectl("create", "-f", objects.toString());
    owners.forget();
    startOrdinaryAgent(a).kill();
    var agent = startOrdinaryAgent(a);
    var status = JSON.readTree(a.host.get("http://127.0.0.1:9405/status")).path("virtualIPs");
    assertEquals(1, status.size(), status.toString());
    agent.stop();
    Await.until("it has let go", MOVE, () -> owners.of("10.0.0.101"), Set.of()::equals);
    var touched = owners.changes().stream().filter(change -> change.address().equals(VIP));
    assertEquals(List.of(), touched.toList());
    a.awaitState("Master");
    awaitShown("{.status.nodes.node-a.state}", "Master");
    kubectl("delete", "vip", "web");
  }

  private static Proc startOrdinaryAgent(Node node) throws IOException {
    var state = Files.createDirectories(node.files.resolve("ordinary"));
    var agent =
        node.host.start(
            "virtualip-agent",
            AgentProgram.PROGRAM.toString(),
            "run",
            "--node=" + node.host.name(),
            "--kubeconfig=" + folder.resolve("admin.conf"),
            "--state-dir=" + state);
    Await.until(
        "the ordinary agent is master of web",
        MOVE,
        () -> node.host.get("http://127.0.0.1:9405/status") + agent.output(),
        seen -> seen.contains("\"state\":\"Master\""));
    return agent;
  }

  private static void anEditOfTheFilesIsFollowed(Node a, Node b, Owners owners) throws IOException {
    var edited = a.manifest().replace("  vrid: 60\n", "  vrid: 60\n  priority: 120\n");
    a.edit(edited);
    awaitShown("{.status.nodes.node-a.priority}", "120");
    b.edit(edited);
    awaitShown("{.status.nodes.node-b.priority}", "120");
    awaitShown("{.spec.priority}", "120");
    var generation = kubectl("get", "vip", NAME, "-o", "jsonpath={.metadata.generation}");
    awaitShown("{.status.nodes.node-a.acceptedGeneration}", generation);
    awaitShown("{.status.nodes.node-b.acceptedGeneration}", generation);
    assertEquals(Set.of("node-a"), owners.of(VIP));
  }

  /** Each by SIGTERM and a new start, as a kubelet does when the static pod's manifest changes. */
  private static void oneAgentAfterTheOtherIsReplaced(Node a, Node b, Owners owners)
      throws IOException {
    for (var replaced : List.of(b, a)) {
      owners.forget();
      replaced.agent.stop();
      replaced.startAgent();
      replaced.awaitState("Backup");
      long gained = owners.changes().stream().filter(Owners.Change::there).count();
      assertEquals(replaced == a ? 1 : 0, gained, () -> owners.changes().toString());
    }
    assertEquals(Set.of("node-b"), owners.of(VIP));
    awaitShown("{.status.master}", "node-b");
    awaitShown("{.status.nodes.node-a.state}", "Backup");
  }

  private static void anApiServerThatEndsLosesTheAddress(Node a, Node b, Owners owners) {
    b.api.kill();
    Await.until("node-a has it", MOVE, () -> owners.of(VIP), Set.of("node-a")::equals);
    Await.until("the API is reached by it", MOVE, ControlPlaneIT::apiAnswers);
    awaitShown("{.status.master}", "node-a");
    awaitShown("{.status.nodes.node-b.reason}", "CheckFailed(api-server)");
    b.startApi();
    awaitShown("{.status.nodes.node-b.state}", "Backup");
    assertEquals(Set.of("node-a"), owners.of(VIP), "it stays where it is");
  }

  private static void aNodeIsLost(Node a, Node b, Owners owners) {
    a.host.cut("eth0");
    List.of(a.agent, a.api, a.mirror).forEach(Proc::kill);
    Await.until("node-b has it", MOVE, () -> owners.of(VIP).contains("node-b"));
    Await.until("the API is reached by it", MOVE, ControlPlaneIT::apiAnswers);
    awaitShown("{.status.master}", "node-b");
    awaitShown("{.status.nodes.node-b.state}", "Master");
  }

  private static boolean apiAnswers() {
    return client
        .sh(
            "curl -s --noproxy '*' --max-time 2 --cacert %s https://%s:6443/livez || true"
                .formatted(keys.certificate(), VIP))
        .equals("ok");
  }

  private static void awaitShown(String path, String expected) {
    Await.until(
        path + " is " + expected,
        MOVE,
        () -> {
          try {
            return kubectl("get", "vip", NAME, "-o", "jsonpath=" + path);
          } catch (IllegalStateException e) {
            return e.getMessage();
          }
        },
        expected::equals);
  }

  private static String kubectl(String... arguments) {
    var command = new ArrayList<>(List.of(assets.resolve("kubectl").toString()));
    command.add("--kubeconfig=" + folder.resolve("admin.conf"));
    command.add("--cache-dir=" + folder.resolve("kubectl"));
    command.add("--request-timeout=5s");
    command.addAll(List.of(arguments));
    return client.run(command.toArray(String[]::new)).strip();
  }

  private static void writeKeys()
      throws IOException, GeneralSecurityException, InterruptedException {
    keys = ServerKeys.make(folder, VIP + ",dns:kubernetes.default.svc");
    var generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    var pair = generator.generateKeyPair();
    writePem("sa.key", "PRIVATE KEY", pair.getPrivate().getEncoded());
    writePem("sa.pub", "PUBLIC KEY", pair.getPublic().getEncoded());
    Files.writeString(folder.resolve("tokens.csv"), "lab-admin,admin,admin,\"system:masters\"\n");
    writeKubeconfig("admin.conf", "lab-admin");
  }

  private static void writePem(String file, String type, byte[] der) throws IOException {
    var lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    Files.writeString(
        folder.resolve(file),
        "-----BEGIN %s-----\n%s\n-----END %1$s-----\n".formatted(type, lines));
  }

  /** With the rights of its ServiceAccount, and no others. */
  private static void writeMirrorsKubeconfig() throws IOException {
    var request = folder.resolve("token.json");
    JSON.writeValue(
        request.toFile(),
        Map.of(
            "apiVersion",
            "authentication.k8s.io/v1",
            "kind",
            "TokenRequest",
            "spec",
            Map.of("audiences", List.of(), "expirationSeconds", 86_400)));
    var path = "/api/v1/namespaces/virtualip-system/serviceaccounts/virtualip-mirror/token";
    var answer = kubectl("create", "--raw", path, "-f", request.toString());
    writeKubeconfig("mirror.conf", JSON.readTree(answer).at("/status/token").asText());
  }

  private static void writeKubeconfig(String file, String token) throws IOException {
    Files.writeString(
        folder.resolve(file),
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: lab
          cluster: {server: "https://%s:6443", certificate-authority: "%s"}
        users:
        - name: me
          user: {token: "%s"}
        contexts:
        - name: lab
          context: {cluster: lab, user: me}
        current-context: lab
        """
            .formatted(VIP, keys.certificate(), token));
  }
}
