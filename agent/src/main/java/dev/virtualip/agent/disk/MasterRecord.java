package dev.virtualip.agent.disk;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.vrrp.Timers;
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
      int vrid, Version version, String interfaceName, List<String> addresses, int priority) {
    /** What a master is by its configuration. */
    public static Master of(InstanceConfig config) {
      return new Master(
          config.router().vrid(),
          config.router().version(),
          config.interfaceName(),
          config.addresses().stream().map(a -> a.prefix() + " " + a.interfaceName()).toList(),
          config.priority());
    }
  }

  private record Content(Map<String, Master> masters) {}

  /** Whether no backup can have taken over yet what an earlier life was master of. */
  public static boolean isStillMaster(
      InstanceConfig config,
      Map<String, Master> earlier,
      List<BoundAddress> bound,
      NodeNetwork network) {
    return Master.of(config).equals(earlier.get(config.name()))
        && config.addresses().stream()
            .allMatch(
                address ->
                    bound.stream()
                        .filter(there -> isOurs(there, address, network))
                        .anyMatch(
                            there -> Timers.isStillMaster(config.router(), there.leaseSeconds())));
  }

  private static boolean isOurs(BoundAddress there, VirtualAddress address, NodeNetwork network) {
    var link = network.link(address.interfaceName());
    // Kernels before 5.18 keep no mark.
    boolean marked = there.protocol() == AddressPort.PROTOCOL || there.protocol() == 0;
    return marked
        && there.leaseSeconds() > 0
        && link != null
        && link.index() == there.linkIndex()
        && there.prefix().equals(address.prefix());
  }

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
