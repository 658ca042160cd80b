package dev.virtualip.vip;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code drain NODE}: by the label that counts as a drain, so nothing is evicted. */
@Command(
    name = "drain",
    mixinStandardHelpOptions = true,
    description =
        "Makes a node hand over all it is master of, by the label " + DrainCommand.LABEL + "=true.")
final class DrainCommand implements Callable<Integer> {
  static final String LABEL = "virtualip.dev/drain";

  @Parameters(paramLabel = "NODE", description = "The node.")
  private String node;

  @Option(names = "--undo", description = "End the drain: the node takes part again.")
  private boolean undo;

  @Mixin private Patience patience;
  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      if (client.nodes().withName(node).get() == null) {
        throw new IllegalStateException(
            "there is no node %s; there are %s"
                .formatted(
                    node,
                    client.nodes().list().getItems().stream()
                        .map(n -> n.getMetadata().getName())
                        .collect(Collectors.joining(", "))));
      }
      if (undo) {
        label(client, null);
        connection.screen().print(node + " takes part again");
        return 0;
      }
      // Listed before: the operator may be faster than the next request.
      var vips = Connection.all(client);
      label(client, "true");
      return handOver(client, vips);
    }
  }

  private void label(KubernetesClient client, String value) {
    var patch = JsonNodeFactory.instance.objectNode();
    patch.putObject("metadata").putObject("labels").put(LABEL, value);
    client.nodes().withName(node).patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
  }

  private int handOver(KubernetesClient client, List<VirtualIp> vips) {
    var screen = connection.screen();
    var stay = new ArrayList<String>();
    for (var vip : vips) {
      if (Reports.masters(vip).contains(node)) {
        var outcome = outcome(client, vip);
        screen.print(vip.getMetadata().getName() + ": " + outcome.text());
        if (outcome.stays()) {
          stay.add(vip.getMetadata().getName());
        }
      }
    }
    screen.print(
        stay.isEmpty()
            ? "%s is master of nothing; kubectl vip drain %1$s --undo ends the drain"
                .formatted(node)
            : "%s is still master of %s".formatted(node, String.join(", ", stay)));
    return stay.isEmpty() ? 0 : 1;
  }

  /** What became of a VirtualIP. */
  private record Outcome(boolean stays, String text) {}

  private Outcome outcome(KubernetesClient client, VirtualIp vip) {
    var name = vip.getMetadata().getName();
    if (Reports.successor(vip).isEmpty()) {
      return new Outcome(true, "stays, as no other node can serve: kubectl vip why " + name);
    }
    try {
      var moved =
          new SwitchOver(client, patience.timeout())
              .await(
                  name,
                  v -> !Reports.masters(v).isEmpty() && !Reports.masters(v).contains(node),
                  "");
      return new Outcome(false, String.join(", ", Reports.masters(moved)) + " is master");
    } catch (IllegalStateException _) {
      return new Outcome(
          true,
          "stays after %d s: does the operator run, and does its DRAIN_ON have label:%s=true?"
              .formatted(patience.timeout().toSeconds(), LABEL));
    }
  }
}
