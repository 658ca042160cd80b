package dev.virtualip.agent.lvs;

import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The real servers of one virtual server, and which of them get connections. It decides as
 * keepalived does: a server is up until a check of it fails, and with its quorum lost a virtual
 * server has its sorry server alone. Deterministic; used by one thread.
 */
public final class ServerPool {
  private VirtualServer config;

  /** By real server, the checks that fail, and why. */
  private final Map<RealServer, Map<String, String>> failing = new HashMap<>();

  private boolean quorum;

  /** A pool whose servers are all up. */
  public ServerPool(VirtualServer config) {
    this.config = config;
    quorum = weightUp() >= config.spec().quorum();
  }

  /** Takes over another configuration. Servers that stay keep the results of their checks. */
  public void update(VirtualServer next) {
    config = next;
    failing.keySet().retainAll(next.servers().keySet());
    var checks = next.spec().checks().stream().map(check -> check.name()).toList();
    failing.values().forEach(names -> names.keySet().retainAll(checks));
    decide();
  }

  /**
   * Takes in the result of a check.
   *
   * @param failure why it fails, or null if it is good
   */
  public void checked(RealServer server, String check, String failure) {
    if (!config.servers().containsKey(server)) {
      return;
    }
    var names = failing.computeIfAbsent(server, _ -> new TreeMap<>());
    if (failure == null) {
      names.remove(check);
    } else {
      names.put(check, failure);
    }
    decide();
  }

  private void decide() {
    int up = weightUp();
    quorum =
        quorum
            ? up > 0 && up >= config.spec().quorum() - config.spec().hysteresis()
            : up >= config.spec().quorum() + config.spec().hysteresis();
  }

  /** Sum of the weights of the servers that are up. */
  public int weightUp() {
    return config.servers().entrySet().stream()
        .filter(server -> isUp(server.getKey()))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  private boolean isUp(RealServer server) {
    return failing.getOrDefault(server, Map.of()).isEmpty();
  }

  /** Whether enough servers are up (keepalived: quorum and hysteresis). */
  public boolean hasQuorum() {
    return quorum;
  }

  /** Configuration of the virtual server. */
  public VirtualServer config() {
    return config;
  }

  /** Why each server that is down is, in the order of the servers. */
  public Map<RealServer, String> down() {
    var down = new LinkedHashMap<RealServer, String>();
    for (var server : config.servers().keySet()) {
      if (!isUp(server)) {
        down.put(server, String.join("; ", failing.get(server).values()));
      }
    }
    return down;
  }

  /** What the kernel should have while this node is master. */
  public List<VirtualService> services() {
    return config.services(weights());
  }

  private Map<RealServer, Integer> weights() {
    var weights = new LinkedHashMap<RealServer, Integer>();
    boolean sorry = !quorum && config.sorry() != null;
    if (sorry) {
      weights.put(config.sorry(), 1);
    }
    config
        .servers()
        .forEach(
            (server, weight) -> {
              if (!isUp(server) && config.quiesces()) {
                weights.put(server, 0);
              } else if (isUp(server) && !sorry) {
                weights.put(server, weight);
              }
            });
    return weights;
  }
}
