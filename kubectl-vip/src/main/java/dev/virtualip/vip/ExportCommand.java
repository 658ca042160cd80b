package dev.virtualip.vip;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator.Feature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.keepalived.Export;
import dev.virtualip.vip.tell.CleanManifest;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code export NAME…}: manifests for Git, or a keepalived.conf that does the same. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = {
      "Prints VirtualIPs as manifests for Git, or as the keepalived.conf of a node.",
      "What keepalived cannot do goes to standard error, line by line."
    })
final class ExportCommand implements Callable<Integer> {
  enum Output {
    json,
    yaml
  }

  enum As {
    keepalived
  }

  @Parameters(
      arity = "1..*",
      paramLabel = "NAME",
      description = "The VirtualIPs; of a sync group, all members.")
  private List<String> names = List.of();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "json or yaml. Default: yaml.")
  private Output output;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "Write to a file that is not there yet.")
  private Path file;

  @Option(
      names = "--as",
      paramLabel = "keepalived",
      description = "keepalived: a keepalived.conf. Passwords and keys are in it with -f alone.")
  private As as;

  @Option(
      names = "--node",
      paramLabel = "NODE",
      description = "With --as: the node that runs it, for its priority, NIC and address.")
  private String node;

  @Mixin private Connection connection;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (as != null && output != null) {
      throw usage("-o is for manifests: leave out --as or -o");
    }
    if (as == null && node != null) {
      throw usage("--node goes with --as keepalived: a manifest is for all nodes");
    }
    if (file != null && Files.exists(file)) {
      throw new IllegalStateException(
          file + " is there already: remove it, or name another --file");
    }
    try (var client = connection.open()) {
      var objects = new ArrayList<JsonNode>();
      for (var name : names) {
        // Tells what there is, if there is no such one.
        Connection.one(client, name);
        objects.add(raw(client, name));
      }
      write(as == null ? manifests(objects) : keepalived(client, objects));
    }
    return 0;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** The object with all that the API server has, also what this program does not know. */
  private static JsonNode raw(KubernetesClient client, String name) {
    var object =
        client
            .genericKubernetesResources(ResourceDefinitionContext.fromResourceType(VirtualIp.class))
            .withName(name)
            .get();
    return client.getKubernetesSerialization().convertValue(object, JsonNode.class);
  }

  private String manifests(List<JsonNode> objects) throws JsonProcessingException {
    var manifests = objects.stream().map(CleanManifest::of).toList();
    if (output == Output.json) {
      Object data = manifests.getFirst();
      if (manifests.size() > 1) {
        var list = JsonNodeFactory.instance.objectNode();
        list.put("apiVersion", "v1").put("kind", "List").putArray("items").addAll(manifests);
        data = list;
      }
      return new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(data) + "\n";
    }
    var yaml =
        YAMLMapper.builder()
            .enable(Feature.MINIMIZE_QUOTES)
            .enable(Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
            .disable(Feature.SPLIT_LINES)
            .disable(Feature.WRITE_DOC_START_MARKER)
            .build();
    var texts = new ArrayList<String>();
    for (var manifest : manifests) {
      texts.add(yaml.writeValueAsString(manifest));
    }
    return String.join("---\n", texts);
  }

  private String keepalived(KubernetesClient client, List<JsonNode> objects) {
    var routers = new ArrayList<Export.Router>();
    for (var object : objects) {
      var vip = client.getKubernetesSerialization().convertValue(object, VirtualIp.class);
      var problems = CheckedSpec.check(vip).problems();
      if (!problems.isEmpty()) {
        throw new IllegalStateException(
            "%s is not valid: %s".formatted(vip.getMetadata().getName(), problems.getFirst()));
      }
      routers.add(router(client, vip, CleanManifest.withoutDefaults(object.path("spec"))));
    }
    var export = Export.of(routers, node);
    var err = spec.commandLine().getErr();
    export.lost().forEach(line -> err.println(line.replaceAll("\\p{Cntrl}", "?")));
    err.flush();
    return export.text();
  }

  private Export.Router router(KubernetesClient client, VirtualIp vip, ObjectNode spec) {
    var addresses =
        Reports.of(vip).entrySet().stream()
            .filter(report -> report.getValue().address() != null)
            .collect(Collectors.toMap(r -> r.getKey(), r -> r.getValue().address()));
    var authentication = vip.getSpec().authentication();
    String password = null;
    String keys = null;
    // Without a file they would be in the terminal's history, or in a log.
    if (authentication != null && file != null) {
      password = secret(client, authentication.passwordSecretRef());
      keys =
          authentication.hmac() == null
              ? null
              : secret(client, authentication.hmac().keysSecretRef());
    }
    return new Export.Router(vip.getMetadata().getName(), spec, addresses, password, keys);
  }

  private String secret(KubernetesClient client, SecretKey ref) {
    if (ref == null) {
      return null;
    }
    var secret = client.secrets().inNamespace(connection.namespace()).withName(ref.name()).get();
    var data = secret == null || secret.getData() == null ? null : secret.getData().get(ref.key());
    if (data == null) {
      throw new IllegalStateException(
          "there is no key %s in Secret %s of %s: leave out -f, or see --namespace"
              .formatted(ref.key(), ref.name(), connection.namespace()));
    }
    return new String(Base64.getDecoder().decode(data), StandardCharsets.UTF_8).strip();
  }

  private void write(String text) throws IOException {
    if (file == null) {
      spec.commandLine().getOut().print(text);
      spec.commandLine().getOut().flush();
      return;
    }
    if (as != null) {
      // It may have a password, and nobody else may read that at any moment.
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    Files.writeString(file, text, as == null ? CREATE_NEW : WRITE);
    connection.screen().print("wrote " + file);
  }
}
