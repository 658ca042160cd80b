package dev.virtualip.agent.instance;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.lvs.ServerPool;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The virtual servers of one virtual router: the pools of their real servers, and the checks of
 * these, which run in every state (as keepalived's do). Used by the event loop's thread only.
 */
final class RealServers {
  private static final Logger LOG = LoggerFactory.getLogger(RealServers.class);

  private final Node node;
  private final Map<String, ServerPool> pools = new LinkedHashMap<>();

  /** By check as it runs. */
  private final Map<HealthCheck, Running> running = new HashMap<>();

  /** A running check of a real server. */
  private record Running(
      String virtualServer, RealServer server, String check, AutoCloseable runner) {
    Running by(AutoCloseable started) {
      return new Running(virtualServer, server, check, started);
    }

    /** A name that no other check of the VirtualIP has. */
    @Override
    public String toString() {
      var address = IpPrefix.text(server.address());
      return virtualServer + "/" + address + "/" + server.port() + "/" + check;
    }
  }

  RealServers(Node node) {
    this.node = node;
  }

  /** Takes over a configuration: servers and checks that stay go on. */
  void update(InstanceConfig config) {
    var names = config.virtualServers().stream().map(VirtualServer::name).toList();
    pools.keySet().retainAll(names);
    for (var server : config.virtualServers()) {
      var pool = pools.get(server.name());
      if (pool == null) {
        pools.put(server.name(), new ServerPool(server));
      } else {
        pool.update(server);
      }
    }
    runChecks(config);
  }

  private void runChecks(InstanceConfig config) {
    var wanted = new LinkedHashMap<HealthCheck, Running>();
    for (var virtual : config.virtualServers()) {
      for (var server : virtual.servers().keySet()) {
        for (var check : virtual.spec().checksOf(server.address(), server.port())) {
          var run = new Running(virtual.name(), server, check.name(), null);
          wanted.put(check.named(run.toString()), run);
        }
      }
    }
    var gone = new HashSet<>(running.keySet());
    gone.removeAll(wanted.keySet());
    gone.forEach(check -> stop(config.name(), check));
    wanted.forEach(
        (check, run) ->
            running.computeIfAbsent(check, _ -> run.by(node.checks().start(config.name(), check))));
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
    found.ifPresent(entry -> take(vip, entry.getValue(), state));
    return found.isPresent();
  }

  private void take(String vip, Running run, CheckState state) {
    boolean fails = state.verdict() == Verdict.Failed;
    LOG.info(
        "real_server vip={} virtual_server={} server={} check={} verdict={} detail=\"{}\"",
        vip,
        run.virtualServer(),
        IpPrefix.text(run.server().address()),
        run.check(),
        state.verdict(),
        state.detail());
    pools
        .get(run.virtualServer())
        .checked(run.server(), run.check(), fails ? state.detail() : null);
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
    List.copyOf(running.keySet()).forEach(check -> stop(vip, check));
  }

  private void stop(String vip, HealthCheck check) {
    try {
      running.remove(check).runner().close();
    } catch (Exception e) {
      LOG.warn("check_not_stopped vip={} check={}", vip, check.name(), e);
    }
  }
}
