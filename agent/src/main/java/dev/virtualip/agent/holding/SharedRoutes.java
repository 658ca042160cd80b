package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.PutRoute;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which virtual routers of a node hold which routes. Several may have the very same one, such as an
 * IPv6 default route. It lasts as long as the longest of their leases, and goes with the last of
 * them. Used by one thread.
 */
public final class SharedRoutes {
  /** By route and holder, the lease in seconds. */
  private final Map<InstalledRoute, Map<Holdings, Long>> leases = new HashMap<>();

  /** What to ask the kernel for where a holder wants these changes. */
  List<Change> shared(Holdings holder, List<Change> changes) {
    var shared = new ArrayList<Change>();
    for (var change : changes) {
      switch (change) {
        case PutRoute(var route, long lease) -> shared.add(put(holder, route, lease));
        case DeleteRoute(var route) -> {
          if (isLast(holder, route)) {
            shared.add(change);
          }
        }
        default -> shared.add(change);
      }
    }
    return shared;
  }

  private PutRoute put(Holdings holder, InstalledRoute route, long lease) {
    if (!leases.containsKey(route)) {
      // One that is replaced is never deleted.
      leases.keySet().removeIf(route::replaces);
      leases.put(route, new HashMap<>());
    }
    var all = leases.get(route);
    all.put(holder, lease);
    return new PutRoute(route, all.values().stream().max(Long::compare).orElseThrow());
  }

  private boolean isLast(Holdings holder, InstalledRoute route) {
    var all = leases.getOrDefault(route, new HashMap<>());
    all.remove(holder);
    if (all.isEmpty()) {
      leases.remove(route);
    }
    return all.isEmpty();
  }
}
