package dev.virtualip.agent;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.crds.HealthCheck;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;

/**
 * What virtual routers use of the node they run on.
 *
 * @param network links and addresses
 * @param addresses the way to change addresses and routes
 * @param ports frames in and out
 * @param checks starts health checks
 * @param metrics counters
 * @param recorder is told every step
 * @param clock wall clock for what users read, never for decisions
 */
record Node(
    NodeNetwork network,
    AddressPort addresses,
    PacketPorts ports,
    Checks checks,
    AgentMetrics metrics,
    Recorder recorder,
    Clock clock) {

  /** Starts health checks; results come back through the event loop. */
  @FunctionalInterface
  interface Checks {
    AutoCloseable start(String virtualIp, HealthCheck check);
  }

  /** Sends an advert to the group. */
  void send(Link link, Advertisement advert, Password password, InetAddress source, int id)
      throws IOException {
    var payload = AdvertisementCodec.encode(advert, password, source, Frames.GROUP);
    ports.open(link).send(Frames.advertisement(link.mac(), source, id, payload));
  }
}
