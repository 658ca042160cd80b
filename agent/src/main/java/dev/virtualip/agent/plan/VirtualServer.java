package dev.virtualip.agent.plan;

import dev.virtualip.agent.net.IpvsPort.Destination;
import dev.virtualip.agent.net.IpvsPort.Forwarding;
import dev.virtualip.agent.net.IpvsPort.SchedulerFlag;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.Tunnel;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.crds.schema.HealthCheck;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A virtual server of a VirtualIP as one node runs it (keepalived: {@code virtual_server}).
 *
 * @param name unique in its VirtualIP
 * @param keys one virtual service of the kernel each: addresses times ports, or a firewall mark
 * @param scheduler name of the kernel's scheduler, as in {@code wlc}
 * @param persistenceSeconds 0 = none
 * @param persistencePrefix length of the client's prefix that persists
 * @param tunnel null but for {@link Forwarding#TUNNEL}
 * @param quorum least sum of the weights of real servers that are up, 1 or more
 * @param hysteresis by how much the sum has to pass the quorum, in both directions; 0 or more
 * @param sorry serves while the quorum is lost (keepalived: sorry_server), or null
 * @param quiesces whether a real server that fails keeps its connections, with weight 0
 *     (keepalived: inhibit_on_failure)
 * @param checks checks of each real server
 * @param servers weight of each real server, in the order given
 */
public record VirtualServer(
    String name,
    List<ServiceKey> keys,
    String scheduler,
    Set<SchedulerFlag> flags,
    boolean onePacket,
    long persistenceSeconds,
    int persistencePrefix,
    Forwarding forwarding,
    Tunnel tunnel,
    int quorum,
    int hysteresis,
    RealServer sorry,
    boolean quiesces,
    List<HealthCheck> checks,
    Map<RealServer, Integer> servers) {

  /**
   * A host that serves (keepalived: {@code real_server}).
   *
   * @param port 0 = that of the virtual service
   */
  public record RealServer(InetAddress address, int port) {}

  /** The virtual service with this key and these weights of its real servers. */
  public VirtualService service(ServiceKey key, Map<RealServer, Integer> weights) {
    var destinations =
        weights.entrySet().stream()
            .map(server -> destination(key, server.getKey(), server.getValue()))
            .toList();
    return new VirtualService(
        key, scheduler, flags, onePacket, persistenceSeconds, persistencePrefix, destinations);
  }

  private Destination destination(ServiceKey key, RealServer server, int weight) {
    int port = server.port() == 0 ? key.port() : server.port();
    return new Destination(server.address(), port, weight, forwarding, tunnel);
  }
}
