package dev.virtualip.vip;

import dev.virtualip.vip.tell.Reports;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code pin NAME}: a switch-over to the node that is master already. */
@Command(
    name = "pin",
    mixinStandardHelpOptions = true,
    description =
        "Holds a VirtualIP on its present master: no better node takes over until unpin. If that"
            + " node fails the VirtualIP moves, and moves back when it is well again.")
final class PinCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Mixin private Patience patience;
  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      var vip = Connection.one(client, name);
      var masters = Reports.masters(vip);
      if (masters.size() != 1) {
        throw new IllegalStateException(
            masters.isEmpty()
                ? "no node is master: kubectl vip why " + name
                : "several nodes are master (%s): kubectl vip why %s"
                    .formatted(String.join(", ", masters), name));
      }
      new SwitchOver(client, patience.timeout()).to(vip, masters.getFirst());
      connection
          .screen()
          .print(
              "%s: held on %s; kubectl vip unpin %1$s ends that"
                  .formatted(name, masters.getFirst()));
    }
    return 0;
  }
}
