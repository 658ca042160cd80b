package dev.virtualip.agent.instance;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.lvs.ServerPool;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Collection;
import java.util.HashMap;
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

  /** By a name that no other check of the VirtualIP has. */
  private final Map<String, Running> running = new HashMap<>();

  /** A check of a real server. */
  private record Subject(String virtualServer, RealServer server, String check) {
    @Override
    public String toString() {
      var address = IpPrefix.text(server.address());
      return virtualServer + "/" + address + "/" + server.port() + "/" + check;
    }
  }

  /** The same with what it asks, and what ends it. */
  private record Running(Subject subject, ScheduledCheck check, AutoCloseable runner) {}

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
    var wanted = new LinkedHashMap<Subject, ScheduledCheck>();
    for (var virtual : config.virtualServers()) {
      for (var server : virtual.servers().keySet()) {
        var port = virtual.spec().askedPort(server.port());
        for (var check : virtual.spec().checksOf(server.address(), server.port())) {
          var subject = new Subject(virtual.name(), server, check.name());
          var named = check.named(subject.toString());
          wanted.put(subject, ScheduledCheck.ofServer(named, server.address(), port));
        }
      }
    }
    for (var run : List.copyOf(running.values())) {
      if (!run.check().equals(wanted.get(run.subject()))) {
        stop(config.name(), run);
      }
    }
    wanted.forEach((subject, check) -> start(config.name(), subject, check));
  }

  private void start(String vip, Subject subject, ScheduledCheck check) {
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
    var failure = state.verdict() == Verdict.Failed ? state.detail() : null;
    if (pool.checked(subject.server(), subject.check(), failure, state.serverWeight())) {
      LOG.info(
          "real_server vip={} virtual_server={} server={} up={} weight={} check={} detail=\"{}\"",
          vip,
          subject.virtualServer(),
          IpPrefix.text(subject.server().address()),
          pool.isUp(subject.server()),
          pool.weight(subject.server()),
          subject.check(),
          state.detail());
    }
    return true;
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
    List.copyOf(running.values()).forEach(run -> stop(vip, run));
  }

  private void stop(String vip, Running run) {
    var name = run.check().check().name();
    running.remove(name);
    try {
      run.runner().close();
    } catch (Exception e) {
      LOG.warn("check_not_stopped vip={} check={}", vip, name, e);
    }
    node.metrics().forgetCheck(vip, name);
  }
}
