package dev.virtualip.agent.disk;

import dev.virtualip.agent.vrrp.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that lists the VirtualIPs this node is master of, for an agent that is started again
 * before its leases have ended. It is not forced to the disk, as it is valid only until the next
 * boot.
 */
public final class MasterRecord {
  private static final Logger LOG = LoggerFactory.getLogger(MasterRecord.class);
  private final BootFile file;

  MasterRecord(BootFile file) {
    this.file = file;
  }

  /** The record in a directory, which is created when needed. */
  public static MasterRecord in(Path stateDirectory) {
    return new MasterRecord(new BootFile(stateDirectory.resolve("masters.json")));
  }

  /**
   * A virtual router that is master. A router that differs in any component is another one, and
   * does not resume.
   */
  public record Master(
      int vrid, Version version, String interfaceName, List<String> addresses, int priority) {}

  private record Content(Map<String, Master> masters) {}

  /**
   * The last record of this boot, by name of the VirtualIP. Empty, with a line in the log, if it
   * cannot be used.
   */
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

  /** Replaces the record. A failure is logged; then the next life of the agent starts as backup. */
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
