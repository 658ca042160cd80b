package dev.virtualip.vip;

import dev.virtualip.vip.tell.Reports;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code switch NAME NODE}. */
@Command(
    name = "switch",
    mixinStandardHelpOptions = true,
    description = "Makes a node master, until it is released. A failover is still possible.")
final class SwitchCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Parameters(paramLabel = "NODE", description = "The node that is to be master.")
  private String node;

  @Mixin private Patience patience;
  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      var vip = Connection.one(client, name);
      boolean was = Reports.masters(vip).equals(List.of(node));
      new SwitchOver(client, patience.timeout()).to(vip, node);
      connection
          .screen()
          .print(
              "%s: %s %s; kubectl vip release %1$s ends the switch-over"
                  .formatted(name, node, was ? "is master, as before, and stays so" : "is master"));
    }
    return 0;
  }
}
