package dev.virtualip.agent.lvs;

import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The real servers of one virtual server, and which of them get connections. It decides as
 * keepalived does: a server is up until a check of it fails, and with its quorum lost a virtual
 * server has its sorry server alone. Deterministic; used by one thread.
 */
public final class ServerPool {
  private VirtualServer config;

  private static final int WEIGHT_MAX = 65_535;

  /** By real server, what its checks have said, by their names. */
  private final Map<RealServer, Map<String, Result>> results = new HashMap<>();

  private boolean quorum;

  /**
   * What a check says.
   *
   * @param failure why it fails, or null if it is good
   * @param weight weight that the server should have, or null for its own
   */
  private record Result(String failure, Integer weight) {}

  /** A pool whose servers are all up. */
  public ServerPool(VirtualServer config) {
    this.config = config;
    quorum = weightUp() >= config.spec().quorum();
  }

  /** Takes over another configuration. Servers that stay keep the results of their checks. */
  public void update(VirtualServer next) {
    config = next;
    results.keySet().retainAll(next.servers().keySet());
    var checks = next.spec().checks().stream().map(check -> check.name()).toList();
    results.values().forEach(names -> names.keySet().retainAll(checks));
    decide();
  }

  /**
   * Takes in the result of a check.
   *
   * @param failure why it fails, or null if it is good
   * @param weight weight that the server should have by a good check, or null for its own
   * @return whether the server comes or goes by it, or gets another weight
   */
  public boolean checked(RealServer server, String check, String failure, Integer weight) {
    if (!config.servers().containsKey(server)) {
      return false;
    }
    boolean wasUp = isUp(server);
    int before = weight(server);
    results
        .computeIfAbsent(server, _ -> new TreeMap<>())
        .put(check, new Result(failure, failure == null ? weight : null));
    decide();
    return wasUp != isUp(server) || isUp(server) && before != weight(server);
  }

  /** Whether a check of a server has said something. */
  public boolean knows(RealServer server, String check) {
    return results.getOrDefault(server, Map.of()).containsKey(check);
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
    return config.servers().keySet().stream().filter(this::isUp).mapToInt(this::weight).sum();
  }

  /** Whether no check of a server fails. */
  public boolean isUp(RealServer server) {
    return results.getOrDefault(server, Map.of()).values().stream()
        .allMatch(result -> result.failure() == null);
  }

  /**
   * The weight of a server while it is up. Where several checks say another than its own, their
   * differences add up (keepalived: misc_dynamic).
   */
  public int weight(RealServer server) {
    int own = config.servers().get(server);
    int sum =
        results.getOrDefault(server, Map.of()).values().stream()
            .filter(result -> result.weight() != null)
            .mapToInt(result -> result.weight() - own)
            .sum();
    return Math.clamp((long) own + sum, 0, WEIGHT_MAX);
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
        var failures = results.get(server).values().stream().map(Result::failure);
        down.put(server, failures.filter(Objects::nonNull).collect(Collectors.joining("; ")));
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
    for (var server : config.servers().keySet()) {
      if (!isUp(server) && config.quiesces()) {
        weights.put(server, 0);
      } else if (isUp(server) && !sorry) {
        weights.put(server, weight(server));
      }
    }
    return weights;
  }
}
