package dev.virtualip.agent.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestSourceTest {
  @TempDir Path temporary;

  private final List<Desired> told = new CopyOnWriteArrayList<>();
  private Path directory;
  private Path secrets;
  private ManifestSource source;

  @BeforeEach
  void makeDirectories() throws IOException {
    directory = Files.createDirectory(temporary.resolve("manifests"));
    secrets = Files.createDirectory(temporary.resolve("secrets"));
  }

  @AfterEach
  void close() {
    if (source != null) {
      source.close();
    }
  }

  private void start() throws IOException {
    source = ManifestSource.start(directory, secrets, "n", told::add);
  }

  private static String vip(String name, int vrid) {
    return """
    ---
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: %s}
    spec:
      vrid: %d
      interface: eth0
      addresses: [{address: 203.0.113.10/24}]
    """
        .formatted(name, vrid);
  }

  private void write(String file, String text) throws IOException {
    var next = temporary.resolve("next");
    Files.writeString(next, text);
    Files.move(next, directory.resolve(file), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Names, VRIDs and generations of the last that was told. */
  private String shown() {
    return told.isEmpty()
        ? "nothing"
        : told.getLast().virtualIps().stream()
            .map(ManifestSourceTest::shown)
            .collect(Collectors.joining(" "));
  }

  private static String shown(VirtualIp vip) {
    var metadata = vip.getMetadata();
    return metadata.getName() + "=" + vip.getSpec().vrid() + "/" + metadata.getGeneration();
  }

  private void awaitShown(String expected) {
    Await.until(() -> shown().equals(expected), this::shown);
  }

  @Test
  void anEmptyDirectoryIsToldAtTheStart() throws IOException {
    start();
    awaitShown("");
    assertEquals(
        new NodeFacts("n", Map.of("kubernetes.io/hostname", "n"), true), told.getFirst().self());
  }

  @Test
  void poolsLieBesideTheirVirtualIps() throws IOException {
    var pool =
        """
        ---
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIPPool
        metadata: {name: team-a}
        spec: {%s: [203.0.113.0/24]}
        """;
    write("a.yaml", vip("a", 1) + pool.formatted("addresses"));
    start();
    awaitShown("a=1/1");
    var told = this.told.getLast().pools().getFirst();
    assertEquals("team-a", told.getMetadata().getName());
    assertEquals(List.of("203.0.113.0/24"), told.getSpec().addresses());
    write("a.yaml", vip("a", 2) + pool.formatted("adresses"));
    awaitShown("a=2/2");
    assertNull(this.told.getLast().pools().getFirst().getSpec(), "it allows nothing");
    write("a.yaml", vip("a", 3));
    awaitShown("a=3/3");
    assertEquals(List.of(), this.told.getLast().pools());
  }

  @Test
  void podsNeedTheApiServer() throws IOException {
    write("a.yaml", vip("a", 1));
    start();
    awaitShown("a=1/1");
    var servers =
        """
          virtualServers:
            - name: web
              port: 80
              forwarding: Masquerade
              realServers: %s
        """;
    var pods = "{pods: {namespace: shop, selector: {matchLabels: {app: web}}}}";
    write("a.yaml", vip("a", 2) + servers.formatted(pods));
    write("b.yaml", vip("b", 3) + servers.formatted("null"));
    awaitShown("a=1/1 b=3/1");
    var problem = told.getLast().refused().get("a").getFirst();
    assertEquals("spec.virtualServers[0].realServers.pods", problem.path());
    assertTrue(problem.message().contains("give addresses or nodes"), problem::message);
  }

  @Test
  void aMissingDirectoryIsAnError() {
    assertThrows(
        IOException.class,
        () -> ManifestSource.start(temporary.resolve("no"), null, "n", told::add));
  }

  @Test
  void changesAreFollowedAndNumbered() throws IOException {
    write("a.yaml", vip("a", 1));
    write("ignored.txt", vip("x", 9));
    start();
    awaitShown("a=1/1");
    write("b.yml", vip("b", 2));
    awaitShown("a=1/1 b=2/1");
    write("a.yaml", "# a comment\n" + vip("a", 1));
    Files.writeString(directory.resolve("b.yml"), vip("b", 3));
    awaitShown("a=1/1 b=3/2");
    Files.delete(directory.resolve("a.yaml"));
    awaitShown("b=3/2");
    assertEquals(4, told.size(), "a comment is no change");
  }

  @Test
  void aManifestWithoutANameIsNoVirtualIp() throws IOException {
    write("a.yaml", vip("a", 1));
    write("b.yaml", vip("b", 2).replace("metadata: {name: b}", "metadata: {}"));
    start();
    awaitShown("a=1/1");
    assertEquals(Map.of(), told.getLast().refused());
  }

  @Test
  void aFileThatIsBeingWrittenTakesNothingAway() throws IOException {
    write("a.yaml", vip("a", 0));
    start();
    awaitShown("a=0/1");
    for (int i = 1; i <= 20; i++) {
      // Truncates and writes, as cp and many editors do.
      Files.writeString(directory.resolve("a.yaml"), "");
      Files.writeString(directory.resolve("a.yaml"), vip("a", i));
    }
    Await.until(() -> shown().startsWith("a=20/"), this::shown);
    assertTrue(told.stream().noneMatch(desired -> desired.virtualIps().isEmpty()));
  }

  @Test
  void aBadVersionDisturbsNothing() throws IOException {
    write("a.yaml", vip("a", 1));
    write("b.yaml", vip("b", 2));
    start();
    awaitShown("a=1/1 b=2/1");
    write("a.yaml", vip("a", 7) + "  priority: x\n");
    write("b.yaml", vip("b", 3));
    awaitShown("a=1/1 b=3/2");
    assertEquals(List.of("a"), List.copyOf(told.getLast().refused().keySet()));
    assertEquals("spec.priority", told.getLast().refused().get("a").getFirst().path());
    write("a.yaml", vip("a", 7));
    awaitShown("a=7/2 b=3/2");
    assertEquals(Map.of(), told.getLast().refused());
  }

  @Test
  void whatABrokenFileHidesStaysAsItWas() throws IOException {
    write("a.yaml", vip("a", 1) + vip("b", 2));
    start();
    awaitShown("a=1/1 b=2/1");
    write("a.yaml", vip("a", 5) + "---\n{ nonsense");
    awaitShown("a=5/2 b=2/1");
    assertEquals(List.of("b"), List.copyOf(told.getLast().refused().keySet()));
  }

  @Test
  void theFirstOfTwoObjectsOfOneNameIsTaken() throws IOException {
    write("a.yaml", vip("a", 1));
    write("b.yaml", vip("a", 2));
    start();
    awaitShown("a=1/1");
    assertEquals("metadata.name", told.getLast().refused().get("a").getFirst().path());
  }

  /** A new file that came first in the alphabet took the VRID from what ran. */
  @Test
  void whoComesLaterIsYoungerWhateverItsFileIsCalled() throws IOException {
    write("m.yaml", vip("m", 1));
    write("z.yaml", vip("z", 2));
    start();
    awaitShown("m=1/1 z=2/1");
    write("a.yaml", vip("a", 1));
    awaitShown("a=1/1 m=1/1 z=2/1");
    assertEquals(created("m"), created("z"));
    assertTrue(created("a").compareTo(created("m")) > 0, created("a"));
    var before = created("m");
    write("m.yaml", vip("m", 3));
    awaitShown("a=1/1 m=3/2 z=2/1");
    assertEquals(before, created("m"), "an edit makes nobody younger");
  }

  private String created(String name) {
    return told.getLast().virtualIps().stream()
        .filter(vip -> vip.getMetadata().getName().equals(name))
        .findFirst()
        .orElseThrow()
        .getMetadata()
        .getCreationTimestamp();
  }

  @Test
  void aNewFileTakesNoNameFromAFileThatHasIt() throws IOException {
    write("z.yaml", vip("z", 1));
    start();
    awaitShown("z=1/1");
    write("a.yaml", vip("z", 7));
    Await.until(() -> !told.getLast().refused().isEmpty(), () -> told.getLast());
    assertEquals("z=1/1", shown());
    assertEquals("metadata.name", told.getLast().refused().get("z").getFirst().path());
    Files.delete(directory.resolve("z.yaml"));
    awaitShown("z=7/2");
    assertEquals(Map.of(), told.getLast().refused());
  }

  @Test
  void aConfigMapThatIsSwappedIsFollowed() throws IOException {
    var one = Files.createDirectory(directory.resolve("..2026_1"));
    var two = Files.createDirectory(directory.resolve("..2026_2"));
    Files.writeString(one.resolve("a.yaml"), vip("a", 1));
    Files.writeString(two.resolve("a.yaml"), vip("a", 2));
    Files.createSymbolicLink(directory.resolve("..data"), one.getFileName());
    Files.createSymbolicLink(directory.resolve("a.yaml"), Path.of("..data/a.yaml"));
    start();
    awaitShown("a=1/1");
    Files.createSymbolicLink(directory.resolve("..tmp"), two.getFileName());
    Files.move(
        directory.resolve("..tmp"), directory.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
    awaitShown("a=2/2");
  }

  @Test
  void nodesAreToldWhereTheyArePeersAndStayWhileAFileIsBroken() throws IOException {
    write("nodes.yaml", node("n", "10.0.0.1") + node("m", "10.0.0.2"));
    write("a.yaml", vip("a", 1));
    start();
    awaitShown("a=1/1");
    assertEquals(List.of(), told.getLast().nodes());
    write("a.yaml", vip("a", 2).replace("interface", "transport: {mode: Unicast}\n  interface"));
    awaitShown("a=2/2");
    var nodes = told.getLast().nodes();
    assertEquals("m", nodes.getFirst().name());
    assertEquals(List.of("10.0.0.2"), nodes.getFirst().addresses());
    write("nodes.yaml", "{");
    write("b.yaml", vip("b", 3));
    awaitShown("a=2/2 b=3/1");
    assertEquals(nodes, told.getLast().nodes());
  }

  private static String node(String name, String address) {
    return """
    ---
    apiVersion: v1
    kind: Node
    metadata: {name: %s}
    status: {addresses: [{type: InternalIP, address: %s}]}
    """
        .formatted(name, address);
  }

  @Test
  void theOwnNodeTellsLabelsAndTaints() throws IOException {
    write(
        "nodes.yaml",
        """
        {apiVersion: v1, kind: Node, metadata: {name: other, labels: {edge: no}}}
        ---
        apiVersion: v1
        kind: Node
        metadata: {name: n, labels: {edge: "true"}}
        spec: {taints: [{key: dedicated, effect: NoSchedule}]}
        """);
    start();
    awaitShown("");
    assertEquals(new NodeFacts("n", Map.of("edge", "true"), false), told.getFirst().self());
  }

  @Test
  void secretsAreReadAndFollowed() throws IOException {
    var authentication = "  authentication: {passwordSecretRef: {name: vip-auth, key: web}}\n";
    write("a.yaml", vip("a", 1) + authentication);
    var key = new SecretKey("vip-auth", "web");
    start();
    awaitShown("a=1/1");
    assertEquals(Map.of(), told.getLast().secrets());
    Files.createDirectory(secrets.resolve("vip-auth"));
    Files.writeString(secrets.resolve("vip-auth/web"), "secret\n");
    Await.until(() -> "secret".equals(secret(key)), () -> secret(key));
    Files.writeString(secrets.resolve("vip-auth/web"), "other");
    Await.until(() -> "other".equals(secret(key)), () -> secret(key));
  }

  private String secret(SecretKey key) {
    var value = told.getLast().secrets().get(key);
    return value == null ? null : new String(value, StandardCharsets.UTF_8);
  }

  @Test
  void aDefectOfWhomItTellsIsSurvived() throws IOException {
    write("a.yaml", vip("a", 1));
    source =
        ManifestSource.start(
            directory,
            secrets,
            "n",
            desired -> {
              told.add(desired);
              assertEquals(2, told.size(), "on purpose");
            });
    Await.until(() -> !told.isEmpty(), () -> told);
    write("b.yaml", vip("b", 2));
    Await.until(() -> told.size() == 2, () -> told);
  }
}
