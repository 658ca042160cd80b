package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.holding.SharedRoutes;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.net.PacketPorts;
import dev.virtualip.agent.net.SourceNat;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/**
 * What virtual routers use of the node they run on.
 *
 * @param network links and addresses
 * @param addresses changes addresses, routes and rules in the kernel
 * @param routes which virtual router holds which route
 * @param services virtual services in the kernel, and whose they are
 * @param ports send and receive frames
 * @param checks starts health checks
 * @param neighbours sessions of BFD
 * @param egress source NAT in the kernel
 * @param metrics counters
 * @param recorder records every step
 * @param stopwatch measures how long changes of state take
 * @param turn work to be done before the next input
 * @param renewals how many leases may be renewed between two looks at adverts
 * @param bootedAt when the node booted, in nanoseconds of the event loop's clock
 * @param clock wall clock for times that users read, and for the age of signed adverts; nothing
 *     else is decided by it
 */
public record Node(
    NodeNetwork network,
    AddressPort addresses,
    SharedRoutes routes,
    OwnServices services,
    PacketPorts ports,
    Checks checks,
    Neighbours neighbours,
    Egress egress,
    AgentMetrics metrics,
    Recorder recorder,
    Stopwatch stopwatch,
    Turn turn,
    Allowance renewals,
    long bootedAt,
    Clock clock) {

  /** Leases that are renewed between two looks at adverts. */
  private static final int RENEWALS = 16;

  /** A node with an empty turn, and without BFD and source NAT. */
  public Node(
      NodeNetwork network,
      AddressPort addresses,
      IpvsPort ipvs,
      PacketPorts ports,
      Checks checks,
      AgentMetrics metrics,
      Recorder recorder,
      Stopwatch stopwatch,
      long bootedAt,
      Clock clock) {
    this(
        network,
        addresses,
        ipvs,
        ports,
        checks,
        _ -> {},
        Egress.NONE,
        metrics,
        recorder,
        stopwatch,
        bootedAt,
        clock);
  }

  /** A node with an empty turn. */
  public Node(
      NodeNetwork network,
      AddressPort addresses,
      IpvsPort ipvs,
      PacketPorts ports,
      Checks checks,
      Bfd bfd,
      Egress egress,
      AgentMetrics metrics,
      Recorder recorder,
      Stopwatch stopwatch,
      long bootedAt,
      Clock clock) {
    this(
        network,
        addresses,
        new SharedRoutes(),
        new OwnServices(ipvs),
        ports,
        checks,
        new Neighbours(network, bfd),
        egress,
        metrics,
        recorder,
        stopwatch,
        new Turn(stopwatch),
        new Allowance(RENEWALS),
        bootedAt,
        clock);
  }

  /** Keeps sessions of BFD; news come back through the event loop. */
  @FunctionalInterface
  public interface Bfd {
    /** Replaces the NICs and what is asked for there, by the NICs' indexes. Never waits. */
    void watch(Map<Integer, Nic> nics);
  }

  /** Makes the kernel translate sources. */
  public interface Egress {
    /** Translates nothing. */
    Egress NONE =
        new Egress() {
          @Override
          public void want(List<SourceNat> nats) {}

          @Override
          public Map<String, String> problems() {
            return Map.of();
          }
        };

    /**
     * Replaces what is translated, and takes off all else, also what an earlier life of the agent
     * has left. Never waits.
     */
    void want(List<SourceNat> nats);

    /** By VirtualIP, why the kernel does not do what was wanted last, and what to do about it. */
    Map<String, String> problems();
  }

  /** Starts health checks; results come back through the event loop. */
  @FunctionalInterface
  public interface Checks {
    /**
     * Starts a check of a VirtualIP.
     *
     * @return stops the check when it is closed
     */
    AutoCloseable start(String virtualIp, ScheduledCheck check);
  }
}
