package dev.virtualip.vip;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.kube.AnyChange;
import dev.virtualip.vip.tell.Status;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.IOException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code status [NAME]}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = "Shows masters, backups with their priorities, and what moved last.")
final class StatusCommand implements Callable<Integer> {
  enum Output {
    json,
    yaml,
    wide
  }

  @Parameters(arity = "0..1", paramLabel = "NAME", description = "Default: all VirtualIPs.")
  private String name;

  @Option(
      names = {"-w", "--watch"},
      description = "Stay, and show each change, until Ctrl-C.")
  private boolean watch;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description =
          "json or yaml: the objects as the API server has them; wide: with more columns.")
  private Output output;

  @Mixin private Connection connection;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    boolean data = output == Output.json || output == Output.yaml;
    if (watch && data) {
      throw new ParameterException(
          spec.commandLine(),
          "--watch is for the screen: use kubectl get vip --watch -o " + output);
    }
    try (var client = connection.open()) {
      if (name != null) {
        Connection.one(client, name);
      }
      if (data) {
        spec.commandLine().getOut().println(data(client));
      } else if (watch) {
        watch(client);
      } else {
        connection
            .screen()
            .print(
                lines(
                    name == null ? Connection.all(client) : List.of(Connection.one(client, name))));
      }
    }
    return 0;
  }

  private List<String> lines(List<VirtualIp> vips) {
    if (vips.isEmpty()) {
      return List.of("there is no VirtualIP");
    }
    return name == null
        ? Status.table(vips, connection.now(), output == Output.wide)
        : Status.of(vips.getFirst(), connection.now());
  }

  /** The objects as they are, so that nothing is lost that this program does not know. */
  private String data(KubernetesClient client) throws IOException {
    var kind =
        client.genericKubernetesResources(
            ResourceDefinitionContext.fromResourceType(VirtualIp.class));
    Object data = name == null ? list(kind.list().getItems()) : kind.withName(name).get();
    var serialization = client.getKubernetesSerialization();
    return output == Output.yaml
        ? serialization.asYaml(data).strip()
        : new JsonMapper()
            .writerWithDefaultPrettyPrinter()
            .writeValueAsString(serialization.convertValue(data, JsonNode.class));
  }

  private static Object list(List<? extends HasMetadata> items) {
    var list = new LinkedHashMap<String, Object>();
    list.put("apiVersion", "v1");
    list.put("kind", "List");
    list.put("items", items);
    return list;
  }

  private void watch(KubernetesClient client) throws InterruptedException {
    var changed = new Semaphore(1);
    var kind = client.resources(VirtualIp.class);
    var told = new AnyChange<VirtualIp>(changed::release);
    try (var informer = name == null ? kind.inform(told) : kind.withName(name).inform(told)) {
      var screen = connection.screen();
      while (informer.isRunning()) {
        // Ages grow on a terminal; elsewhere a line each second would be noise.
        boolean news = changed.tryAcquire(1, TimeUnit.SECONDS);
        if (news || screen.isTerminal()) {
          changed.drainPermits();
          screen.replace(
              lines(
                  informer.getStore().list().stream()
                      .sorted(Comparator.comparing(vip -> vip.getMetadata().getName()))
                      .toList()));
        }
      }
    }
    throw new IllegalStateException("the API server has ended the watch: begin again");
  }
}
