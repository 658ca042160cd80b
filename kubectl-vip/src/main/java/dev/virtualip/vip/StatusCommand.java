package dev.virtualip.vip;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.kube.AnyChange;
import dev.virtualip.vip.tell.Services;
import dev.virtualip.vip.tell.Status;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.IOException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
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

  @Option(
      names = "--services",
      description =
          "The Services of type LoadBalancer that have addresses, and which VirtualIPs have these.")
  private boolean services;

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
    if (services && (name != null || watch)) {
      throw new ParameterException(
          spec.commandLine(),
          "--services shows all as they are now: leave out NAME and --watch, or use kubectl get"
              + " svc -A --watch");
    }
    try (var client = connection.open()) {
      if (services) {
        services(client, data);
        return 0;
      }
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

  private void services(KubernetesClient client, boolean data) throws IOException {
    var vips = Connection.all(client);
    var kind =
        client.genericKubernetesResources(
            ResourceDefinitionContext.fromResourceType(Service.class));
    var items = kind.inAnyNamespace().list().getItems();
    var serialization = client.getKubernetesSerialization();
    var ours =
        Services.ours(
            items.stream().map(item -> serialization.convertValue(item, Service.class)).toList(),
            vips);
    if (data) {
      var keys = ours.stream().map(StatusCommand::key).collect(Collectors.toSet());
      spec.commandLine()
          .getOut()
          .println(data(client, list(items.stream().filter(s -> keys.contains(key(s))).toList())));
    } else {
      connection
          .screen()
          .print(
              ours.isEmpty()
                  ? List.of("there is no Service of class " + PoolServices.CLASS)
                  : Services.table(ours, vips));
    }
  }

  private static String key(HasMetadata object) {
    return object.getMetadata().getNamespace() + "/" + object.getMetadata().getName();
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
    return data(client, name == null ? list(kind.list().getItems()) : kind.withName(name).get());
  }

  private String data(KubernetesClient client, Object data) throws IOException {
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
