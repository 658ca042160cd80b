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
    description =
        "Ends a switch-over or a pin: priorities and preemption decide again. Removes what a drill that"
            + " was cut short has left.")
final class ReleaseCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Mixin private Connection connection;

  @Override
  public Integer call() {
    try (var client = connection.open()) {
      var vip = Connection.one(client, name);
      var screen = connection.screen();
      boolean drilled = FailingCheck.isIn(vip);
      if (drilled) {
        new FailingCheck(client, connection.namespace()).remove(vip);
        screen.print(name + ": the check of a drill that was cut short is removed");
      }
      var released = new SwitchOver(client, Duration.ZERO).release(vip);
      if (released.isEmpty() && !drilled) {
        screen.print(name + ": there is no switch-over");
      }
      released.forEach(member -> screen.print(member + ": released"));
    }
    return 0;
  }
}
