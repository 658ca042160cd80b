package dev.virtualip.agent.instance;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.lvs.ServerPool;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The virtual servers of one virtual router: the pools of their real servers, and the checks of
 * these, which run in every state (as keepalived's do). Used by the event loop's thread only.
 */
final class RealServers {
  private static final Logger LOG = LoggerFactory.getLogger(RealServers.class);

  /** Servers that are down in a status, and characters of why: an object has to stay small. */
  private static final int DOWN_MAX = 8;

  private static final int REASON_MAX = 200;

  private final Node node;
  private final Map<String, ServerPool> pools = new LinkedHashMap<>();

  /** By check as it runs. */
  private final Map<HealthCheck, Running> running = new HashMap<>();

  /**
   * By virtual server, its status since it has changed last: with many servers it takes a while.
   */
  private final Map<String, VirtualServerStatus> statuses = new HashMap<>();

  private record Running(ServerCheck check, AutoCloseable runner) {}

  RealServers(Node node) {
    this.node = node;
  }

  /** Takes over a configuration: servers and checks that stay go on. */
  void update(InstanceConfig config) {
    var names = config.virtualServers().stream().map(VirtualServer::name).toList();
    pools.keySet().retainAll(names);
    statuses.clear();
    for (var server : config.virtualServers()) {
      var pool = pools.get(server.name());
      if (pool == null) {
        pools.put(server.name(), new ServerPool(server));
      } else {
        boolean had = pool.hasQuorum();
        pool.update(server);
        logQuorum(config.name(), pool, had);
      }
    }
    runChecks(config);
  }

  private void runChecks(InstanceConfig config) {
    var wanted = new LinkedHashMap<HealthCheck, ServerCheck>();
    for (var virtual : config.virtualServers()) {
      for (var server : virtual.servers().keySet()) {
        for (var check : virtual.spec().checksOf(server.address(), server.port())) {
          var named = new ServerCheck(virtual.name(), server, check.name());
          wanted.put(check.named(named.toString()), named);
        }
      }
    }
    var gone = new HashSet<>(running.keySet());
    gone.removeAll(wanted.keySet());
    stop(config.name(), gone);
    wanted.forEach(
        (check, named) ->
            running.computeIfAbsent(
                check, _ -> new Running(named, node.checks().start(config.name(), check))));
  }

  /**
   * Takes in a check's new state.
   *
   * @return whether it is a check of a real server
   */
  boolean take(String vip, CheckState state) {
    var found =
        running.entrySet().stream()
            .filter(entry -> entry.getKey().name().equals(state.name()))
            .findFirst();
    found.ifPresent(entry -> take(vip, entry.getValue().check(), state));
    return found.isPresent();
  }

  private void take(String vip, ServerCheck check, CheckState state) {
    boolean fails = state.verdict() == Verdict.Failed;
    LOG.info(
        "real_server vip={} virtual_server={} server={} check={} verdict={} detail=\"{}\"",
        vip,
        check.virtualServer(),
        IpPrefix.text(check.server().address()),
        check.check(),
        state.verdict(),
        state.detail());
    var pool = pools.get(check.virtualServer());
    boolean had = pool.hasQuorum();
    pool.checked(check.server(), check.check(), fails ? state.detail() : null);
    statuses.remove(check.virtualServer());
    logQuorum(vip, pool, had);
  }

  private static void logQuorum(String vip, ServerPool pool, boolean had) {
    if (pool.hasQuorum() != had) {
      LOG.warn(
          "quorum vip={} virtual_server={} up={} weight_up={} quorum={}",
          vip,
          pool.config().name(),
          pool.hasQuorum(),
          pool.weightUp(),
          pool.config().spec().quorum());
    }
  }

  /** Status of each virtual server, or null if there is none. */
  List<VirtualServerStatus> status() {
    return pools.isEmpty()
        ? null
        : pools.entrySet().stream()
            .map(pool -> statuses.computeIfAbsent(pool.getKey(), _ -> status(pool.getValue())))
            .toList();
  }

  private static VirtualServerStatus status(ServerPool pool) {
    var down = pool.down();
    var told =
        down.entrySet().stream()
            .limit(DOWN_MAX)
            .map(server -> down(server.getKey(), server.getValue()))
            .toList();
    return new VirtualServerStatus(
        pool.config().name(),
        pool.hasQuorum(),
        pool.weightUp(),
        pool.config().spec().quorum(),
        pool.config().servers().size() - down.size(),
        down.size(),
        told.isEmpty() ? null : told);
  }

  private static DownServer down(RealServer server, String why) {
    return new DownServer(
        IpPrefix.text(server.address()),
        server.port() == 0 ? null : server.port(),
        why.length() > REASON_MAX ? why.substring(0, REASON_MAX) : why);
  }

  /** The pools, in the order of the virtual servers. */
  Collection<ServerPool> pools() {
    return pools.values();
  }

  /** What the kernel should have while this node is master. */
  List<VirtualService> services() {
    return pools.values().stream().flatMap(RealServers::services).toList();
  }

  private static Stream<VirtualService> services(ServerPool pool) {
    return pool.services().stream();
  }

  /** Ends all checks. */
  void stop(String vip) {
    stop(vip, Set.copyOf(running.keySet()));
  }

  private void stop(String vip, Set<HealthCheck> ended) {
    var labels =
        ended.stream()
            .map(check -> running.get(check).check().label())
            .collect(Collectors.toCollection(HashSet::new));
    ended.forEach(check -> stop(vip, check));
    running.values().forEach(left -> labels.remove(left.check().label()));
    labels.forEach(label -> node.metrics().forgetCheck(vip, label));
  }

  private void stop(String vip, HealthCheck check) {
    try {
      running.remove(check).runner().close();
    } catch (Exception e) {
      LOG.warn("check_not_stopped vip={} check={}", vip, check.name(), e);
    }
  }
}
