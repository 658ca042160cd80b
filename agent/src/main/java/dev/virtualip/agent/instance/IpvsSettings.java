package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.SyncDaemon;
import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What IPVS has once for a node: the daemons of the connection synchronisation (keepalived: {@code
 * lvs_sync_daemon}) and the timeouts ({@code lvs_timeouts}). The master daemon runs while this node
 * is master of any VirtualIP that asks for it, the backup daemon while it is not of another. Used
 * by the event loop's thread only.
 */
final class IpvsSettings {
  private static final Logger LOG = LoggerFactory.getLogger(IpvsSettings.class);

  private final IpvsPort ipvs;
  private final NodeNetwork network;

  /** Daemons that this agent has started, with the index of the NIC: they outlive it. */
  private final Map<SyncDaemon, Integer> started = new LinkedHashMap<>();

  private Wanted settled = Wanted.NOTHING;
  private String problem;

  /** What all configurations ask for together. */
  private record Wanted(Map<SyncDaemon, Integer> daemons, ConnectionTimeouts timeouts) {
    static final Wanted NOTHING = new Wanted(Map.of(), new ConnectionTimeouts(0, 0, 0));
  }

  IpvsSettings(IpvsPort ipvs, NodeNetwork network) {
    this.ipvs = ipvs;
    this.network = network;
  }

  /**
   * Makes IPVS have what these ask for in their present states.
   *
   * @param again whether somebody may have changed it, so that it has to be read
   * @return whether {@link #problem} has changed
   */
  boolean settle(Collection<VrrpInstance> instances, boolean again) {
    var wanted = wanted(instances);
    boolean nothing = wanted.equals(Wanted.NOTHING) && started.isEmpty();
    if (nothing || !again && wanted.equals(settled) || !ipvs.available()) {
      return false;
    }
    settled = wanted;
    var before = problem;
    problem = null;
    try {
      settleDaemons(wanted.daemons());
      settleTimeouts(wanted.timeouts());
    } catch (IOException e) {
      problem = e.getMessage();
    }
    if (problem != null && !problem.equals(before)) {
      LOG.warn("ipvs_not_settled wanted={} error=\"{}\" retry_s=5", wanted, problem);
    }
    return !Objects.equals(before, problem);
  }

  /** Why not all of it is as wanted, or null. */
  String problem() {
    return problem;
  }

  private Wanted wanted(Collection<VrrpInstance> instances) {
    var daemons = new LinkedHashMap<SyncDaemon, Integer>();
    var timeouts = Wanted.NOTHING.timeouts();
    for (var instance : instances) {
      var config = instance.config();
      var link = config.connectionSync() == null ? null : link(config);
      if (link != null) {
        boolean master = instance.stateName() == State.Master;
        var role = master ? SyncRole.MASTER : SyncRole.BACKUP;
        var daemon = new SyncDaemon(role, link.name(), config.connectionSync().syncId());
        daemons.put(daemon, link.index());
      }
      timeouts = config.connectionTimeouts() == null ? timeouts : with(timeouts, config);
    }
    return new Wanted(daemons, timeouts);
  }

  private Link link(InstanceConfig config) {
    return network.link(config.connectionSync().interfaceName());
  }

  private static ConnectionTimeouts with(ConnectionTimeouts others, InstanceConfig config) {
    var own = config.connectionTimeouts();
    return new ConnectionTimeouts(
        either(own.tcp(), others.tcp()),
        either(own.tcpFin(), others.tcpFin()),
        either(own.udp(), others.udp()));
  }

  private static long either(Duration own, long other) {
    return own == null ? other : own.toSeconds();
  }

  private void settleDaemons(Map<SyncDaemon, Integer> wanted) throws IOException {
    var running = ipvs.syncDaemons();
    for (var daemon : running) {
      boolean stays = wanted.containsKey(daemon) && !isOnAnotherLink(daemon, wanted);
      if (!stays && isOurs(daemon, wanted)) {
        ipvs.stop(daemon.role());
        LOG.info("sync_daemon_stopped daemon={}", daemon);
      }
    }
    started.keySet().retainAll(wanted.keySet());
    for (var daemon : wanted.keySet()) {
      if (!running.contains(daemon) || isOnAnotherLink(daemon, wanted)) {
        ipvs.start(daemon);
        LOG.info("sync_daemon_started daemon={}", daemon);
      }
      started.put(daemon, wanted.get(daemon));
    }
  }

  private boolean isOnAnotherLink(SyncDaemon daemon, Map<SyncDaemon, Integer> wanted) {
    return started.containsKey(daemon) && !started.get(daemon).equals(wanted.get(daemon));
  }

  /** An earlier life of the agent may have started one: in the other role, as a rule. */
  private boolean isOurs(SyncDaemon daemon, Map<SyncDaemon, Integer> wanted) {
    return started.containsKey(daemon)
        || wanted.keySet().stream()
            .anyMatch(
                other ->
                    other.interfaceName().equals(daemon.interfaceName())
                        && other.syncId() == daemon.syncId());
  }

  /** The kernel leaves as it is what is 0. */
  private void settleTimeouts(ConnectionTimeouts wanted) throws IOException {
    if (wanted.equals(Wanted.NOTHING.timeouts())) {
      return;
    }
    var present = ipvs.timeouts();
    boolean same =
        (wanted.tcp() == 0 || wanted.tcp() == present.tcp())
            && (wanted.tcpFin() == 0 || wanted.tcpFin() == present.tcpFin())
            && (wanted.udp() == 0 || wanted.udp() == present.udp());
    if (!same) {
      ipvs.setTimeouts(wanted);
      LOG.info("timeouts_set before={} now={}", present, wanted);
    }
  }

  /** Stops the daemons that it has started. */
  void stop() {
    for (var daemon : started.keySet()) {
      try {
        ipvs.stop(daemon.role());
      } catch (IOException e) {
        LOG.warn("sync_daemon_not_stopped daemon={} error=\"{}\"", daemon, e.getMessage());
      }
    }
    started.clear();
  }
}
