package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.Genetlink.*;
import static dev.virtualip.agent.linux.Rtnetlink.*;

import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.Destination;
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
import java.nio.charset.StandardCharsets;

/**
 * Writes requests of generic netlink. Their fixed part is the command, its version and two bytes 0.
 * Ports, addresses and IPv4 masks are in network byte order.
 */
final class IpvsRequests extends NetlinkWriter {
  /** Length of the longest change in bytes: a destination with IPv6 addresses. */
  static final int CHANGE_BYTES_MAX = 164;

  private static final int ALL_FLAGS = -1;

  private final int ipvs;

  /**
   * Writes to a buffer.
   *
   * @param ipvs the kernel's number for IPVS, 0 as long as it is not known
   */
  IpvsRequests(ByteBuffer out, int ipvs) {
    super(out);
    this.ipvs = ipvs;
  }

  /**
   * Asks for all families of generic netlink. For a single one that it does not know, the kernel
   * would load a module.
   */
  void dumpFamilies(int sequence) {
    int start = begin(GENL_ID_CTRL, NLM_F_DUMP, sequence);
    command(CTRL_CMD_GETFAMILY, CTRL_VERSION);
    end(start);
  }

  void dumpServices(int sequence) {
    end(begin(IPVS_CMD_GET_SERVICE, NLM_F_DUMP, sequence, ipvs));
  }

  /** Asks for the destinations of a service; it has none if it does not exist. */
  void dumpDestinations(int sequence, ServiceKey service) {
    int start = begin(IPVS_CMD_GET_DEST, NLM_F_DUMP, sequence, ipvs);
    service(service);
    end(start);
  }

  void dumpDaemons(int sequence) {
    end(begin(IPVS_CMD_GET_DAEMON, NLM_F_DUMP, sequence, ipvs));
  }

  void timeouts(int sequence) {
    end(begin(IPVS_CMD_GET_CONFIG, NLM_F_ACK, sequence, ipvs));
  }

  void setTimeouts(int sequence, ConnectionTimeouts timeouts) {
    int start = begin(IPVS_CMD_SET_CONFIG, NLM_F_ACK, sequence, ipvs);
    timeout(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp());
    timeout(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcpFin());
    timeout(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp());
    end(start);
  }

  private void timeout(int type, long seconds) {
    if (seconds != 0) {
      attribute(type, (int) seconds);
    }
  }

  void start(int sequence, SyncDaemon daemon) {
    int start = begin(IPVS_CMD_NEW_DAEMON, NLM_F_ACK, sequence, ipvs);
    int nested = beginNested(IPVS_CMD_ATTR_DAEMON);
    attribute(IPVS_DAEMON_ATTR_STATE, state(daemon.role()));
    attribute(IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interfaceName());
    attribute(IPVS_DAEMON_ATTR_SYNC_ID, daemon.syncId());
    endNested(nested);
    end(start);
  }

  void stop(int sequence, SyncRole role) {
    int start = begin(IPVS_CMD_DEL_DAEMON, NLM_F_ACK, sequence, ipvs);
    int nested = beginNested(IPVS_CMD_ATTR_DAEMON);
    attribute(IPVS_DAEMON_ATTR_STATE, state(role));
    endNested(nested);
    end(start);
  }

  private static int state(SyncRole role) {
    return switch (role) {
      case MASTER -> IP_VS_STATE_MASTER;
      case BACKUP -> IP_VS_STATE_BACKUP;
    };
  }

  /**
   * Requests one change, to be acknowledged with this sequence number.
   *
   * @param add whether something put is to be added; else it is to be changed
   */
  void change(int sequence, Change change, boolean add) {
    switch (change) {
      case Change.PutService(var service) -> {
        int start = begin(add ? IPVS_CMD_NEW_SERVICE : IPVS_CMD_SET_SERVICE, sequence);
        service(service);
        end(start);
      }
      case Change.DeleteService(var service) -> {
        int start = begin(IPVS_CMD_DEL_SERVICE, sequence);
        service(service);
        end(start);
      }
      case Change.PutDestination(var service, var destination) -> {
        int start = begin(add ? IPVS_CMD_NEW_DEST : IPVS_CMD_SET_DEST, sequence);
        service(service);
        destination(destination);
        end(start);
      }
      case Change.DeleteDestination(var service, var address, int port) -> {
        int start = begin(IPVS_CMD_DEL_DEST, sequence);
        service(service);
        int nested = beginNested(IPVS_CMD_ATTR_DEST);
        identify(address, port);
        endNested(nested);
        end(start);
      }
    }
  }

  private void service(ServiceKey key) {
    int nested = beginNested(IPVS_CMD_ATTR_SERVICE);
    identify(key);
    endNested(nested);
  }

  private void identify(ServiceKey key) {
    attribute(IPVS_SVC_ATTR_AF, (short) (key.ipv6() ? AF_INET6 : AF_INET));
    if (key.fwmark() != 0) {
      attribute(IPVS_SVC_ATTR_FWMARK, (int) key.fwmark());
      return;
    }
    attribute(IPVS_SVC_ATTR_PROTOCOL, (short) number(key.protocol()));
    attribute(IPVS_SVC_ATTR_ADDR, key.address().getAddress());
    attribute(IPVS_SVC_ATTR_PORT, network(key.port()));
  }

  private void service(VirtualService service) {
    boolean persistent = service.persistenceSeconds() != 0;
    boolean ipv6 = service.key().ipv6();
    int flags = persistent ? IP_VS_SVC_F_PERSISTENT : 0;
    flags |= service.onePacket() ? IP_VS_SVC_F_ONEPACKET : 0;
    for (var flag : service.flags()) {
      flags |= number(flag);
    }
    int nested = beginNested(IPVS_CMD_ATTR_SERVICE);
    identify(service.key());
    attribute(IPVS_SVC_ATTR_SCHED_NAME, service.scheduler());
    out.putShort((short) (ATTRIBUTE_HEADER + 8)).putShort((short) IPVS_SVC_ATTR_FLAGS);
    out.putInt(flags).putInt(ALL_FLAGS);
    attribute(IPVS_SVC_ATTR_TIMEOUT, (int) service.persistenceSeconds());
    int prefix = persistent ? service.persistencePrefix() : ipv6 ? 128 : 32;
    if (ipv6) {
      attribute(IPVS_SVC_ATTR_NETMASK, prefix);
    } else {
      int mask = -1 << 32 - prefix;
      attribute(IPVS_SVC_ATTR_NETMASK, ByteBuffer.allocate(4).putInt(mask).array());
    }
    endNested(nested);
  }

  private void identify(InetAddress address, int port) {
    attribute(IPVS_DEST_ATTR_ADDR_FAMILY, (short) family(address));
    attribute(IPVS_DEST_ATTR_ADDR, address.getAddress());
    attribute(IPVS_DEST_ATTR_PORT, network(port));
  }

  private void destination(Destination destination) {
    int nested = beginNested(IPVS_CMD_ATTR_DEST);
    identify(destination.address(), destination.port());
    attribute(IPVS_DEST_ATTR_FWD_METHOD, number(destination.forwarding()));
    attribute(IPVS_DEST_ATTR_WEIGHT, destination.weight());
    // Bounds of the number of connections: none.
    attribute(IPVS_DEST_ATTR_U_THRESH, 0);
    attribute(IPVS_DEST_ATTR_L_THRESH, 0);
    if (destination.tunnel() != null) {
      tunnel(destination.tunnel());
    }
    endNested(nested);
  }

  private void tunnel(Tunnel tunnel) {
    attribute(IPVS_DEST_ATTR_TUN_TYPE, new byte[] {(byte) number(tunnel.type())});
    attribute(IPVS_DEST_ATTR_TUN_PORT, network(tunnel.port()));
    attribute(IPVS_DEST_ATTR_TUN_FLAGS, (short) number(tunnel.checksum()));
  }

  private static int number(Protocol protocol) {
    return switch (protocol) {
      case TCP -> IPPROTO_TCP;
      case UDP -> IPPROTO_UDP;
      case SCTP -> IPPROTO_SCTP;
    };
  }

  private static int number(SchedulerFlag flag) {
    return switch (flag) {
      case FALLBACK -> IP_VS_SVC_F_SCHED1;
      case PORT -> IP_VS_SVC_F_SCHED2;
      case FLAG_3 -> IP_VS_SVC_F_SCHED3;
    };
  }

  private static int number(Forwarding forwarding) {
    return switch (forwarding) {
      case MASQUERADE -> IP_VS_CONN_F_MASQ;
      case DIRECT_ROUTE -> IP_VS_CONN_F_DROUTE;
      case TUNNEL -> IP_VS_CONN_F_TUNNEL;
    };
  }

  private static int number(TunnelType type) {
    return switch (type) {
      case IPIP -> IP_VS_CONN_F_TUNNEL_TYPE_IPIP;
      case GRE -> IP_VS_CONN_F_TUNNEL_TYPE_GRE;
      case GUE -> IP_VS_CONN_F_TUNNEL_TYPE_GUE;
    };
  }

  private static int number(TunnelChecksum checksum) {
    return switch (checksum) {
      case NONE -> IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM;
      case FULL -> IP_VS_TUNNEL_ENCAP_FLAG_CSUM;
      case REMOTE -> IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM;
    };
  }

  /** Begins a change of IPVS. */
  private int begin(int command, int sequence) {
    return begin(command, NLM_F_ACK, sequence, ipvs);
  }

  private int begin(int command, int flags, int sequence, int family) {
    int start = begin(family, flags, sequence);
    command(command, IPVS_GENL_VERSION);
    return start;
  }

  private void command(int command, int version) {
    out.put((byte) command).put((byte) version).putShort((short) 0);
  }

  private void attribute(int type, short value) {
    out.putShort((short) (ATTRIBUTE_HEADER + Short.BYTES)).putShort((short) type);
    out.putShort(value).putShort((short) 0);
  }

  /** A text with its terminating zero. */
  private void attribute(int type, String text) {
    attribute(type, (text + "\0").getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] network(int port) {
    return new byte[] {(byte) (port >> 8), (byte) port};
  }
}
