package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.IpvsPort;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** IPVS in memory. */
final class FakeIpvs implements IpvsPort {
  final Map<ServiceKey, VirtualService> services = new LinkedHashMap<>();

  /** Changes, as {@link Change#subject} tells them. */
  private final List<String> log;

  boolean available = true;

  /** At most one of each role. */
  final Map<SyncRole, SyncDaemon> daemons = new EnumMap<>(SyncRole.class);

  ConnectionTimeouts timeouts = new ConnectionTimeouts(900, 120, 300);

  /** What the kernel says to each change, or null if it makes them. */
  String refusal;

  FakeIpvs(List<String> log) {
    this.log = log;
  }

  @Override
  public boolean available() {
    return available;
  }

  @Override
  public List<VirtualService> services() {
    return List.copyOf(services.values());
  }

  @Override
  public List<Failure> apply(List<Change> changes) {
    var failures = new ArrayList<Failure>();
    for (var change : changes) {
      if (refusal == null) {
        log.add(change.subject());
        apply(change);
      } else {
        failures.add(new Failure(change, refusal));
      }
    }
    return failures;
  }

  private void apply(Change change) {
    switch (change) {
      case Change.PutService(var service) ->
          services.compute(
              service.key(),
              (_, before) -> service.with(before == null ? List.of() : before.destinations()));
      case Change.DeleteService(var key) -> services.remove(key);
      case Change.PutDestination(var key, var destination) -> {
        var kept = without(key, destination);
        kept.add(destination);
        services.computeIfPresent(key, (_, service) -> service.with(kept));
      }
      case Change.DeleteDestination(var key, var address, int port) -> {
        var gone = new Destination(address, port, 0, Forwarding.MASQUERADE, null);
        services.computeIfPresent(key, (_, service) -> service.with(without(key, gone)));
      }
    }
  }

  private List<Destination> without(ServiceKey key, Destination gone) {
    var kept = new ArrayList<>(services.get(key).destinations());
    kept.removeIf(d -> d.address().equals(gone.address()) && d.port() == gone.port());
    return kept;
  }

  @Override
  public List<ServiceStatistics> statistics(Predicate<ServiceKey> wanted) {
    return List.of();
  }

  @Override
  public Set<SyncDaemon> syncDaemons() {
    return Set.copyOf(daemons.values());
  }

  @Override
  public void start(SyncDaemon daemon) throws IOException {
    if (!daemon.equals(daemons.computeIfAbsent(daemon.role(), _ -> daemon))) {
      throw new IOException("EEXIST: another one runs");
    }
  }

  @Override
  public void stop(SyncRole role) {
    daemons.remove(role);
  }

  @Override
  public ConnectionTimeouts timeouts() {
    return timeouts;
  }

  @Override
  public void setTimeouts(ConnectionTimeouts newest) {
    timeouts = newest;
  }
}
