package dev.virtualip.agent.instance;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.lvs.ServerPool;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Collection;
import java.util.HashMap;
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

  /** By a name that no other check of the VirtualIP has. */
  private final Map<String, Running> running = new HashMap<>();

  /**
   * By virtual server, its status since it has changed last: with many servers it takes a while.
   */
  private final Map<String, VirtualServerStatus> statuses = new HashMap<>();

  private record Running(ServerCheck subject, ScheduledCheck check, AutoCloseable runner) {}

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
    var wanted = new LinkedHashMap<ServerCheck, ScheduledCheck>();
    for (var virtual : config.virtualServers()) {
      for (var server : virtual.servers().keySet()) {
        var port = virtual.spec().askedPort(server.port());
        for (var check : virtual.spec().checksOf(server.address(), server.port())) {
          var subject = new ServerCheck(virtual.name(), server, check.name());
          var named = check.named(subject.toString());
          wanted.put(subject, ScheduledCheck.ofServer(named, server.address(), port));
        }
      }
    }
    var ended =
        running.values().stream()
            .filter(run -> !run.check().equals(wanted.get(run.subject())))
            .toList();
    stop(config.name(), ended);
    wanted.forEach((subject, check) -> start(config.name(), subject, check));
  }

  private void start(String vip, ServerCheck subject, ScheduledCheck check) {
    var name = check.check().name();
    if (running.containsKey(name)) {
      return;
    }
    var pool = pools.get(subject.virtualServer());
    switch (check.check().initial()) {
      case Unknown -> {}
      case Good -> pool.checked(subject.server(), subject.check(), null, null);
      case Failed -> {
        // An edited check must not take out a server that serves.
        if (!pool.knows(subject.server(), subject.check())) {
          var none = CheckState.initial(check.check());
          pool.checked(subject.server(), subject.check(), none.detail(), null);
        }
      }
    }
    running.put(name, new Running(subject, check, node.checks().start(vip, check)));
  }

  /**
   * Takes in a check's new state.
   *
   * @return whether it is a check of a real server
   */
  boolean take(String vip, CheckState state) {
    var run = running.get(state.name());
    if (run == null) {
      return false;
    }
    var subject = run.subject();
    var pool = pools.get(subject.virtualServer());
    boolean had = pool.hasQuorum();
    var failure = state.verdict() == Verdict.Failed ? state.detail() : null;
    if (pool.checked(subject.server(), subject.check(), failure, state.serverWeight())) {
      logServer(vip, subject, pool, state.detail());
    }
    statuses.remove(subject.virtualServer());
    logQuorum(vip, pool, had);
    return true;
  }

  private static void logServer(String vip, ServerCheck subject, ServerPool pool, String detail) {
    LOG.info(
        "real_server vip={} virtual_server={} server={} up={} weight={} check={} detail=\"{}\"",
        vip,
        subject.virtualServer(),
        IpPrefix.text(subject.server().address()),
        pool.isUp(subject.server()),
        pool.weight(subject.server()),
        subject.check(),
        detail);
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

  /**
   * What the kernel should have while this node is master. What another program has is left out: it
   * is about to be a fault, and must not be changed before.
   */
  List<VirtualService> services() {
    return pools.values().stream()
        .flatMap(RealServers::services)
        .filter(service -> !node.services().isOfOthers(service.key()))
        .toList();
  }

  private static Stream<VirtualService> services(ServerPool pool) {
    return pool.services().stream();
  }

  /** Ends all checks. */
  void stop(String vip) {
    stop(vip, List.copyOf(running.values()));
  }

  private void stop(String vip, Collection<Running> ended) {
    ended.forEach(run -> stop(vip, run));
    var left = labels(running.values());
    labels(ended).stream()
        .filter(label -> !left.contains(label))
        .forEach(label -> node.metrics().forgetCheck(vip, label));
  }

  private static Set<String> labels(Collection<Running> checks) {
    return checks.stream().map(run -> run.subject().label()).collect(Collectors.toSet());
  }

  private void stop(String vip, Running run) {
    var name = run.check().check().name();
    running.remove(name);
    try {
      run.runner().close();
    } catch (Exception e) {
      LOG.warn("check_not_stopped vip={} check={}", vip, name, e);
    }
  }
}
