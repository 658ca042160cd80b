package dev.virtualip.agent.net;

import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * IPVS, the kernel's layer 4 load balancer, of the node's network namespace. Nothing in it carries
 * a mark: whose a virtual service is has to be known by its key.
 */
public interface IpvsPort {
  /** A kernel without IPVS. */
  IpvsPort NONE = new NoIpvs();

  /**
   * Whether the kernel has IPVS. If it has not, the module ip_vs has to be loaded: asking does not
   * make the kernel load it. The kernel loads modules of schedulers by itself, where they exist.
   */
  boolean available();

  /**
   * All virtual services with their destinations, ours and others'. Left out are services of
   * protocols and destinations with forwarding methods that are not named here; ipvsadm and
   * keepalived cannot make such. If another program changes services meanwhile, one may be missing:
   * putting it again does no harm.
   *
   * @throws IOException if the kernel has no IPVS, or refuses
   */
  List<VirtualService> services() throws IOException;

  /**
   * Makes changes in the given order. A failed change does not stop the others. Putting something
   * that exists changes it in place, so that no connection is lost. Deleting something that does
   * not exist is a success.
   *
   * <p>The caller waits. That is short, but for a service whose scheduler changes, and where the
   * kernel runs modprobe for a scheduler: 0.05 s and 0.5 s on an emulated machine.
   *
   * @return the changes that failed; empty if all succeeded
   * @throws IOException if it is unknown which changes were made, or the kernel has no IPVS
   */
  List<Failure> apply(List<Change> changes) throws IOException;

  /**
   * Counters of virtual services and their destinations, as {@link #services} lists them.
   *
   * @param wanted which services; of the others no destination is read
   * @throws IOException if the kernel has no IPVS, or refuses
   */
  List<ServiceStatistics> statistics(Predicate<ServiceKey> wanted) throws IOException;

  /**
   * The daemons of the connection synchronisation that run now, at most one of each role.
   *
   * @throws IOException if the kernel has no IPVS, or refuses
   */
  Set<SyncDaemon> syncDaemons() throws IOException;

  /**
   * Starts a daemon of the connection synchronisation. That the very same one runs is a success. A
   * daemon outlives its NIC: when that comes anew, stop it first.
   *
   * @throws IOException if another one of its role runs, or the kernel refuses; the message says
   *     what to do
   */
  void start(SyncDaemon daemon) throws IOException;

  /**
   * Stops the daemon of a role; that none runs is a success.
   *
   * @throws IOException if the kernel refuses; the message says what to do
   */
  void stop(SyncRole role) throws IOException;

  /**
   * After how long without a packet a connection is forgotten.
   *
   * @throws IOException if the kernel has no IPVS, or refuses
   */
  ConnectionTimeouts timeouts() throws IOException;

  /**
   * Sets timeouts of all virtual services; those that are 0 stay as they are.
   *
   * @throws IOException if the kernel refuses; the message says what to do
   */
  void setTimeouts(ConnectionTimeouts timeouts) throws IOException;

  /** Transport protocol of a virtual service. */
  enum Protocol {
    TCP,
    UDP,
    SCTP
  }

  /** Flags of the schedulers sh and mh; others ignore them. */
  enum SchedulerFlag {
    /** If the server found by hashing cannot take the connection, another one does (flag 1). */
    FALLBACK,
    /** The port of the client is hashed too (flag 2). */
    PORT,
    /** No scheduler uses it (flag 3). */
    FLAG_3
  }

  /** How packets get to a destination. */
  enum Forwarding {
    /** With the destination address changed; replies have to come back through this node. */
    MASQUERADE,
    /** Unchanged, to the destination's hardware address; it replies to the client itself. */
    DIRECT_ROUTE,
    /** Within another packet; it replies to the client itself. */
    TUNNEL
  }

  /** What packets are put into. GRE and GUE need Linux 5.3; older kernels take them for IPIP. */
  enum TunnelType {
    IPIP,
    GRE,
    GUE
  }

  /** Checksum of the outer header of GRE and GUE. */
  enum TunnelChecksum {
    NONE,
    FULL,
    /** Remote checksum offload, of GUE only. */
    REMOTE
  }

  /** Whether a daemon sends connections to other nodes or receives them. */
  enum SyncRole {
    MASTER,
    BACKUP
  }

  /**
   * Identifies a virtual service: by protocol, address and port, or by firewall mark.
   *
   * @param ipv6 whether its packets are IPv6
   * @param protocol null with a firewall mark
   * @param address null with a firewall mark
   * @param port 0 to 65535; 0 = all ports without a service of their own, which needs persistence;
   *     0 with a firewall mark
   * @param fwmark firewall mark, 1 to 4294967295; 0 = none
   */
  record ServiceKey(boolean ipv6, Protocol protocol, InetAddress address, int port, long fwmark) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if there is a firewall mark and anything else, or not all
     *     else
     */
    public ServiceKey {
      boolean marked = fwmark != 0;
      require(fwmark >= 0 && fwmark <= 0xFFFF_FFFFL, "firewall mark", fwmark);
      require(port >= 0 && port <= (marked ? 0 : 65_535), "port", port);
      require(marked == (protocol == null), "protocol", protocol);
      require(marked == (address == null), "address", address);
      require(marked || ipv6 == address instanceof Inet6Address, "address", address);
    }

    /** A service by its address. */
    public static ServiceKey of(Protocol protocol, InetAddress address, int port) {
      return new ServiceKey(address instanceof Inet6Address, protocol, address, port, 0);
    }

    /** A service by a firewall mark. */
    public static ServiceKey ofMark(boolean ipv6, long fwmark) {
      return new ServiceKey(ipv6, null, null, 0, fwmark);
    }

    @Override
    public String toString() {
      if (fwmark != 0) {
        return "fwmark " + fwmark + (ipv6 ? " IPv6" : " IPv4");
      }
      return protocol + " " + endpoint(address, port);
    }
  }

  /**
   * A virtual service.
   *
   * @param scheduler name of the scheduler, as in {@code wlc}, at most 15 ASCII characters
   * @param onePacket whether each UDP packet is scheduled by itself (ipvsadm: ops)
   * @param persistenceSeconds how long the connections of a client go to the same destination; 0 =
   *     no persistence
   * @param persistencePrefix prefix length of the addresses that count as one client, 1 to 32 or
   *     128; 0 without persistence
   * @param destinations the real servers, in the order in which they were added
   */
  record VirtualService(
      ServiceKey key,
      String scheduler,
      Set<SchedulerFlag> flags,
      boolean onePacket,
      long persistenceSeconds,
      int persistencePrefix,
      List<Destination> destinations) {
    /** The longest persistence that every kernel keeps. With HZ=1000, more would overflow. */
    public static final long PERSISTENCE_SECONDS_MAX = 4_294_967;

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a value is outside its range
     */
    public VirtualService {
      flags = Set.copyOf(flags);
      destinations = List.copyOf(destinations);
      int prefixMin = persistenceSeconds == 0 ? 0 : 1;
      int prefixMax = persistenceSeconds == 0 ? 0 : key.ipv6() ? 128 : 32;
      require(scheduler.matches("[!-~]{1,15}"), "scheduler", scheduler);
      require(
          persistenceSeconds >= 0 && persistenceSeconds <= PERSISTENCE_SECONDS_MAX,
          "persistence",
          persistenceSeconds);
      require(
          persistencePrefix >= prefixMin && persistencePrefix <= prefixMax,
          "prefix of persistence",
          persistencePrefix);
    }

    /** The same service with these destinations. */
    public VirtualService with(List<Destination> destinations) {
      return new VirtualService(
          key, scheduler, flags, onePacket, persistenceSeconds, persistencePrefix, destinations);
    }
  }

  /**
   * A real server of a virtual service. Address and port identify it.
   *
   * @param address of the service's family; with {@link Forwarding#TUNNEL} and without connection
   *     synchronisation it may be of the other
   * @param port 0 to 65535; anything but the service's port needs {@link Forwarding#MASQUERADE}; 0
   *     where the service has port 0 or a firewall mark: the port that the client has asked for
   * @param weight share of the connections, 0 to 2147483647; 0 = no new ones. Others go on
   * @param tunnel null without {@link Forwarding#TUNNEL}
   */
  record Destination(
      InetAddress address, int port, int weight, Forwarding forwarding, Tunnel tunnel) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a value is outside its range
     */
    public Destination {
      require(port >= 0 && port <= 65_535, "port", port);
      require(weight >= 0, "weight", weight);
      require((forwarding == Forwarding.TUNNEL) == (tunnel != null), "tunnel", tunnel);
    }

    /** The same destination with another weight. */
    public Destination withWeight(int weight) {
      return new Destination(address, port, weight, forwarding, tunnel);
    }

    @Override
    public String toString() {
      var text = endpoint(address, port) + " weight " + weight + " " + forwarding;
      return tunnel == null ? text : text + " " + tunnel;
    }
  }

  /**
   * How packets are tunnelled.
   *
   * @param port UDP port of GUE, 1 to 65535; 0 with the other types
   */
  record Tunnel(TunnelType type, int port, TunnelChecksum checksum) {
    /** IP in IP, which has no port and no checksum. */
    public static final Tunnel IPIP = new Tunnel(TunnelType.IPIP, 0, TunnelChecksum.NONE);

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a value is outside its range
     */
    public Tunnel {
      int portMin = type == TunnelType.GUE ? 1 : 0;
      require(port >= portMin && port <= 65_535, "tunnel port", port);
    }
  }

  /**
   * A daemon of the connection synchronisation.
   *
   * @param interfaceName NIC that carries the multicast packets, 1 to 15 bytes
   * @param syncId 0 to 255; a backup takes over the connections of masters with its own id, with 0
   *     those of all
   */
  record SyncDaemon(SyncRole role, String interfaceName, int syncId) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a value is outside its range
     */
    public SyncDaemon {
      int length = interfaceName.getBytes(StandardCharsets.UTF_8).length;
      require(length >= 1 && length <= 15, "interface", interfaceName);
      require(syncId >= 0 && syncId <= 255, "sync id", syncId);
    }
  }

  /**
   * Timeouts of connections, in seconds. The kernel takes up to 2147483, whatever its HZ; 0 = not
   * to be changed.
   *
   * @param tcp established TCP connections
   * @param tcpFin TCP connections after a FIN
   * @param udp UDP
   */
  record ConnectionTimeouts(long tcp, long tcpFin, long udp) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a value is outside its range
     */
    public ConnectionTimeouts {
      for (long timeout : new long[] {tcp, tcpFin, udp}) {
        require(timeout >= 0 && timeout <= Integer.MAX_VALUE, "timeout", timeout);
      }
    }
  }

  /** Counters since the service or destination was added; the kernel adds them up every 2 s. */
  record Counters(
      long connections,
      long incomingPackets,
      long outgoingPackets,
      long incomingBytes,
      long outgoingBytes) {
    /** Nothing yet. */
    public static final Counters ZERO = new Counters(0, 0, 0, 0, 0);
  }

  /** Counters of a virtual service and its destinations. */
  record ServiceStatistics(
      ServiceKey key, Counters counters, List<DestinationStatistics> destinations) {
    public ServiceStatistics {
      destinations = List.copyOf(destinations);
    }
  }

  /**
   * Counters of a destination.
   *
   * @param active connections that are established now
   * @param inactive connections in any other state, most of them ended; the kernel still knows them
   * @param persistent clients that are bound to it
   */
  record DestinationStatistics(
      InetAddress address,
      int port,
      long active,
      long inactive,
      long persistent,
      Counters counters) {}

  /** One change. */
  sealed interface Change {
    /** The thing to be changed, as in {@code virtual service TCP 203.0.113.10:443}. */
    String subject();

    /**
     * Adds a virtual service, or changes the one with its key, whichever program has added it.
     * Destinations and connections stay; those of {@code service} are not looked at.
     */
    record PutService(VirtualService service) implements Change {
      @Override
      public String subject() {
        return "virtual service " + service.key();
      }
    }

    /** Removes a virtual service with its destinations. Packets of its connections are dropped. */
    record DeleteService(ServiceKey service) implements Change {
      @Override
      public String subject() {
        return "removal of virtual service " + service;
      }
    }

    /** Adds a destination to a virtual service, or changes the one with its address and port. */
    record PutDestination(ServiceKey service, Destination destination) implements Change {
      @Override
      public String subject() {
        return "server " + endpoint(destination.address(), destination.port()) + " of " + service;
      }
    }

    /**
     * Removes a destination. Packets of its connections are dropped, until it is put again: with
     * weight 0 it would keep them.
     */
    record DeleteDestination(ServiceKey service, InetAddress address, int port) implements Change {
      @Override
      public String subject() {
        return "removal of server " + endpoint(address, port) + " of " + service;
      }
    }
  }

  /**
   * A change that the kernel refused.
   *
   * @param change the change
   * @param error name of the errno and what to do, as in {@code ENOENT: no such scheduler: ...}
   */
  record Failure(Change change, String error) {}

  private static String endpoint(InetAddress address, int port) {
    var text = IpPrefix.text(address);
    return (address instanceof Inet6Address ? "[" + text + "]" : text) + ":" + port;
  }

  private static void require(boolean valid, String what, Object value) {
    if (!valid) {
      throw new IllegalArgumentException(what + " " + value);
    }
  }
}
