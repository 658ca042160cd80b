package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import com.marcnuri.helm.TemplateCommand;
import dev.virtualip.e2e.lab.ApiServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** What there is to install, as kustomize and Helm themselves render it. */
final class Installation {
  static final Path DEPLOY = Path.of("../deploy");
  private static final Path CHART = DEPLOY.resolve("chart");

  /** Exit code of deploy/launcher/kustomize where there is no kustomize and no way to get it. */
  private static final int NO_KUSTOMIZE = 3;

  private static final YAMLMapper YAML = new YAMLMapper();

  private static Path packed;

  private Installation() {}

  /** The chart with files in place of its links, as in a package of it. */
  static synchronized Path chart() throws IOException {
    if (packed == null) {
      packed = copied();
    }
    return packed;
  }

  /** The same once more, for who wants to change it. */
  static Path copied() throws IOException {
    var copy = Files.createTempDirectory(Path.of("target"), "chart");
    try (var files = Files.walk(CHART, FileVisitOption.FOLLOW_LINKS)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        var to = copy.resolve(CHART.relativize(file));
        Files.createDirectories(to.getParent());
        Files.copy(file, to);
      }
    }
    return copy;
  }

  /**
   * Objects of a kustomization below deploy/, by kind, namespace and name. Skips the test where
   * kustomize is not to be had.
   */
  static SortedMap<String, JsonNode> kustomize(String folder)
      throws IOException, InterruptedException {
    return objects(kustomized(DEPLOY.resolve(folder)));
  }

  /** The YAML of a kustomization. */
  static String kustomized(Path folder) throws IOException, InterruptedException {
    var process =
        new ProcessBuilder("../deploy/launcher/kustomize", folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    assumeTrue(code != NO_KUSTOMIZE, "there is no kustomize here");
    assertEquals(0, code, folder + " cannot be rendered");
    return text;
  }

  /** Objects of the chart in deploy/'s namespace, with these values. */
  static SortedMap<String, JsonNode> helm(UnaryOperator<TemplateCommand> values)
      throws IOException {
    var template =
        new Helm(chart())
            .template()
            .withName("virtualip")
            .withNamespace("virtualip-system")
            .set("createNamespace", true);
    return objects(values.apply(template).call());
  }

  /** The objects of a YAML text, by kind, namespace and name. */
  static SortedMap<String, JsonNode> objects(String yaml) throws IOException {
    var objects = new TreeMap<String, JsonNode>();
    try (var documents = YAML.readerFor(JsonNode.class).<JsonNode>readValues(yaml)) {
      while (documents.hasNextValue()) {
        if (documents.nextValue() instanceof ObjectNode object) {
          var metadata = object.path("metadata");
          var key =
              "%s %s/%s"
                  .formatted(
                      object.path("kind").asText(),
                      metadata.path("namespace").asText(),
                      metadata.path("name").asText());
          assertEquals(null, objects.put(key, inOrder(object)), key + " is there twice");
        }
      }
    }
    return objects;
  }

  /** The variables of the operator's container have no order of their own. */
  private static ObjectNode inOrder(ObjectNode object) {
    var containers = object.at("/spec/template/spec/containers");
    for (var container : containers) {
      var env = new TreeMap<String, JsonNode>(Comparator.naturalOrder());
      container.path("env").forEach(v -> env.put(v.path("name").asText(), v));
      var array = ((ObjectNode) container).putArray("env");
      env.values().forEach(array::add);
    }
    return object;
  }

  /** {@code helm install virtualip}, not called yet. */
  static InstallCommand install(ApiServer api, String namespace) throws IOException {
    return new Helm(chart())
        .install()
        .withName("virtualip")
        .withNamespace(namespace)
        // As with kubectl: a server without CEL does not know its rules.
        .disableOpenApiValidation()
        .withKubeConfig(api.kubeconfig());
  }

  /** {@code helm uninstall virtualip}. */
  static void uninstall(ApiServer api, String namespace) {
    Helm.uninstall("virtualip").withNamespace(namespace).withKubeConfig(api.kubeconfig()).call();
  }

  /** Names of what an installation has made in a cluster and what is still there; a line each. */
  static String traces(ApiServer api) {
    return api.kubectl(
            "get",
            "crd,clusterroles,clusterrolebindings,roles,rolebindings,deployments,daemonsets,pods,"
                + "serviceaccounts,namespaces",
            "--all-namespaces",
            "-l",
            "app.kubernetes.io/part-of=virtualip",
            "-o",
            "name")
        .strip();
  }

  /** The CRD's name if it is installed, else an empty text. */
  static String crd(ApiServer api) {
    return api.kubectl("get", "crd", "--ignore-not-found", "-o", "name", "virtualips.virtualip.dev")
        .strip();
  }

  /** A variable of the operator, or null. */
  static String variable(SortedMap<String, JsonNode> objects, String name) {
    for (var variable : operator(objects).path("env")) {
      if (variable.path("name").asText().equals(name)) {
        return variable.path("value").asText();
      }
    }
    return null;
  }

  /** The operator's container. */
  static JsonNode operator(SortedMap<String, JsonNode> objects) {
    return objects
        .get("Deployment virtualip-system/virtualip-operator")
        .at("/spec/template/spec/containers/0");
  }
}
