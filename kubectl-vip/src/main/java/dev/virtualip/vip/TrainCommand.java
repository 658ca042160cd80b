package dev.virtualip.vip;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Runs most of the program once, for the AOT cache that {@code make build} makes: what a training
 * run has not loaded, each later run has to.
 */
@Command(name = TrainCommand.NAME, hidden = true)
final class TrainCommand implements Callable<Integer> {
  static final String NAME = "__train";

  @Parameters(index = "0", paramLabel = "MANIFEST")
  private String manifest;

  @Parameters(index = "1", paramLabel = "KEEPALIVED.CONF")
  private String conf;

  @Override
  public Integer call() {
    VipMain.execute("lint", manifest);
    VipMain.execute("import", conf);
    VipMain.execute("completion", "bash");
    VipMain.execute("man");
    // Without an API server it fails, and has loaded nearly all that there is of the client.
    VipMain.execute("status");
    return 0;
  }
}
