package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.check.ScheduledCheck;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.net.PacketPorts;
import java.time.Clock;
import java.util.Map;

/**
 * What virtual routers use of the node they run on.
 *
 * @param network links and addresses
 * @param addresses changes addresses, routes and rules in the kernel
 * @param services virtual services in the kernel, and whose they are
 * @param ports send and receive frames
 * @param checks starts health checks
 * @param neighbours sessions of BFD
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
    OwnServices services,
    PacketPorts ports,
    Checks checks,
    Neighbours neighbours,
    AgentMetrics metrics,
    Recorder recorder,
    Stopwatch stopwatch,
    Turn turn,
    Allowance renewals,
    long bootedAt,
    Clock clock) {

  /** Leases that are renewed between two looks at adverts. */
  private static final int RENEWALS = 16;

  /** A node with an empty turn and without BFD. */
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
        network, addresses, ipvs, ports, checks, _ -> {}, metrics, recorder, stopwatch, bootedAt,
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
      AgentMetrics metrics,
      Recorder recorder,
      Stopwatch stopwatch,
      long bootedAt,
      Clock clock) {
    this(
        network,
        addresses,
        new OwnServices(ipvs),
        ports,
        checks,
        new Neighbours(network, bfd),
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
