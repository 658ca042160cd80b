package dev.virtualip.vip;

import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code release NAME}, {@code unpin NAME}. */
@Command(
    name = "release",
    aliases = "unpin",
    mixinStandardHelpOptions = true,
    description = "Ends a switch-over or a pin: priorities and preemption decide again.")
final class ReleaseCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      var released = new SwitchOver(client, Duration.ZERO).release(Connection.one(client, name));
      var screen = connection.screen();
      if (released.isEmpty()) {
        screen.print(name + ": there is no switch-over");
      }
      released.forEach(member -> screen.print(member + ": released"));
    }
    return 0;
  }
}
