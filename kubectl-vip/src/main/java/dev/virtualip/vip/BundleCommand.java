package dev.virtualip.vip;

import com.fasterxml.jackson.databind.JsonNode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.vip.tell.Redaction;
import dev.virtualip.vip.tell.Timeline;
import dev.virtualip.vip.tell.Why;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bundle}: what a bug report needs, and no secrets. */
@Command(
    name = "bundle",
    mixinStandardHelpOptions = true,
    description =
        "Writes a tar for a bug report: objects, logs, and what why and timeline say. No Secret is"
            + " read; texts that may be secrets are removed. Look at it before you send it.")
final class BundleCommand implements Callable<Integer> {
  private static final int LOG_LINES = 5000;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      defaultValue = "virtualip-bundle.tar.gz",
      description = "A file that is not there yet. Default: ${DEFAULT-VALUE}.")
  private Path file;

  @Mixin private Connection connection;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(file)) {
      throw new IllegalStateException(
          file + " is there already: remove it, or name another --file");
    }
    try (var client = connection.open()) {
      // Before the file is made: without an API server there is nothing to write.
      var vips = Connection.all(client);
      try (var tar =
          new Tar(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW), connection.now())) {
        tar.add("version.txt", new VipMain.Version().getVersion()[0] + "\n");
        objects(client, tar);
        told(client, vips, tar);
        logs(client, tar);
      }
    }
    connection.screen().print("%s: look at it before you send it".formatted(file));
    return 0;
  }

  private void objects(KubernetesClient client, Tar tar) throws IOException {
    var namespace = connection.namespace();
    add(client, tar, "virtualips", () -> client.resources(VirtualIp.class).list().getItems());
    add(
        client,
        tar,
        "virtualippools",
        () -> client.resources(VirtualIpPool.class).list().getItems());
    add(client, tar, "nodes", () -> client.nodes().list().getItems());
    add(client, tar, "pods", () -> client.pods().inNamespace(namespace).list().getItems());
    add(
        client,
        tar,
        "daemonsets",
        () -> client.apps().daemonSets().inNamespace(namespace).list().getItems());
    add(
        client,
        tar,
        "deployments",
        () -> client.apps().deployments().inNamespace(namespace).list().getItems());
    add(client, tar, "leases", () -> client.leases().inNamespace(namespace).list().getItems());
    add(client, tar, "hand-overs", () -> handOvers(client));
    add(
        client,
        tar,
        "events",
        () ->
            client.v1().events().inNamespace("default").list().getItems().stream()
                .filter(event -> "VirtualIP".equals(event.getInvolvedObject().getKind()))
                .toList());
    add(
        client,
        tar,
        "events-" + namespace,
        () -> client.v1().events().inNamespace(namespace).list().getItems());
  }

  private List<? extends HasMetadata> handOvers(KubernetesClient client) {
    var asked =
        client
            .configMaps()
            .inNamespace(connection.namespace())
            .withName(VirtualIp.HAND_OVERS)
            .get();
    return asked == null ? List.of() : List.of(asked);
  }

  /** What can't be read is a line that says so, for that is news too. */
  private static void add(
      KubernetesClient client, Tar tar, String name, Supplier<List<? extends HasMetadata>> list)
      throws IOException {
    var text = new StringBuilder();
    var serialization = client.getKubernetesSerialization();
    try {
      for (var item : list.get()) {
        var tree = serialization.convertValue(item, JsonNode.class);
        text.append(serialization.asYaml(Redaction.of(tree)));
      }
    } catch (KubernetesClientException e) {
      text.append("# ").append(Connection.message(e)).append('\n');
    }
    tar.add(name + ".yaml", text.toString());
  }

  private void told(KubernetesClient client, List<VirtualIp> vips, Tar tar) throws IOException {
    var missing = new ArrayList<String>();
    var cluster = WhyCommand.cluster(connection, client, missing);
    for (var vip : vips) {
      var lines = new ArrayList<>(Why.of(vip, cluster, null, connection.now()));
      lines.addAll(missing);
      lines.add("");
      lines.addAll(Timeline.of(vip));
      tar.add("why/%s.txt".formatted(shortened(vip)), String.join("\n", lines) + "\n");
    }
  }

  private void logs(KubernetesClient client, Tar tar) throws IOException {
    List<Pod> pods;
    try {
      pods = client.pods().inNamespace(connection.namespace()).list().getItems();
    } catch (KubernetesClientException _) {
      // pods.yaml says why.
      return;
    }
    for (var pod : pods) {
      String log;
      try {
        log = client.pods().resource(pod).tailingLines(LOG_LINES).getLog();
      } catch (KubernetesClientException e) {
        log = Connection.message(e) + "\n";
      }
      tar.add("logs/%s.log".formatted(shortened(pod)), log);
    }
  }

  private static String shortened(HasMetadata object) {
    var name = object.getMetadata().getName();
    return name.substring(0, Math.min(name.length(), 90));
  }
}
