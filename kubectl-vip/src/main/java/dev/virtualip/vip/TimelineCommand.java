package dev.virtualip.vip;

import dev.virtualip.vip.tell.Timeline;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code timeline NAME}. */
@Command(
    name = "timeline",
    mixinStandardHelpOptions = true,
    description = "Draws the last changes of all nodes on one time axis.")
final class TimelineCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      connection.screen().print(Timeline.of(Connection.one(client, name)));
    }
    return 0;
  }
}
