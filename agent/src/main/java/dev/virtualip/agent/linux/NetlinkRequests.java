package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.Rtnetlink.*;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Writes requests of rtnetlink. */
final class NetlinkRequests extends NetlinkWriter {
  /** Length of the longest change in bytes: a route with all attributes and IPv6 addresses. */
  static final int CHANGE_BYTES_MAX = 120;

  /**
   * Metric of the routes to the prefixes of addresses on the interface of a virtual MAC: behind
   * those of the NIC, whoever has put them.
   */
  private static final int VIRTUAL_METRIC = 30_000;

  private static final byte[] MACVLAN = "macvlan\0".getBytes(StandardCharsets.US_ASCII);

  NetlinkRequests(ByteBuffer out) {
    super(out);
  }

  /**
   * Requests one change, to be acknowledged with this sequence number.
   *
   * @param besideRoutes whether other routes may have its place: an IPv6 route replaces them, an
   *     IPv4 route goes behind them; otherwise that fails with EEXIST
   */
  void change(int sequence, Change change, boolean besideRoutes) {
    switch (change) {
      case Change.PutAddress put -> putAddress(sequence, put, false);
      case Change.DeleteAddress(int link, var prefix) -> {
        int start = begin(RTM_DELADDR, NLM_F_ACK, sequence);
        address(link, prefix.address(), prefix.length());
        end(start);
      }
      case Change.PutRoute(var route, long lease) -> {
        int beside = route.to().isIpv6() ? NLM_F_REPLACE : NLM_F_APPEND;
        int how = besideRoutes ? beside : NLM_F_EXCL;
        int start = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | how, sequence);
        route(route, route.via() == null ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
        if (lease != 0 && route.to().isIpv6()) {
          attribute(RTA_EXPIRES, (int) lease);
        }
        end(start);
      }
      case Change.DeleteRoute(var route) -> {
        int start = begin(RTM_DELROUTE, NLM_F_ACK, sequence);
        route(route, RT_SCOPE_NOWHERE);
        end(start);
      }
      case Change.PutRule(var rule) -> rule(RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE, sequence, rule);
      case Change.DeleteRule(var rule) -> rule(RTM_DELRULE, NLM_F_ACK, sequence, rule);
      case Change.PutVirtualLink _, Change.DeleteVirtualLink _ ->
          throw new IllegalArgumentException("not one request: " + change);
    }
  }

  /**
   * Binds an address, or renews its lease.
   *
   * @param onVirtualLink whether the link is the interface of a virtual MAC
   */
  void putAddress(int sequence, Change.PutAddress put, boolean onVirtualLink) {
    var prefix = put.prefix();
    int start = begin(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, sequence);
    address(put.linkIndex(), prefix.address(), prefix.length());
    cacheInfo(put.leaseSeconds(), prefix.isIpv6());
    if (prefix.isIpv6()) {
      attribute(IFA_FLAGS, IFA_F_NODAD);
    }
    if (onVirtualLink) {
      attribute(IFA_RT_PRIORITY, VIRTUAL_METRIC);
    }
    attribute(IFA_PROTO, new byte[] {(byte) AddressPort.PROTOCOL});
    end(start);
  }

  /** Asks for a macvlan on no NIC. */
  void probeMacvlan(int sequence) {
    int start = begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence);
    out.put(new byte[IFINFOMSG]);
    int info = beginNested(IFLA_LINKINFO);
    attribute(IFLA_INFO_KIND, MACVLAN);
    endNested(info);
    end(start);
  }

  /**
   * Makes a macvlan that is not up.
   *
   * @param master index of the VRF that it is to belong to, or 0
   */
  void newMacvlan(int sequence, Change.PutVirtualLink put, int master) {
    int start = begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence);
    out.put(new byte[IFINFOMSG]);
    attribute(IFLA_IFNAME, (put.name() + "\0").getBytes(StandardCharsets.US_ASCII));
    attribute(IFLA_ADDRESS, put.mac().bytes());
    attribute(IFLA_LINK, put.parent());
    attribute(IFLA_GROUP, AddressPort.PROTOCOL);
    if (master != 0) {
      attribute(IFLA_MASTER, master);
    }
    int info = beginNested(IFLA_LINKINFO);
    attribute(IFLA_INFO_KIND, MACVLAN);
    int data = beginNested(IFLA_INFO_DATA);
    attribute(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
    endNested(data);
    endNested(info);
    end(start);
  }

  /** Keeps the kernel from giving a link an IPv6 link-local address. */
  void generateNoAddress(int sequence, int link) {
    int start = begin(RTM_SETLINK, NLM_F_ACK, sequence);
    out.putInt(AF_UNSPEC).putInt(link).putLong(0);
    int spec = beginNested(IFLA_AF_SPEC);
    int inet6 = beginNested(AF_INET6);
    attribute(IFLA_INET6_ADDR_GEN_MODE, new byte[] {IN6_ADDR_GEN_MODE_NONE});
    endNested(inet6);
    endNested(spec);
    end(start);
  }

  /** Removes a link. */
  void deleteLink(int sequence, int link) {
    int start = begin(RTM_DELLINK, NLM_F_ACK, sequence);
    out.putInt(AF_UNSPEC).putInt(link).putLong(0);
    end(start);
  }

  /**
   * Asks whether there is room for an IPv4 route: EEXIST if another one has its place, else ENOENT,
   * since nothing is to be created. A gateway would have to be reachable, so it names none.
   */
  void probe(int sequence, InstalledRoute route) {
    int start = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_EXCL, sequence);
    boolean smallTable = route.table() < 256;
    out.put(family(route.to().address())).put((byte) route.to().length());
    out.put((byte) 0).put((byte) 0);
    out.put((byte) (smallTable ? route.table() : RT_TABLE_UNSPEC));
    out.put((byte) AddressPort.PROTOCOL).put((byte) RT_SCOPE_UNIVERSE).put((byte) RTN_BLACKHOLE);
    out.putInt(0);
    if (route.to().length() > 0) {
      attribute(RTA_DST, route.to().address().getAddress());
    }
    if (route.metric() != 0) {
      attribute(RTA_PRIORITY, (int) route.metric());
    }
    if (!smallTable) {
      attribute(RTA_TABLE, (int) route.table());
    }
    end(start);
  }

  /** Asks for all links, without their counters. */
  void dumpLinks(int sequence) {
    int start = begin(RTM_GETLINK, NLM_F_DUMP, sequence);
    out.put(new byte[IFINFOMSG]);
    attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    end(start);
  }

  /** Requests all addresses of a family. */
  void dumpAddresses(int sequence, int family) {
    int start = begin(RTM_GETADDR, NLM_F_DUMP, sequence);
    out.put((byte) family).put(new byte[IFADDRMSG - 1]);
    end(start);
  }

  /** Requests a family's routes of a protocol; kernels before 4.20 answer with all routes. */
  void dumpRoutes(int sequence, int family, int protocol) {
    int start = begin(RTM_GETROUTE, NLM_F_DUMP, sequence);
    out.put((byte) family).put(new byte[4]).put((byte) protocol).put(new byte[6]);
    end(start);
  }

  /** Requests the rules of all families. */
  void dumpRules(int sequence) {
    int start = begin(RTM_GETRULE, NLM_F_DUMP, sequence);
    out.put(new byte[FIB_RULE_HDR]);
    end(start);
  }

  /** Sets a link up. */
  void setUp(int sequence, int link) {
    int start = begin(RTM_SETLINK, NLM_F_ACK, sequence);
    out.putInt(AF_UNSPEC).putInt(link).putInt(IFF_UP).putInt(IFF_UP);
    end(start);
  }

  /** Sets what else is a sysctl, net.ipv4.conf.LINK.*; needs no /proc/sys that can be written. */
  void setInet(int sequence, int link, int setting, int value) {
    int start = begin(RTM_SETLINK, NLM_F_ACK, sequence);
    out.putInt(AF_UNSPEC).putInt(link).putLong(0);
    int spec = beginNested(IFLA_AF_SPEC);
    int inet = beginNested(AF_INET);
    int settings = beginNested(IFLA_INET_CONF);
    attribute(setting, value);
    endNested(settings);
    endNested(inet);
    endNested(spec);
    end(start);
  }

  private void address(int link, InetAddress address, int length) {
    out.put(family(address)).put((byte) length).put((byte) 0).put((byte) RT_SCOPE_UNIVERSE);
    out.putInt(link);
    attribute(IFA_LOCAL, address.getAddress());
    attribute(IFA_ADDRESS, address.getAddress());
  }

  /**
   * struct ifa_cacheinfo: preferred lifetime, valid lifetime, and two time stamps that only the
   * kernel sets.
   */
  private void cacheInfo(long leaseSeconds, boolean deprecated) {
    int lifetime = (int) (leaseSeconds == 0 ? INFINITY_LIFE_TIME : leaseSeconds);
    out.putShort((short) (ATTRIBUTE_HEADER + IFA_CACHEINFO_BYTES)).putShort((short) IFA_CACHEINFO);
    out.putInt(deprecated ? 0 : lifetime).putInt(lifetime).putInt(0).putInt(0);
  }

  private void route(InstalledRoute route, int scope) {
    boolean smallTable = route.table() < 256;
    out.put(family(route.to().address())).put((byte) route.to().length());
    out.put((byte) 0).put((byte) 0);
    out.put((byte) (smallTable ? route.table() : RT_TABLE_UNSPEC));
    out.put((byte) AddressPort.PROTOCOL).put((byte) scope).put((byte) RTN_UNICAST);
    out.putInt(route.onLink() ? RTNH_F_ONLINK : 0);
    if (route.to().length() > 0) {
      attribute(RTA_DST, route.to().address().getAddress());
    }
    attribute(RTA_OIF, route.linkIndex());
    if (route.via() != null) {
      attribute(RTA_GATEWAY, route.via().getAddress());
    }
    if (route.metric() != 0) {
      attribute(RTA_PRIORITY, (int) route.metric());
    }
    if (route.source() != null) {
      attribute(RTA_PREFSRC, route.source().getAddress());
    }
    if (!smallTable) {
      attribute(RTA_TABLE, (int) route.table());
    }
  }

  private void rule(int type, int flags, int sequence, PolicyRule rule) {
    int start = begin(type, flags, sequence);
    boolean smallTable = rule.table() < 256;
    out.put((byte) (rule.isIpv6() ? AF_INET6 : AF_INET));
    out.put(length(rule.to())).put(length(rule.from())).put((byte) 0);
    out.put((byte) (smallTable ? rule.table() : RT_TABLE_UNSPEC));
    out.put((byte) 0).put((byte) 0).put((byte) FR_ACT_TO_TBL).putInt(0);
    if (rule.to() != null) {
      attribute(FRA_DST, rule.to().address().getAddress());
    }
    if (rule.from() != null) {
      attribute(FRA_SRC, rule.from().address().getAddress());
    }
    attribute(FRA_PRIORITY, (int) rule.priority());
    if (!smallTable) {
      attribute(FRA_TABLE, (int) rule.table());
    }
    attribute(FRA_PROTOCOL, new byte[] {(byte) AddressPort.PROTOCOL});
    end(start);
  }

  private static byte length(IpPrefix prefix) {
    return (byte) (prefix == null ? 0 : prefix.length());
  }
}
