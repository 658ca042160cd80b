package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.Change.DeleteDestination;
import dev.virtualip.agent.net.IpvsPort.Change.DeleteService;
import dev.virtualip.agent.net.IpvsPort.Change.PutDestination;
import dev.virtualip.agent.net.IpvsPort.Change.PutService;
import dev.virtualip.agent.net.IpvsPort.Destination;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The virtual services that one virtual router has put into IPVS. Changes are applied as a
 * difference, so that servers that stay lose no connection. IPVS reports nothing, and has no lease:
 * a service without its address does no harm.
 */
final class Services {
  private final IpvsPort port;

  /** What the kernel should have of ours, as put or read last. */
  private final Map<ServiceKey, VirtualService> present = new LinkedHashMap<>();

  /** Keys that may be in the kernel and have to be removed in the end. */
  private final Set<ServiceKey> ours = new LinkedHashSet<>();

  Services(IpvsPort port) {
    this.port = port;
  }

  /**
   * Makes the kernel have exactly these.
   *
   * @return null, or what the kernel refused
   */
  String hold(List<VirtualService> wanted) {
    if (wanted.isEmpty() && ours.isEmpty()) {
      return null;
    }
    var changes = changes(wanted);
    wanted.forEach(service -> ours.add(service.key()));
    var error = apply(changes);
    present.clear();
    if (error == null) {
      wanted.forEach(service -> present.put(service.key(), service));
      ours.retainAll(present.keySet());
    }
    return error;
  }

  private List<Change> changes(List<VirtualService> wanted) {
    var changes = new ArrayList<Change>();
    var keys = wanted.stream().map(VirtualService::key).collect(Collectors.toSet());
    ours.stream().filter(key -> !keys.contains(key)).map(DeleteService::new).forEach(changes::add);
    for (var service : wanted) {
      var before = present.get(service.key());
      if (before == null || !before.with(List.of()).equals(service.with(List.of()))) {
        changes.add(new PutService(service));
      }
      var had = before == null ? List.<Destination>of() : before.destinations();
      addDestinations(service, had, changes);
    }
    return changes;
  }

  /** New ones first, so that there is always one. */
  private static void addDestinations(
      VirtualService service, List<Destination> had, List<Change> changes) {
    service.destinations().stream()
        .filter(destination -> !had.contains(destination))
        .map(destination -> new PutDestination(service.key(), destination))
        .forEach(changes::add);
    for (var old : had) {
      if (service.destinations().stream().noneMatch(destination -> isSame(destination, old))) {
        changes.add(new DeleteDestination(service.key(), old.address(), old.port()));
      }
    }
  }

  private static boolean isSame(Destination one, Destination other) {
    return one.address().equals(other.address()) && one.port() == other.port();
  }

  /**
   * Reads what the kernel has of ours.
   *
   * @return whether that differs from what it should have
   */
  boolean isDifferent(List<VirtualService> wanted, List<VirtualService> found) {
    present.clear();
    found.stream()
        .filter(service -> ours.contains(service.key()))
        .forEach(service -> present.put(service.key(), service));
    return !changes(wanted).isEmpty();
  }

  /**
   * Removes all that it has put.
   *
   * @return null, or what the kernel refused
   */
  String release() {
    var changes = ours.stream().<Change>map(DeleteService::new).toList().reversed();
    ours.clear();
    present.clear();
    return changes.isEmpty() ? null : apply(changes);
  }

  /** Keys that may be in the kernel. */
  Set<ServiceKey> ours() {
    return ours;
  }

  private String apply(List<Change> changes) {
    try {
      var failures = port.apply(changes);
      return failures.isEmpty()
          ? null
          : failures.stream()
              .map(IpvsPort.Failure::error)
              .distinct()
              .collect(Collectors.joining("; "));
    } catch (IOException e) {
      return e.getMessage();
    }
  }
}
