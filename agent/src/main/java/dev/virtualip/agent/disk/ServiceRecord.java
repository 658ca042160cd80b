package dev.virtualip.agent.disk;

import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The virtual services in IPVS that are this agent's, on disk, so that its next life knows them:
 * the kernel keeps no mark. It counts for the boot of its writing only.
 */
public final class ServiceRecord {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceRecord.class);

  private final BootFile file;

  private ServiceRecord(BootFile file) {
    this.file = file;
  }

  /** The record in a directory, which is created when needed. */
  public static ServiceRecord in(Path stateDirectory) {
    return new ServiceRecord(new BootFile(stateDirectory.resolve("virtual-services.json")));
  }

  private record Content(Set<ServiceKey> keys) {}

  /** The last record of this boot. Empty, with a line in the log, if it cannot be used. */
  public Set<ServiceKey> read() {
    try {
      return file.read(Content.class).map(content -> Set.copyOf(content.keys())).orElse(Set.of());
    } catch (IOException | NullPointerException e) {
      LOG.warn("virtual_services_ignored file={} error=\"{}\"", file.file(), e.toString());
      return Set.of();
    }
  }

  /**
   * Replaces the record. A failure is logged; then virtual services that a killed agent leaves
   * count as somebody else's.
   */
  public void write(Set<ServiceKey> keys) {
    try {
      file.write(new Content(keys));
    } catch (IOException e) {
      LOG.warn("virtual_services_not_written file={} error=\"{}\"", file.file(), e.toString());
    }
  }
}
