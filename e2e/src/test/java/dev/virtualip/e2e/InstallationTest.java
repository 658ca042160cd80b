package dev.virtualip.e2e;

import static dev.virtualip.e2e.Installation.helm;
import static dev.virtualip.e2e.Installation.kustomize;
import static dev.virtualip.e2e.Installation.variable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The chart, the kustomizations and the manifests are one and the same installation. */
class InstallationTest {
  private static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

  /** To Kubernetes 10.0 is 10. */
  private static final Comparator<JsonNode> AS_KUBERNETES =
      (a, b) ->
          a.isNumber() && b.isNumber()
              ? a.decimalValue().compareTo(b.decimalValue())
              : a.equals(b) ? 0 : 1;

  private static void assertSame(
      SortedMap<String, JsonNode> expected, SortedMap<String, JsonNode> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    var differing =
        expected.keySet().stream()
            .filter(key -> !expected.get(key).equals(AS_KUBERNETES, actual.get(key)));
    // Not the objects: nobody reads two CRDs in a log.
    assertEquals(List.of(), differing.toList(), "these differ");
  }

  /** What base/kustomization.yaml lists, file by file. */
  private static SortedMap<String, JsonNode> manifests() throws IOException {
    var all = new TreeMap<String, JsonNode>();
    for (var file :
        new String[] {
          "../crds/virtualips.virtualip.dev.yaml",
          "../crds/virtualippools.virtualip.dev.yaml",
          "base/namespace.yaml",
          "base/operator-rbac.yaml",
          "base/agent-rbac.yaml",
          "base/operator.yaml"
        }) {
      all.putAll(Installation.objects(Files.readString(Installation.DEPLOY.resolve(file))));
    }
    return all;
  }

  @Test
  void theChartMakesTheObjectsOfTheManifests() throws IOException {
    assertSame(manifests(), helm(template -> template.set("crd.keep", false)));
  }

  @Test
  void kustomizeMakesTheObjectsOfTheManifests() throws IOException, InterruptedException {
    assertSame(manifests(), kustomize("base"));
  }

  @ParameterizedTest
  @CsvSource({
    "exec, agent.scripts, virtualip-scripts, AGENT_SCRIPTS, virtualip-scripts",
    "host-pid, agent.hostPID, true, AGENT_HOST_PID, true",
    "monitoring, monitoring.enabled, true, AGENT_OPEN_METRICS, true"
  })
  void aFeatureIsTheSameByOverlayAndByValue(
      String overlay, String value, String setting, String variable, String set)
      throws IOException, InterruptedException {
    var chart = helm(template -> template.set("crd.keep", false).set(value, setting));
    assertEquals(set, variable(chart, variable));
    assertNull(variable(helm(UnaryOperator.identity()), variable), "by default it is off");
    assertSame(kustomize("overlays/" + overlay), chart);
  }

  @Test
  void thePoliciesAreTheSameByOverlayAndByValue() throws IOException, InterruptedException {
    var chart = helm(template -> template.set("crd.keep", false).set("policies.enabled", true));
    assertEquals(
        4,
        chart.keySet().stream()
            .filter(key -> key.startsWith("ValidatingAdmissionPolicy "))
            .count());
    assertSame(kustomize("overlays/policies"), chart);
  }

  @Test
  void thePoliciesLetTheAgentsSeeProcessesWhereTheInstallationDoes()
      throws IOException, InterruptedException {
    var chart =
        helm(
            template ->
                template
                    .set("crd.keep", false)
                    .set("policies.enabled", true)
                    .set("agent.hostPID", true));
    assertEquals("true", hostPid(chart));
    assertEquals("false", hostPid(helm(template -> template.set("policies.enabled", true))));
    assertSame(kustomizeComponents("policies", "host-pid"), chart);
  }

  /** In a folder of deploy/, which is all that a kustomize without a network gets to see. */
  private static SortedMap<String, JsonNode> kustomizeComponents(String... names)
      throws IOException, InterruptedException {
    var folder = Files.createTempDirectory(Installation.DEPLOY.resolve("overlays"), "test-");
    var file = folder.resolve("kustomization.yaml");
    try {
      var components =
          Stream.of(names)
              .map(name -> "../../components/" + name)
              .collect(Collectors.joining(", "));
      Files.writeString(file, "resources: [../../base]\ncomponents: [%s]\n".formatted(components));
      return Installation.objects(Installation.kustomized(folder));
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  private static String hostPid(SortedMap<String, JsonNode> objects) {
    var variable =
        objects.get("ValidatingAdmissionPolicy /virtualip-operator").at("/spec/variables/0");
    assertEquals("hostPID", variable.path("name").asText());
    return variable.path("expression").asText();
  }

  /** kubectl drain refuses to evict a pod that has any. */
  @Test
  void noDeploymentHasLocalStorage() throws IOException, InterruptedException {
    for (var objects :
        List.of(
            kustomize("base"),
            kustomize("overlays/exec"),
            kustomize("overlays/host-pid"),
            kustomize("overlays/monitoring"),
            kustomize("overlays/gitops"),
            helm(UnaryOperator.identity()))) {
      var local =
          objects.values().stream()
              .filter(object -> object.path("kind").asText().equals("Deployment"))
              .flatMap(deployment -> deployment.at("/spec/template/spec/volumes").valueStream())
              .filter(volume -> volume.has("emptyDir") || volume.has("hostPath"));
      assertEquals(List.of(), local.toList());
    }
  }

  @Test
  void logsMayBeJson() throws IOException {
    var chart = helm(template -> template.set("logFormat", "json"));
    assertEquals("json", variable(chart, "LOG_FORMAT"));
    assertNull(variable(helm(UnaryOperator.identity()), "LOG_FORMAT"));
  }

  @Test
  void theGitOpsOverlayMakesTheSameObjects() throws IOException, InterruptedException {
    var base = kustomize("base");
    var overlay = kustomize("overlays/gitops");
    assertEquals(base.keySet(), overlay.keySet());
    var image = Installation.operator(overlay).path("image").asText();
    assertTrue(image.startsWith(Installation.operator(base).path("image").asText()), image);
    var agent = variable(overlay, "AGENT_IMAGE");
    assertTrue(agent.startsWith(variable(base, "AGENT_IMAGE")), agent);
  }

  @Test
  void theSampleRepositoryIsTheOverlayAndItsVirtualIps() throws IOException, InterruptedException {
    var sample = kustomize("examples/gitops/clusters/production");
    assertTrue(sample.containsKey("VirtualIP /web"), sample.keySet()::toString);
    sample.remove("VirtualIP /web");
    assertSame(kustomize("overlays/gitops"), sample);
  }

  @Test
  void imagesMayBePinned() throws IOException {
    var chart =
        helm(
            template ->
                template
                    .set("images.operator.digest", DIGEST)
                    .set("images.agent.repository", "registry.example.com/agent")
                    .set("images.agent.tag", "1.2.3"));
    assertTrue(
        Installation.operator(chart)
            .path("image")
            .asText()
            .matches("ghcr.io/virtualip/virtualip-operator:[^@]+@" + DIGEST));
    assertEquals("registry.example.com/agent:1.2.3", variable(chart, "AGENT_IMAGE"));
  }

  @Test
  void theChartGoesWhereTheReleaseGoes() throws IOException {
    var text =
        new Helm(Installation.chart())
            .template()
            .withName("virtualip")
            .withNamespace("vips")
            // Its descriptions name the namespace that is usual.
            .set("crd.install", false)
            .set("policies.enabled", true)
            .call();
    assertFalse(text.contains("virtualip-system"), text);
    assertFalse(text.contains("kind: Namespace"), "helm install wants it to be there before");
  }

  @Test
  void anUninstalledChartLeavesWhatServes() throws IOException {
    var crd = "CustomResourceDefinition /virtualips.virtualip.dev";
    assertEquals(
        List.of(
            "ClusterRole /virtualip-agent",
            "ClusterRole /virtualip-agent-pods",
            "ClusterRoleBinding /virtualip-agent",
            "ClusterRoleBinding /virtualip-agent-pods",
            "ConfigMap virtualip-system/virtualip-hand-overs",
            "CustomResourceDefinition /virtualippools.virtualip.dev",
            crd,
            "Namespace /virtualip-system",
            "Role default/virtualip-agent-events",
            "Role virtualip-system/virtualip-agent",
            "RoleBinding default/virtualip-agent-events",
            "RoleBinding virtualip-system/virtualip-agent",
            "ServiceAccount virtualip-system/virtualip-agent"),
        kept(helm(UnaryOperator.identity())));
    assertEquals(List.of(), kept(helm(template -> template.set("crd.keep", false))));
    assertNull(helm(template -> template.set("crd.install", false)).get(crd));
  }

  private static List<String> kept(SortedMap<String, JsonNode> objects) {
    var policy = "/metadata/annotations/helm.sh~1resource-policy";
    return objects.entrySet().stream()
        .filter(object -> object.getValue().at(policy).asText().equals("keep"))
        .map(Map.Entry::getKey)
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "operator.replica, 2",
    "operator.replicas, many",
    "operator.drainOn, reboot",
    "images.agent.digest, sha256:12",
    "agent.scripts, No Name",
    "logFormat, xml",
    "monitoring, true"
  })
  void theSchemaRefusesWhatCannotBeMeant(String value, String setting) {
    UnaryOperator<TemplateCommand> wrong = template -> template.set(value, setting);
    var refusal = assertThrows(IllegalStateException.class, () -> helm(wrong));
    assertTrue(refusal.getMessage().contains("values don't meet"), refusal.getMessage());
  }

  @Test
  void helmHasNothingToSayAgainstTheChart() throws IOException {
    var lint = new Helm(Installation.chart()).lint().strict().call();
    assertFalse(lint.isFailed(), lint.getMessages().toString());
  }
}
