package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.marcnuri.helm.Helm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code make stamp}, and the manifests of {@code make release}, in a copy of what they take. */
class ReleaseTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final String OPERATOR = "sha256:" + "0123456789abcdef".repeat(4);
  private static final String AGENT = "sha256:" + "fedcba9876543210".repeat(4);
  private static final String EXEC = "sha256:" + "00112233445566ff".repeat(4);

  @TempDir private Path copy;

  @BeforeEach
  void copy() throws IOException, InterruptedException {
    var code =
        new ProcessBuilder(
                "sh",
                "-c",
                "cp -r --parents deploy samples crds/*.yaml pom.xml */pom.xml CHANGELOG.md"
                    + " operator/src/main/java/dev/virtualip/operator/OperatorMain.java"
                    + " kubectl-vip/src/main/java/dev/virtualip/vip/DrillJob.java \"$0\"",
                copy.toString())
            .directory(ROOT.toFile())
            .inheritIO()
            .start()
            .waitFor();
    assertEquals(0, code);
    // Where kustomize may be already.
    var kustomize = ROOT.resolve("target/kustomize");
    if (Files.exists(kustomize)) {
      Files.createDirectories(copy.resolve("target"));
      Files.createSymbolicLink(copy.resolve("target/kustomize"), kustomize);
    }
  }

  private String stamp(int expected, String... arguments) throws IOException, InterruptedException {
    return run(expected, Map.of(), "stamp", arguments);
  }

  private String run(
      int expected, Map<String, String> environment, String script, String... arguments)
      throws IOException, InterruptedException {
    var command =
        Stream.concat(Stream.of("deploy/release/" + script), Stream.of(arguments)).toList();
    var builder = new ProcessBuilder(command).directory(copy.toFile()).redirectErrorStream(true);
    builder.environment().put("RELEASE_DATE", "2027-01-02");
    builder.environment().put("REGISTRY", "");
    builder.environment().putAll(environment);
    var process = builder.start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(expected, process.waitFor(), output);
    return output;
  }

  private List<String> images(String file) throws IOException {
    try (var lines = Files.lines(copy.resolve(file))) {
      return lines
          .filter(line -> line.contains("ghcr.io/"))
          .map(line -> line.substring(line.indexOf("ghcr.io/virtualip/") + 18).strip())
          .toList();
    }
  }

  @Test
  void theVersionIsStampedEverywhere() throws IOException, InterruptedException {
    stamp(0, "7.8.9", OPERATOR, AGENT);
    assertEquals(
        List.of("virtualip-operator:7.8.9", "virtualip-agent:7.8.9"),
        images("deploy/base/operator.yaml"));
    assertEquals(
        List.of("virtualip-operator:7.8.9@" + OPERATOR, "virtualip-agent:7.8.9@" + AGENT),
        images("deploy/overlays/gitops/images.yaml"));
    assertEquals(
        List.of("virtualip-agent:7.8.9-exec"), images("deploy/components/exec/operator.yaml"));
    assertEquals(List.of("virtualip-operator:7.8.9"), images("samples/21-drill-cronjob.yaml"));
    assertEquals(
        List.of("virtualip-operator:7.8.9\";"),
        images("kubectl-vip/src/main/java/dev/virtualip/vip/DrillJob.java"));
    assertTrue(
        Files.readString(
                copy.resolve("operator/src/main/java/dev/virtualip/operator/OperatorMain.java"))
            .contains("virtualip-agent:7.8.9}"));
    assertTrue(Files.readString(copy.resolve("CHANGELOG.md")).contains("## 7.8.9 (2027-01-02)\n"));
    for (var pom : List.of("pom.xml", "agent/pom.xml", "e2e/pom.xml")) {
      assertTrue(Files.readString(copy.resolve(pom)).contains("<version>7.8.9</version>"), pom);
    }
    assertTrue(
        Files.readString(
                copy.resolve("deploy/examples/gitops/clusters/production/kustomization.yaml"))
            .contains("?ref=v7.8.9\n"));
    var released = copy.resolve("crds/released/7.8.9");
    assertTrue(
        Installation.objects(Files.readString(released.resolve("objects.yaml")))
            .containsKey("VirtualIP /web"),
        "what later releases are tested with");
    assertTrue(Files.exists(released.resolve("virtualips.virtualip.dev.yaml")));
    assertTrue(Files.exists(released.resolve("virtualippools.virtualip.dev.yaml")));
  }

  @Test
  void manifestsAndChartNameImagesByDigestAndInTheRegistryThatWasAskedFor()
      throws IOException, InterruptedException {
    Installation.kustomized(Installation.DEPLOY.resolve("base"));
    run(0, Map.of("REGISTRY", "registry.example.org:5000/team"), "stamp", "7.8.9");
    var out = Files.createDirectories(copy.resolve("out"));
    run(0, Map.of(), "manifests", out.toString(), OPERATOR, AGENT, EXEC);

    var text = Files.readString(out.resolve("virtualip.yaml"));
    var single = Installation.objects(text);
    assertTrue(single.containsKey("CustomResourceDefinition /virtualips.virtualip.dev"));
    assertEquals(
        "registry.example.org:5000/team/virtualip-operator:7.8.9@" + OPERATOR,
        Installation.operator(single).path("image").asText());
    var agent = "registry.example.org:5000/team/virtualip-agent:7.8.9";
    assertTrue(text.contains("value: " + agent + "@" + AGENT + "\n"), text);

    var chart = out.resolve("virtualip-7.8.9.tgz").toString();
    var rendered = Helm.template(chart).withName("virtualip").withNamespace("virtualip-system");
    var objects = rendered.set("createNamespace", true).call();
    assertEquals(single.keySet(), Installation.objects(objects).keySet(), "chart and single file");
    assertTrue(objects.contains(agent + "@" + AGENT + "\n"), objects);
    var scripts = rendered.set("agent.scripts", "scripts").call();
    assertTrue(scripts.contains(agent + "-exec@" + EXEC + "\n"), "the image with a shell");
  }

  @Test
  void twoBuildsOfTheManifestsAreTheSameBytes() throws IOException, InterruptedException {
    Installation.kustomized(Installation.DEPLOY.resolve("base"));
    stamp(0, "7.8.9");
    for (var name : List.of("one", "two")) {
      var out = Files.createDirectories(copy.resolve(name));
      run(0, Map.of(), "manifests", out.toString(), OPERATOR, AGENT, EXEC);
    }
    for (var file : List.of("virtualip.yaml", "virtualip-7.8.9.tgz")) {
      assertEquals(
          -1, Files.mismatch(copy.resolve("one").resolve(file), copy.resolve("two").resolve(file)));
    }
  }

  @Test
  void aRegistryWithAProtocolIsRefused() throws IOException, InterruptedException {
    var said = run(2, Map.of("REGISTRY", "https://registry.example.org"), "stamp", "7.8.9");
    assertTrue(said.contains("is no place for images: REGISTRY=registry.example.org/team"), said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1.2", "v1.2.3", "01.2.3", "latest"})
  void whatIsNoVersionChangesNothing(String version) throws IOException, InterruptedException {
    var before = Files.readString(copy.resolve("CHANGELOG.md"));
    var said = stamp(2, version);
    assertTrue(said.contains("is no semantic version"), said);
    assertEquals(before, Files.readString(copy.resolve("CHANGELOG.md")));
  }
}
