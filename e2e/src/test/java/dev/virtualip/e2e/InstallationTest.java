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
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import dev.virtualip.log.LogLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
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

  @ParameterizedTest
  @CsvSource({
    "disruption-budget, operator.disruptionBudget.enabled, PodDisruptionBudget",
    "network-policy, operator.networkPolicy.enabled, NetworkPolicy"
  })
  void anObjectMoreIsTheSameByOverlayAndByValue(String overlay, String value, String kind)
      throws IOException, InterruptedException {
    var key = kind + " virtualip-system/virtualip-operator";
    var chart = helm(template -> template.set("crd.keep", false).set(value, true));
    var pods = chart.get("Deployment virtualip-system/virtualip-operator").at("/spec/selector");
    var object = chart.get(key).path("spec");
    assertEquals(pods, object.path(object.has("selector") ? "selector" : "podSelector"));
    assertNull(helm(UnaryOperator.identity()).get(key), "by default it is off");
    assertSame(kustomize("overlays/" + overlay), chart);
  }

  @Test
  void anApiServerMayHaveAPortOfItsOwn() throws IOException {
    var chart =
        helm(
            template ->
                template
                    .set("operator.networkPolicy.enabled", true)
                    .set("operator.networkPolicy.apiServerPorts[0]", 8443));
    var egress =
        chart.get("NetworkPolicy virtualip-system/virtualip-operator").at("/spec/egress/0/ports");
    assertEquals("[{\"port\":8443,\"protocol\":\"TCP\"}]", egress.toString());
  }

  @Test
  void whereOperatorsRunMayBeSaid() throws IOException {
    var chart =
        helm(
            template ->
                template
                    .set("operator.nodeSelector.disk", "ssd")
                    .set("operator.tolerations[0].operator", "Exists")
                    .set("operator.affinity.nodeAffinity.a", "b")
                    .set("operator.topologySpreadConstraints[0].maxSkew", 2)
                    .set("operator.topologySpreadConstraints[0].topologyKey", "rack")
                    .set("operator.topologySpreadConstraints[0].whenUnsatisfiable", "DoNotSchedule")
                    .set("operator.priorityClassName", "system-cluster-critical")
                    .set("operator.resources.limits.memory", "1Gi"));
    var pod = chart.get("Deployment virtualip-system/virtualip-operator").at("/spec/template/spec");
    assertEquals("{\"disk\":\"ssd\"}", pod.path("nodeSelector").toString());
    assertEquals("[{\"operator\":\"Exists\"}]", pod.path("tolerations").toString());
    assertEquals("{\"nodeAffinity\":{\"a\":\"b\"}}", pod.path("affinity").toString());
    assertEquals("rack", pod.at("/topologySpreadConstraints/0/topologyKey").asText());
    assertEquals("system-cluster-critical", pod.path("priorityClassName").asText());
    assertEquals("1Gi", pod.at("/containers/0/resources/limits/memory").asText());
  }

  /** The agents' pods are the operator's to make, so their account has to have them. */
  @Test
  void bothAccountsGetTheSecretsForImages() throws IOException {
    var chart = helm(template -> template.set("imagePullSecrets[0].name", "login"));
    for (var name : List.of("virtualip-operator", "virtualip-agent")) {
      var account = chart.get("ServiceAccount virtualip-system/" + name);
      assertEquals("login", account.at("/imagePullSecrets/0/name").asText(), name);
    }
  }

  @Test
  void monitorsMayHaveTheLabelsThatAPrometheusSelects() throws IOException {
    var chart =
        helm(
            template ->
                template
                    .set("monitoring.enabled", true)
                    .set("monitoring.labels.release", "prometheus"));
    for (var key :
        List.of(
            "PodMonitor virtualip-system/virtualip-agent",
            "PodMonitor virtualip-system/virtualip-operator",
            "PrometheusRule virtualip-system/virtualip")) {
      var labels = chart.get(key).at("/metadata/labels");
      assertEquals("prometheus", labels.path("release").asText(), key);
      assertEquals("virtualip", labels.path("app.kubernetes.io/part-of").asText(), key);
    }
  }

  @Test
  void theLevelOfTheLogIsWhereOperatorAndAgentsLookForIt() throws IOException {
    var map = "ConfigMap virtualip-system/virtualip-hand-overs";
    var chart = helm(template -> template.set("logLevel", "DEBUG"));
    assertEquals(
        "DEBUG",
        chart.get(map).path("metadata").path("annotations").path(LogLevel.ANNOTATION).asText());
    var usual = helm(UnaryOperator.identity()).get(map).at("/metadata/annotations");
    assertFalse(usual.has(LogLevel.ANNOTATION));
  }

  /** Helm's library renders no hooks, so here it is an object like any other. */
  @Test
  void helmTestAsksForTheStatusWithTheOperatorsImageAndAccount() throws IOException {
    var chart = Installation.copied();
    var file = chart.resolve("templates/tests/status.yaml");
    var template = Files.readString(file);
    assertTrue(template.contains("helm.sh/hook: test\n"));
    Files.writeString(file, template.replace("helm.sh/hook", "example.com/hook"));
    var rendered =
        new Helm(chart)
            .template()
            .withName("virtualip")
            .withNamespace("vips")
            .set("images.operator.digest", DIGEST)
            .set("operator.nodeSelector.disk", "ssd")
            .set("operator.tolerations[0].operator", "Exists")
            .call();
    var test = Installation.objects(rendered).get("Pod vips/virtualip-test").path("spec");
    assertEquals("virtualip-operator", test.path("serviceAccountName").asText());
    assertEquals("ssd", test.at("/nodeSelector/disk").asText());
    assertEquals("Exists", test.at("/tolerations/0/operator").asText());
    assertTrue(test.at("/containers/0/image").asText().endsWith(DIGEST));
    assertEquals("[\"status\"]", test.at("/containers/0/args").toString());
  }

  @Test
  void theChartsPageHasEachValueWithItsDefault() throws IOException {
    var yaml = new YAMLMapper();
    var values = yaml.readTree(Files.readString(Installation.DEPLOY.resolve("chart/values.yaml")));
    var expected = new TreeMap<String, String>();
    leaves("", values, expected);
    var told = new TreeMap<String, String>();
    var row = Pattern.compile("(?m)^\\| `([\\w.]+)` \\| `([^`]*)` \\|");
    row.matcher(Files.readString(Installation.DEPLOY.resolve("chart/README.md")))
        .results()
        .forEach(value -> told.put(value.group(1), value.group(2)));
    assertEquals(expected, told);
  }

  private static void leaves(String path, JsonNode value, SortedMap<String, String> leaves) {
    if (value.isObject() && !value.isEmpty()) {
      value
          .properties()
          .forEach(
              field ->
                  leaves(
                      path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
                      field.getValue(),
                      leaves));
      return;
    }
    var text = value.isTextual() && !value.asText().isEmpty() ? value.asText() : value.toString();
    leaves.put(path, text.replace(",", value.isArray() ? ", " : ","));
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

  /** Java prints options that it takes from the environment, before the first line of the log. */
  @Test
  void noImageMakesJavaSayWhatIsNoJson() throws IOException {
    var images = Files.readString(Installation.DEPLOY.resolve("images/Dockerfile"));
    assertTrue(images.contains("@/opt/virtualip/java.args"));
    assertFalse(images.contains("JDK_JAVA_OPTIONS"), images);
    assertFalse(images.contains("JAVA_TOOL_OPTIONS"), images);
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
    "operator.affinity.podAntiAfinity.a, b",
    "operator.networkPolicy.apiServerPorts[0], 70000",
    "operator.disruptionBudget, true",
    "imagePullSecrets[0], login",
    "monitoring.labels.a, 1",
    "logLevel, LOUD",
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
