package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.Genetlink.*;
import static dev.virtualip.agent.linux.NetlinkAttributes.*;
import static dev.virtualip.agent.linux.Rtnetlink.*;

import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.Counters;
import dev.virtualip.agent.net.IpvsPort.Destination;
import dev.virtualip.agent.net.IpvsPort.DestinationStatistics;
import dev.virtualip.agent.net.IpvsPort.Forwarding;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.SchedulerFlag;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.SyncDaemon;
import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.net.IpvsPort.Tunnel;
import dev.virtualip.agent.net.IpvsPort.TunnelChecksum;
import dev.virtualip.agent.net.IpvsPort.TunnelType;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A message of generic netlink: of IPVS, or of the controller, which knows all families. */
sealed interface IpvsMessage extends NetlinkMessage.Body {
  /** CTRL_CMD_NEWFAMILY: the number that the kernel has given to a family, as to "IPVS". */
  record Family(int id, String name) implements IpvsMessage {}

  /** IPVS_CMD_NEW_SERVICE; the service comes without its destinations. */
  record Service(VirtualService service, Counters counters) implements IpvsMessage {}

  /** IPVS_CMD_NEW_DEST. */
  record Server(Destination destination, DestinationStatistics statistics) implements IpvsMessage {}

  /** IPVS_CMD_NEW_DAEMON. */
  record Daemon(SyncDaemon daemon) implements IpvsMessage {}

  /** IPVS_CMD_SET_CONFIG. */
  record Timeouts(ConnectionTimeouts timeouts) implements IpvsMessage {}

  /**
   * Reads a message. Whatever is not of the controller is of IPVS, the only family that is asked.
   */
  static NetlinkMessage.Body read(int type, int flags, ByteBuffer in) throws Malformed {
    need(in, GENL_HDRLEN);
    int command = in.get(0);
    var attributes = attributes(in, GENL_HDRLEN);
    try {
      if (type == GENL_ID_CTRL) {
        return command == CTRL_CMD_NEWFAMILY ? family(attributes) : skipped();
      }
      return switch (command) {
        case IPVS_CMD_NEW_SERVICE -> service(nested(attributes, IPVS_CMD_ATTR_SERVICE));
        case IPVS_CMD_NEW_DEST -> server(nested(attributes, IPVS_CMD_ATTR_DEST));
        case IPVS_CMD_NEW_DAEMON -> daemon(nested(attributes, IPVS_CMD_ATTR_DAEMON));
        case IPVS_CMD_SET_CONFIG -> timeouts(attributes);
        default -> skipped();
      };
    } catch (IllegalArgumentException e) {
      throw new Malformed(e.getMessage());
    }
  }

  private static NetlinkMessage.Body skipped() {
    return new NetlinkMessage.Body.Skipped();
  }

  private static NetlinkMessage.Body family(Map<Integer, ByteBuffer> in) throws Malformed {
    var name = text(present(in, CTRL_ATTR_FAMILY_NAME));
    return new Family(shortNumber(in, CTRL_ATTR_FAMILY_ID), name);
  }

  private static NetlinkMessage.Body service(Map<Integer, ByteBuffer> in) throws Malformed {
    var key = key(in);
    if (key.isEmpty()) {
      return skipped();
    }
    boolean ipv6 = key.get().ipv6();
    int flags = (int) number(in, IPVS_SVC_ATTR_FLAGS);
    boolean persistent = (flags & IP_VS_SVC_F_PERSISTENT) != 0;
    long timeout = number(in, IPVS_SVC_ATTR_TIMEOUT);
    long seconds = persistent ? Math.min(timeout, VirtualService.PERSISTENCE_SECONDS_MAX) : 0;
    var service =
        new VirtualService(
            key.get(),
            text(present(in, IPVS_SVC_ATTR_SCHED_NAME)),
            schedulerFlags(flags),
            (flags & IP_VS_SVC_F_ONEPACKET) != 0,
            seconds,
            seconds == 0 ? 0 : prefix(ipv6, present(in, IPVS_SVC_ATTR_NETMASK)),
            List.of());
    return new Service(service, counters(in, IPVS_SVC_ATTR_STATS64));
  }

  private static Optional<ServiceKey> key(Map<Integer, ByteBuffer> in) throws Malformed {
    int family = shortNumber(in, IPVS_SVC_ATTR_AF);
    if (in.containsKey(IPVS_SVC_ATTR_FWMARK)) {
      return Optional.of(ServiceKey.ofMark(family == AF_INET6, number(in, IPVS_SVC_ATTR_FWMARK)));
    }
    var address = address(family, present(in, IPVS_SVC_ATTR_ADDR));
    int port = port(in, IPVS_SVC_ATTR_PORT);
    return switch (shortNumber(in, IPVS_SVC_ATTR_PROTOCOL)) {
      case IPPROTO_TCP -> Optional.of(ServiceKey.of(Protocol.TCP, address, port));
      case IPPROTO_UDP -> Optional.of(ServiceKey.of(Protocol.UDP, address, port));
      case IPPROTO_SCTP -> Optional.of(ServiceKey.of(Protocol.SCTP, address, port));
      default -> Optional.empty();
    };
  }

  private static Set<SchedulerFlag> schedulerFlags(int flags) {
    var set = EnumSet.noneOf(SchedulerFlag.class);
    if ((flags & IP_VS_SVC_F_SCHED1) != 0) {
      set.add(SchedulerFlag.FALLBACK);
    }
    if ((flags & IP_VS_SVC_F_SCHED2) != 0) {
      set.add(SchedulerFlag.PORT);
    }
    if ((flags & IP_VS_SVC_F_SCHED3) != 0) {
      set.add(SchedulerFlag.FLAG_3);
    }
    return set;
  }

  /** Of IPv4 the kernel has a mask in network byte order, of IPv6 the length. */
  private static int prefix(boolean ipv6, ByteBuffer netmask) throws Malformed {
    need(netmask, Integer.BYTES);
    return ipv6 ? netmask.getInt(0) : Integer.bitCount(netmask.getInt(0));
  }

  private static NetlinkMessage.Body server(Map<Integer, ByteBuffer> in) throws Malformed {
    var address =
        address(shortNumber(in, IPVS_DEST_ATTR_ADDR_FAMILY), present(in, IPVS_DEST_ATTR_ADDR));
    int port = port(in, IPVS_DEST_ATTR_PORT);
    long weight = number(in, IPVS_DEST_ATTR_WEIGHT);
    var forwarding = forwarding(number(in, IPVS_DEST_ATTR_FWD_METHOD));
    var tunnel = tunnel(in);
    if (forwarding.isEmpty() || forwarding.get() == Forwarding.TUNNEL && tunnel.isEmpty()) {
      return skipped();
    }
    boolean tunnelled = forwarding.get() == Forwarding.TUNNEL;
    return new Server(
        new Destination(
            address, port, (int) weight, forwarding.get(), tunnelled ? tunnel.get() : null),
        new DestinationStatistics(
            address,
            port,
            number(in, IPVS_DEST_ATTR_ACTIVE_CONNS),
            number(in, IPVS_DEST_ATTR_INACT_CONNS),
            number(in, IPVS_DEST_ATTR_PERSIST_CONNS),
            counters(in, IPVS_DEST_ATTR_STATS64)));
  }

  private static Optional<Forwarding> forwarding(long method) {
    return switch ((int) method) {
      case IP_VS_CONN_F_MASQ -> Optional.of(Forwarding.MASQUERADE);
      case IP_VS_CONN_F_TUNNEL -> Optional.of(Forwarding.TUNNEL);
      case IP_VS_CONN_F_DROUTE -> Optional.of(Forwarding.DIRECT_ROUTE);
      default -> Optional.empty();
    };
  }

  /** IP in IP where the kernel tells no type: before Linux 5.3 there was no other. */
  private static Optional<Tunnel> tunnel(Map<Integer, ByteBuffer> in) throws Malformed {
    var type = in.get(IPVS_DEST_ATTR_TUN_TYPE);
    if (type == null) {
      return Optional.of(Tunnel.IPIP);
    }
    need(type, 1);
    int port = port(in, IPVS_DEST_ATTR_TUN_PORT);
    var checksum = checksum(shortNumber(in, IPVS_DEST_ATTR_TUN_FLAGS));
    return switch (type.get(0)) {
      case IP_VS_CONN_F_TUNNEL_TYPE_IPIP ->
          Optional.of(new Tunnel(TunnelType.IPIP, port, checksum));
      case IP_VS_CONN_F_TUNNEL_TYPE_GRE -> Optional.of(new Tunnel(TunnelType.GRE, port, checksum));
      case IP_VS_CONN_F_TUNNEL_TYPE_GUE -> Optional.of(new Tunnel(TunnelType.GUE, port, checksum));
      default -> Optional.empty();
    };
  }

  private static TunnelChecksum checksum(int flags) {
    if ((flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM) != 0) {
      return TunnelChecksum.REMOTE;
    }
    return (flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM) != 0 ? TunnelChecksum.FULL : TunnelChecksum.NONE;
  }

  /** Before Linux 4.1 there were no counters of 64 bits. */
  private static Counters counters(Map<Integer, ByteBuffer> in, int type) throws Malformed {
    if (!in.containsKey(type)) {
      return Counters.ZERO;
    }
    var counters = nested(in, type);
    return new Counters(
        longNumber(counters, IPVS_STATS_ATTR_CONNS),
        longNumber(counters, IPVS_STATS_ATTR_INPKTS),
        longNumber(counters, IPVS_STATS_ATTR_OUTPKTS),
        longNumber(counters, IPVS_STATS_ATTR_INBYTES),
        longNumber(counters, IPVS_STATS_ATTR_OUTBYTES));
  }

  private static NetlinkMessage.Body daemon(Map<Integer, ByteBuffer> in) throws Malformed {
    var name = text(present(in, IPVS_DAEMON_ATTR_MCAST_IFN));
    int syncId = (int) number(in, IPVS_DAEMON_ATTR_SYNC_ID);
    return switch ((int) number(in, IPVS_DAEMON_ATTR_STATE)) {
      case IP_VS_STATE_MASTER -> new Daemon(new SyncDaemon(SyncRole.MASTER, name, syncId));
      case IP_VS_STATE_BACKUP -> new Daemon(new SyncDaemon(SyncRole.BACKUP, name, syncId));
      default -> skipped();
    };
  }

  /** Without a protocol the kernel does not tell its timeout. */
  private static NetlinkMessage.Body timeouts(Map<Integer, ByteBuffer> in) throws Malformed {
    return new Timeouts(
        new ConnectionTimeouts(
            number(in, IPVS_CMD_ATTR_TIMEOUT_TCP, 0),
            number(in, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, 0),
            number(in, IPVS_CMD_ATTR_TIMEOUT_UDP, 0)));
  }

  /** The kernel tells an IPv4 address in as many bytes as one of IPv6, with zeros behind it. */
  private static InetAddress address(int family, ByteBuffer address) throws Malformed {
    if (family != AF_INET && family != AF_INET6) {
      throw new Malformed("address family " + family);
    }
    int length = family == AF_INET ? 4 : 16;
    need(address, length);
    return inetAddress(family, address.slice(0, length));
  }

  private static int port(Map<Integer, ByteBuffer> in, int type) throws Malformed {
    var value = present(in, type);
    need(value, Short.BYTES);
    return Short.toUnsignedInt(value.slice(0, Short.BYTES).order(ByteOrder.BIG_ENDIAN).getShort(0));
  }
}
