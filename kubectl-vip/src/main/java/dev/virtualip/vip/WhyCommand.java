package dev.virtualip.vip;

import dev.virtualip.vip.tell.Why;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code why NAME}. */
@Command(
    name = "why",
    mixinStandardHelpOptions = true,
    description = "Tells why each node is in its state, and how long a failover would take.")
final class WhyCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Option(names = "--node", paramLabel = "NODE", description = "Tell of this node alone.")
  private String node;

  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      var vip = Connection.one(client, name);
      var missing = new ArrayList<String>();
      var cluster = cluster(connection, client, missing);
      var screen = connection.screen();
      screen.print(Why.of(vip, cluster, node, connection.now()));
      screen.print(missing);
    }
    return 0;
  }

  /**
   * What may be read of the cluster.
   *
   * @param missing gets a line for what may not
   */
  static Why.Cluster cluster(Connection connection, KubernetesClient client, List<String> missing) {
    return new Why.Cluster(
        read("nodes", missing, () -> client.nodes().list().getItems()),
        read("pods", missing, () -> connection.agents(client)),
        read(
            "leases",
            missing,
            () -> client.leases().inNamespace(connection.namespace()).list().getItems()));
  }

  private static <T> List<T> read(String what, List<String> missing, Supplier<List<T>> list) {
    try {
      return list.get();
    } catch (KubernetesClientException e) {
      missing.add("without %s: %s".formatted(what, Connection.message(e)));
      return List.of();
    }
  }
}
