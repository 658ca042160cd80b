package dev.virtualip.agent.net;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** A kernel without IPVS: it has nothing, and refuses everything. */
final class NoIpvs implements IpvsPort {
  @Override
  public boolean available() {
    return false;
  }

  @Override
  public List<VirtualService> services() {
    return List.of();
  }

  @Override
  public List<Failure> apply(List<Change> changes) throws IOException {
    throw refusal();
  }

  @Override
  public List<ServiceStatistics> statistics(Predicate<ServiceKey> wanted) {
    return List.of();
  }

  @Override
  public Set<SyncDaemon> syncDaemons() {
    return Set.of();
  }

  @Override
  public void start(SyncDaemon daemon) throws IOException {
    throw refusal();
  }

  @Override
  public void stop(SyncRole role) throws IOException {
    throw refusal();
  }

  @Override
  public ConnectionTimeouts timeouts() throws IOException {
    throw refusal();
  }

  @Override
  public void setTimeouts(ConnectionTimeouts timeouts) throws IOException {
    throw refusal();
  }

  private static IOException refusal() {
    return new IOException("the kernel has no IPVS: load the module ip_vs");
  }
}
