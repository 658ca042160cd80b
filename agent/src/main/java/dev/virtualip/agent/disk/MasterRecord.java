package dev.virtualip.agent.disk;

import dev.virtualip.agent.vrrp.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the node is master of, on disk, for an agent that is started again before its leases have
 * ended. It is not forced to the disk: it counts on the same boot only.
 */
public final class MasterRecord {
  private static final Logger LOG = LoggerFactory.getLogger(MasterRecord.class);
  private final BootFile file;

  MasterRecord(BootFile file) {
    this.file = file;
  }

  /** The record in a directory, which is made when needed. */
  public static MasterRecord in(Path stateDirectory) {
    return new MasterRecord(new BootFile(stateDirectory.resolve("masters.json")));
  }

  /** A virtual router that is master: one that differs in any of this is another one. */
  public record Master(
      int vrid, Version version, String interfaceName, List<String> addresses, int priority) {}

  private record Content(Map<String, Master> masters) {}

  /** What was written last on this boot; empty, with one line in the log, if it cannot be used. */
  public Map<String, Master> read() {
    try {
      return file.read(Content.class)
          .map(content -> Map.copyOf(content.masters()))
          .orElse(Map.of());
    } catch (IOException | NullPointerException e) {
      LOG.warn("masters_ignored file={} error=\"{}\"", file.file(), firstLine(e));
      return Map.of();
    }
  }

  /** Writes what the node is master of; a failure is logged, and the next life starts as backup. */
  public void write(Map<String, Master> masters) {
    try {
      file.write(new Content(masters));
    } catch (IOException e) {
      LOG.warn(
          "masters_not_written file={} error=\"{}\": a restart does not go on as master",
          file.file(),
          firstLine(e));
    }
  }

  private static String firstLine(Exception e) {
    return e.toString().lines().findFirst().orElse("");
  }
}
